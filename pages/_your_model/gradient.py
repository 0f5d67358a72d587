"""The loss of one token of a text, followed back through a module in another process."""

import math
from dataclasses import dataclass

import numpy as np
import streamlit as st

from explorer.analysis.gradients import curve
from explorer.figures import gradient_decay as figures
from explorer.figures.characters import noun, shown
from explorer.figures.gradient_decay import Curve, Felt
from models.foreign.experiments.python_file import Held, LossGradient
from pages._ui.made import made
from pages._ui.progress import guard
from pages._ui.show import is_dark, show
from pages._ui.text import how_to_read, plain
from pages._your_model.source import Source

KEY = "your_model.gradient"
LAGS = 100  # tokens back that are drawn
HOW_TO_READ = """
The network reads the text up to the cursor and gives the next token a probability p; its loss is −log p. The figure follows the
gradient of this one loss back through time. Distance 0, at the right, is the state that made the prediction; each step to the left is
one token earlier. The lines show the gradient at the **state**, which is what one step passes on to the next: h for a plain RNN and a
GRU, h and c together for an LSTM. The strip below them shows the gradient with respect to each input, brighter where it is larger, and
below it gradient × input with its sign.
"""


@dataclass(frozen=True)
class Point:
    """Where the loss is.

    Args:
        text: The text.
        path: Whose states the gradient is measured at.
        cursor: The last token that is read, counted from 0.
        held: A unit that is held at one value.
    """

    text: str
    path: str
    cursor: int
    held: Held | None


def panel(source: Source, point: Point, tokens: tuple[str, ...]) -> None:
    """A switch, and below it the figure of the loss of the token after the cursor."""
    if not st.toggle("Gradient through time", key=f"{KEY}.shown", help="How far back the loss of the token after the cursor reaches."):
        return
    if point.cursor + 1 >= len(tokens):
        st.caption("No token follows the cursor, so there is no prediction to follow back. Move the cursor.")
        return
    at = point.cursor + 1
    follow = lambda waiting: source.process.gradient(point.text, point.path, at, point.held, waiting)  # noqa: E731
    with guard(stop=False):
        answer: LossGradient | None = source.get(("gradient", point.text, point.path, at, point.held), "Waiting for its module", follow)
        if answer is not None:
            _draw(answer, point, source.name)


def _draw(answer: LossGradient, point: Point, name: str) -> None:
    norms, before = answer.norms, f"{noun(answer.norms.tokens)[:-1]} {point.cursor + 1}"
    p = f"{math.exp(-answer.loss):.2f}"
    st.markdown(f"The loss at “{plain(shown(answer.predicted))}”, which has probability {p}, on its way back from {before}.")
    lags, last = min(LAGS, len(norms.tokens)), norms.state_log10[-1]
    lines = [
        Curve(f"layer {layer + 1}", curve(norms, layer)[:lags], float(last[layer])) for layer in np.flatnonzero(np.isfinite(last)).tolist()
    ]
    if not lines:
        st.caption("No gradient reaches the states that made this prediction. Does the module detach them?")
        return
    to_input = norms.state_log10[:, 0] if answer.input_log10 is None else answer.input_log10
    times = None if answer.times_input is None else answer.times_input[-lags:]
    label = "gradient" if answer.input_log10 is not None else "gradient at the state"
    felt = Felt(norms.tokens[-lags:], to_input[-lags:], times, label)
    whole = st.toggle("Full range", key=f"{KEY}.whole", help="A scale that reaches below what float32 can hold.")
    figure = made(figures.flow, lines, felt, None, whole, is_dark())
    show(figure, f"{KEY}.figure", f"gradient-{name}", made(figures.table, lines, felt), stretch=True)
    how_to_read(HOW_TO_READ)
