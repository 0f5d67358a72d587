"""A text of which one character is chosen, by a click, a tap or the keyboard."""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

from explorer.figures.characters import name, sign

HERE = Path(__file__).parent
HTML = '<div class="text" role="listbox" tabindex="-1"></div>'


def text_choice(tokens: Sequence[str], paints: Sequence[tuple[str, str] | None], at: int, key: str, chosen: Callable[[int], None]) -> None:
    """Draw a text on coloured ground.

    Args:
        tokens: Its characters, [time].
        paints: Ground and letter colour of each, or None, [time].
        at: The chosen one.
        key: Of the component.
        chosen: Called with the new one before the page runs again.
    """

    def take() -> None:
        new = (st.session_state.get(key) or {}).get("chosen")
        if isinstance(new, int) and 0 <= new < len(tokens):  # what a browser says is not trusted to be of the right form
            chosen(new)

    rows = [(sign(token), name(token) or token, *(paint or ("", ""))) for token, paint in zip(tokens, paints, strict=True)]
    data = {"cells": rows, "at": at, "label": "The text: choose the character whose error is followed"}
    read = {file: (HERE / file).read_text(encoding="utf-8") for file in ("view.css", "view.js")}
    # Registered with the server that runs; registering the same again changes nothing.
    view = component("text_choice", html=HTML, css=read["view.css"], js=read["view.js"].replace("export function", "function"))
    view(key=key, data=data, on_chosen_change=take)
