"""First screen of the page: the text with the chosen character, the gradient over distance, and where it falls below 1/2 to 1/1000."""

from functools import partial

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
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save
from pages._ui.text import plain

KEY = "gradient_flow.curves"
FAR, DECADES = 100, 12  # characters back that the sentence speaks of, and where the figure ends unless it shows the full range
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
BELOW, FACTOR = "below {}", "factor per step, {}"  # columns of the tables
HOW_TO_READ = """
The network reads the text up to the framed character and gives that character a probability p; its loss is −log p. The
figure follows **the gradient of this one loss** back through time. Distance 0, at the right, is the state that made
the prediction; each step to the left is one character earlier.

- **State** is what one step passes on to the next: h for a plain RNN and a GRU, h and c together for an LSTM. Only the state
  is comparable between kinds of network. *Hidden state h* keeps c fixed; *cell state c* includes the effect of c on h.
- Every line is **relative to distance 0**, because h and c have different scales. The pale band, where it was measured,
  contains the lines of 8 out of 10 other places in held-out text.
- On this logarithmic scale a straight line is an exponential decay, which has a half-life. A **bent line is a mixture** of
  units with different time scales, and no single number describes it.
- An untrained LSTM depends on its **forget bias**. With 0, its forget gates are half open, and it forgets about as fast as
  a plain RNN; with 2, they are nearly nine tenths open (Gers et al., 2000; Jozefowicz et al., 2015).
- The strip below the lines shows the gradient with respect to each **input** (brighter is larger, over four powers of
  ten) and, below it, gradient × input with its sign. This is **sensitivity, not importance**: the effect of a small change of a character's
  embedding.
- A gradient that arrives shows that the network *could* learn from a character so far back. It does not show that the
  network uses that character.

Sources: Hochreiter, 1991; Bengio, Simard and Frasconi, 1994; Pascanu, Mikolov and Bengio, 2013.
"""


def curves(view: View) -> list[Curve]:
    """The lines of the figure, without networks that lack the layer or a cell state."""
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
    """What to look for in this figure: how much of the gradient is left in a trained LSTM and RNN, and in the LSTM of the slider."""
    token = f"“{plain(sign(view.text[view.at]))}”"
    far = min(FAR, *(len(line.log10) - 1 for line in drawn)) if drawn else 0
    named = _named(view, drawn, far) if far else {}
    if not named:
        return f"The gradient of the loss at {token}, on its way back through the text."
    is_less = all(line.log10[far] < 0 for line in named.values())
    parts = ", ".join(f"**{_share(line.log10[far])}** in {name}" for name, line in named.items())
    said = f"{far} characters back, the gradient of the loss at {token} is {'down to ' if is_less else ''}{parts}."
    is_below = not view.whole and min(line.log10[far] for line in named.values()) < -DECADES
    return f"{said} The figure ends at 10{f'-{DECADES}'.translate(RAISED)}; the full range is behind *Lines*." if is_below else said


def _named(view: View, drawn: list[Curve], far: int) -> dict[str, Curve]:
    """The lines that the sentence compares, by what it calls them; without a trained LSTM and RNN the best and the worst line by name."""
    networks = {state.title(network): network for network in view.networks}
    trained = [line for line in drawn if line.is_trained]
    first = {kind: next((line for line in trained if state.kind(networks[line.name].name) == kind), None) for kind in ("lstm", "rnn")}
    named: dict[str, Curve] = {f"the trained {state.TITLES[kind]}": line for kind, line in first.items() if line}
    if len(named) < len(first):
        ranked = sorted(trained, key=lambda line: -line.log10[far])
        named = {f"**{plain(line.name)}**": line for line in (ranked if len(ranked) < 2 else (ranked[0], ranked[-1]))}
    for line in drawn:
        network = networks[line.name]
        if not line.is_trained and network.bias is not None:
            named.setdefault(f"an untrained LSTM with forget bias {network.bias:g}", line)
    return named


def _share(log10: float) -> str:
    if log10 == -np.inf:
        return "nothing"
    return f"1/{10**-log10:.0f}" if -3 <= log10 < -0.2 else f"{10**log10:.2g}" if log10 >= -0.2 else f"10{f'{log10:.0f}'.translate(RAISED)}"


def panel(view: View) -> list[Curve]:
    """Text, figure and table; returns the lines."""
    shown = felt(view)
    paints: list[tuple[str, str] | None] = [None] * len(view.text)
    paints[view.start : view.at] = made(figures.paints, shown.places())
    text_choice(view.text, paints, view.at, f"{KEY}.text", state.set_at)
    drawn = curves(view)
    if not drawn:
        st.info(
            "No chosen network has this curve: only an LSTM has a cell state, and some have fewer layers. Choose another line or quantity."
        )
        return []
    figure = made(figures.flow, drawn, shown, _opener(view), view.whole, is_dark())
    with st.container(key=f"{KEY}.frame"):
        draw(figure, f"{KEY}.figure", stretch=True)
    with st.container(horizontal=True, vertical_alignment="top"):
        st.markdown(_falls(view, drawn))
        save(figure, f"{KEY}.figure", "gradient-flow", partial(figures.table, drawn, shown), stretch=True)
    return drawn


def _opener(view: View) -> tuple[int, str] | None:
    """Distance and name of the opening mark, if the loss is at a closing mark and its opening mark is in sight."""
    for closing in state.closing_marks(view.text):
        if closing.at <= view.at < closing.at + len(closing.mark) and closing.opened >= view.start:
            return view.at - 1 - closing.opened, f"{closing.opener} opened here"
    return None


def _falls(view: View, drawn: list[Curve]) -> str:
    """A table of the distances at which each line falls below 1/2, 1/10, 1/100 and 1/1000."""
    rows = ["| characters back until the gradient is below | 1/2 | 1/10 | 1/100 | 1/1000 |", "|---|--:|--:|--:|--:|"]
    for line in drawn:
        lags = reach([line.log10]).falls
        rows.append(f"| {plain(line.name)} | " + " | ".join("–" if lag is None else str(lag) for lag in lags) + " |")
    return "\n".join(rows)


def factors(drawn: list[Curve]) -> pd.DataFrame:
    """Where each line falls below a share, its mean factor per step by band of distances, and its half-life where the bands agree."""
    rows = []
    for line in drawn:
        fall = reach([line.log10])
        bands = {FACTOR.format(f"{start} to {stop}"): factor for (start, stop), factor in zip(fall.bands, fall.factors, strict=True)}
        falls = {BELOW.format(f"1/{1 / share:.0f}"): lag for share, lag in zip(SHARES, fall.falls, strict=True)}
        rows.append({"network": line.name} | falls | bands | {"half-life, characters": fall.half_life})
    return pd.DataFrame(rows)
