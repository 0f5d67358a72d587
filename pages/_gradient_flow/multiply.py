"""Panel "Multiply": points that are multiplied by a 2 x 2 matrix again and again, the simplest case of vanishing and exploding."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from explorer.figures import matrix_powers as figures
from explorer.figures.gradient_decay import Curve
from explorer.textbook.matrix_powers import circle, fate, orbit
from pages._components.matrix_choice import matrix_choice
from pages._gradient_flow.compute import View
from pages._ui.glossary import terms
from pages._ui.link import is_unread, link, linked_whole
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save
from pages._ui.text import how_to_read

KEY = "gradient_flow.multiply"
PRESSES = f"{KEY}.presses"
MOST = 60
NAMES = ("a", "b", "c", "d")
PRESETS = {
    "shrink": (0.8, 0.1, 0.0, 0.7),
    "turn": (0.85, -0.5, 0.5, 0.85),
    "fly": (1.15, 0.2, 0.1, 0.95),
    "grow, then die": (0.9, 1.2, 0.0, 0.85),
}
LABELS = {"shrink": "Shrink", "turn": "Rotate", "fly": "Grow", "grow, then die": "Grow, then shrink"}
READ = """
One step of backpropagation through a plain RNN multiplies the gradient by the same matrix, again and again (transposed, and
reduced by the slopes of tanh).

- **σ**, the largest singular value, bounds the growth in one multiplication.
- The **spectral radius** ρ, the largest absolute value of an eigenvalue, decides the long run.
- In *Grow, then shrink*, ρ is below 1 and σ above 1: the points grow before they shrink. So a σ above 1 does not mean that a
  gradient explodes.
"""


def panel(view: View, drawn: list[Curve]) -> None:
    """Buttons, the matrix as arrows and as sliders, the points and their lengths."""
    state = st.session_state
    if is_unread(PRESSES):
        state[PRESSES] = min(linked_whole(PRESSES, 1_000) or 0, MOST)
    st.markdown("**Multiply**: each press multiplies every point by the same matrix")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button("**Multiply**", key=f"{KEY}.press", icon=":material/close:", on_click=_press, disabled=state[PRESSES] >= MOST)
        st.button("Reset", key=f"{KEY}.again", icon=":material/undo:", on_click=_again)
        for name, values in PRESETS.items():
            st.button(LABELS[name], key=f"{KEY}.preset.{name}", on_click=_preset, args=(values,))
    # The points come first: on a narrow screen, where columns are stacked, they stand right under the button.
    second, first, third = st.columns([8, 5, 7], gap="medium")
    with first:
        arrows = st.container()
        rows = (st.columns(2), st.columns(2))
        cells = [column for row in rows for column in row]
        entries = [
            cell.slider(f"{name}, row {n // 2 + 1}, column {n % 2 + 1}", -1.5, 1.5, start, 0.05, key=f"{KEY}.{name}", bind="query-params")
            for n, (name, cell, start) in enumerate(zip(NAMES, cells, PRESETS["shrink"], strict=True))
        ]
    matrix = np.array(entries).reshape(2, 2)
    known, moved = fate(matrix), orbit(matrix, circle(), state[PRESSES])
    link(PRESSES, str(state[PRESSES]), "0")
    with arrows:
        matrix_choice(matrix, f"{KEY}.arrows", lambda new: _put(new.ravel().tolist()))
    with first:
        st.markdown(f"σ = **{known.sigma:.2f}**, ρ = **{known.radius:.2f}**, **{state[PRESSES]}** multiplications. {known.in_words()}")
    with second, st.container(key=f"{KEY}.frame"):
        points, lengths = made(figures.points, moved, is_dark()), made(figures.lengths, moved, known, is_dark())
        draw(points, f"{KEY}.points")
    with third:
        draw(lengths, f"{KEY}.lengths")
        save([points, lengths], f"{KEY}.points", "multiply", partial(figures.table, moved, known))
    terms("singular value", "spectral radius", "eigenvalue")
    how_to_read(READ)


def _press() -> None:
    st.session_state[PRESSES] += 1


def _again() -> None:
    st.session_state[PRESSES] = 0


def _preset(values: Sequence[float]) -> None:
    _again()
    _put(values)


def _put(values: Sequence[float]) -> None:
    for name, value in zip(NAMES, values, strict=True):
        st.session_state[f"{KEY}.{name}"] = value
