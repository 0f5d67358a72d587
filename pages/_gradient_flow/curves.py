"""The first screen: the text with the character whose error is followed, the gradient over distance, what it says in numbers."""

import numpy as np
import pandas as pd
import streamlit as st

from explorer.analysis.gradients import SHARES, curve, reach
from explorer.figures import gradient_decay as figures
from explorer.figures.characters import sign
from explorer.figures.gradient_decay import Curve, Felt
from pages._components.text_choice import text_choice
from pages._gradient_flow import compute, state
from pages._gradient_flow.compute import View
from pages._ui.show import draw, is_dark, save
from pages._ui.text import plain

KEY = "gradient_flow.curves"
FAR = 100
HOW_TO_READ = """
The network has read the text up to the framed character and gives it a probability. Its cost is −log of that; the figure
follows **the gradient of this one cost** back through time. Distance 0, at the right, is the state that made the
prediction; each step to the left is one character earlier.

- **State** is what the next step is given: h for RNN and GRU, h and c together for an LSTM, each an input of its own.
  Only the state is compared across kinds. *Hidden state h* holds c fixed; *cell state c* lets h follow it.
- All lines are **relative to distance 0**: h and c live in different units. The pale band holds 8 of 10 other places of
  text that the networks never saw, where that was measured.
- A straight line on this scale is an exponential, and has a half-life. A **bent line is a mixture**: units with different
  time scales, and no one number tells it.
- Untrained is not one thing for an LSTM: with a forget bias of 0 its gates let half pass and it forgets as a plain RNN
  does; with 2, nearly all passes (Gers et al., 2000; Jozefowicz et al., 2015).
- The strip under the lines shows the gradient to each **input** (four decades, bright is large) and, below, gradient times
  input with its sign. This is **sensitivity, not importance**: what a small change of a character's embedding would do.
- A gradient that arrives says that the network *could* have learnt from so far away, and still reacts. It does not say
  that the information is used.

Sources: Hochreiter, 1991; Bengio, Simard and Frasconi, 1994; Pascanu, Mikolov and Bengio, 2013.
"""


def curves(view: View) -> list[Curve]:
    """The lines of the figure; a network that has no such curve (no cell, fewer layers) is left out."""
    drawn, corpus = [], state.cards()[view.networks[0].name]["data"]["corpus"]
    for network in view.networks:
        about = state.cards()[network.name]["arguments"]
        if view.layer >= about["layers"] or (view.what == "cell" and about["cell"] != "lstm"):
            continue
        norms = compute.flow(view, network).norms
        values = getattr(norms, f"{view.what}_log10")
        one = curve(norms, view.layer, view.what)
        band = _band(compute.measured(corpus), network, view) if network.is_trained else None
        drawn.append(Curve(state.title(network), one, float(values[-1, view.layer]), network.is_trained, band))
    return drawn


def _band(measured: dict, network: compute.Network, view: View) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        layer = measured[network.name]["runs"]["trained"][view.layer]
        low, high = (np.array([-np.inf if value is None else value for value in layer[name]], float) for name in ("low", "high"))
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return (low, high) if view.what == "state" else None


def felt(view: View) -> Felt:
    """The characters of the strip."""
    gradient = compute.contributions(view)
    return Felt(view.tokens, gradient.log10, gradient.times_input)


def sentence(view: View, drawn: list[Curve]) -> str:
    """What to look for in this very picture: the lines that reach furthest and least far, in numbers."""
    token = f"“{plain(sign(view.text[view.at]))}”"
    far = min(FAR, *(len(line.log10) - 1 for line in drawn)) if drawn else 0
    trained = sorted((line for line in drawn if line.is_trained), key=lambda line: line.log10[far])
    if not trained or not far:
        return f"Follow the error at {token} back through the text."
    said = f"Follow the error at {token} back: {far} characters earlier **{plain(trained[-1].name)}** still has "
    said += f"{_share(trained[-1].log10[far])} of its gradient"
    return said + (f", **{plain(trained[0].name)}** {_share(trained[0].log10[far])}." if len(trained) > 1 else ".")


def _share(log10: float) -> str:
    if log10 == -np.inf:
        return "nothing"
    return f"1/{10**-log10:.0f}" if -3 <= log10 < -0.2 else f"{10**log10:.2g}" if log10 >= -0.2 else f"1e{log10:.0f}"


def panel(view: View) -> list[Curve]:
    """Text, figure and numbers; gives the lines."""
    shown = felt(view)
    paints: list[tuple[str, str] | None] = [None] * len(view.text)
    paints[view.start : view.at] = figures.paints(shown.places())
    text_choice(view.text, paints, view.at, f"{KEY}.text", state.set_at)
    drawn = curves(view)
    if not drawn:
        st.info(f"None of the chosen lines has a curve for {view.what}: only an LSTM has a cell. Choose another line or another quantity.")
        return []
    figure = figures.flow(drawn, shown, _opener(view), view.whole, is_dark())
    with st.container(key=f"{KEY}.frame"):
        draw(figure, f"{KEY}.figure", stretch=True)
    with st.container(horizontal=True, vertical_alignment="top"):
        st.markdown(_falls(view, drawn))
        save(figure, f"{KEY}.figure", "gradient-flow", figures.table(drawn, shown))
    return drawn


def _opener(view: View) -> tuple[int, str] | None:
    """Where the mark under the loss was opened, if it is one and that is in sight."""
    for closing in state.closing_marks(view.text):
        if closing.at <= view.at < closing.at + len(closing.mark) and closing.opened >= view.start:
            return view.at - 1 - closing.opened, f"{closing.opener} opened here"
    return None


def _falls(view: View, drawn: list[Curve]) -> str:
    """A table of the lags at which each line falls below a half, a tenth, a hundredth, a thousandth."""
    rows = ["| gradient falls below | 1/2 | 1/10 | 1/100 | 1/1000 |", "|---|--:|--:|--:|--:|"]
    for line in drawn:
        lags = reach([line.log10]).falls
        rows.append(f"| {plain(line.name)} | " + " | ".join("–" if lag is None else str(lag) for lag in lags) + " |")
    return "\n".join(rows)


def factors(drawn: list[Curve]) -> pd.DataFrame:
    """What each step multiplies the gradient with, by band of distances, and the half-life where the bands agree."""
    rows = []
    for line in drawn:
        fall = reach([line.log10])
        bands = {f"{start} to {stop}": factor for (start, stop), factor in zip(fall.bands, fall.factors, strict=True)}
        falls = {f"1/{1 / share:.0f}": lag for share, lag in zip(SHARES, fall.falls, strict=True)}
        rows.append({"line": line.name} | falls | bands | {"half-life": fall.half_life})
    return pd.DataFrame(rows)
