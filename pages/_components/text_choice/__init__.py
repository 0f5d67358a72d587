"""A text in which one character can be chosen by click, tap or keyboard."""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

from explorer.figures.characters import name, sign

HERE = Path(__file__).parent
HTML = '<div class="text" role="listbox" tabindex="-1"></div>'


def text_choice(tokens: Sequence[str], paints: Sequence[tuple[str, str] | None], at: int, key: str, chosen: Callable[[int], None]) -> None:
    """Draw a text with coloured characters.

    Args:
        tokens: Its characters, [time].
        paints: Background and letter colour of each, or None, [time].
        at: Index of the chosen character.
        key: Of the component.
        chosen: Called with the new index before the page runs again.
    """

    def take() -> None:
        new = (st.session_state.get(key) or {}).get("chosen")
        if isinstance(new, int) and 0 <= new < len(tokens):  # a browser may send anything
            chosen(new)

    rows = [(sign(token), name(token) or token, *(paint or ("", ""))) for token, paint in zip(tokens, paints, strict=True)]
    ends = [index + 1 for index, token in enumerate(tokens) if token.isspace()]  # where a line may break: after white space
    data = {"cells": rows, "ends": ends, "at": at, "label": "The text: choose the character whose loss is followed back"}
    read = {file: (HERE / file).read_text(encoding="utf-8") for file in ("view.css", "view.js")}
    # Registering it again with the same server changes nothing.
    view = component("text_choice", html=HTML, css=read["view.css"], js=read["view.js"].replace("export function", "function"))
    view(key=key, data=data, on_chosen_change=take)
