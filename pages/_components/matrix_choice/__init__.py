"""A 2 x 2 matrix as two arrows that can be moved by mouse, finger or keyboard."""

from collections.abc import Callable
from math import isfinite
from pathlib import Path

import numpy as np
import streamlit as st
from jaxtyping import Float
from streamlit.components.v2 import component

HERE = Path(__file__).parent
MOST, STEP = 1.5, 0.05  # of each number


def matrix_choice(matrix: Float[np.ndarray, "2 2"], key: str, moved: Callable[[np.ndarray], None]) -> None:
    """Draw a matrix: the arrows are its columns, the images of the unit vectors; the ellipse is the image of the unit circle.

    Args:
        matrix: [row, column], numbers from -1.5 to 1.5.
        key: Of the component.
        moved: Called with the new matrix, [row, column], before the page runs again.
    """

    def take() -> None:
        new = read(st.session_state.get(key))
        if new is not None:
            moved(new)

    html, css, js = ((HERE / f"view.{name}").read_text(encoding="utf-8") for name in ("html", "css", "js"))
    # Registering it again with the same server changes nothing.
    view = component("matrix_choice", html=html, css=css, js=js.replace("export function", "function"))
    view(key=key, data={"columns": matrix.T.tolist(), "most": MOST, "step": STEP}, on_columns_change=take)


def read(said: object) -> np.ndarray | None:
    """The matrix [row, column] that the browser sent, its entries limited; None if it is not a matrix: a browser may send anything."""
    columns = said.get("columns") if isinstance(said, dict) else None
    if not isinstance(columns, list) or [len(column) if isinstance(column, list) else 0 for column in columns] != [2, 2]:
        return None
    values = [value for column in columns for value in column]
    if not all(type(value) in (int, float) and isfinite(value) for value in values):
        return None
    return np.clip(np.round(np.array(values, float) / STEP) * STEP, -MOST, MOST).round(2).reshape(2, 2).T
