"""Replace one word of the source: both translations and both attention matrices, side by side."""

import re

import streamlit as st

from explorer.figures import alignment as figures
from models.translation.experiments.edits import Sentence
from pages._attention import compute
from pages._attention.compute import View
from pages._ui.glossary import terms
from pages._ui.link import is_unread, link, linked_index
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.text import plain

KEY = "attention.replace"
WORD = f"{KEY}.word"
SWAPS = {"dress": "coat", "robe": "manteau"}  # of the other gender in French: the words that agree with it change too


def panel(view: View, about: dict, shown: Sentence) -> None:
    """Choose a source word, type another, and compare the translations before and after."""
    matches = list(re.finditer(r"[\w'’]+|[^\w\s]", view.text))
    if not matches:
        st.info("There is no word to replace.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = {index: match.group() for index, match in enumerate(matches)}
        known = next((index for index, word in names.items() if word in SWAPS), 0)
        if is_unread(key := f"{WORD}.{len(matches)}"):
            st.session_state[key] = linked_index(WORD, len(matches), known)
        index = st.selectbox("Replace", list(names), format_func=names.__getitem__, key=key, width=200)
        other = st.text_input(
            "with", SWAPS.get(names[index], ""), key=f"{KEY}.by", bind="query-params", max_chars=60, width=240, placeholder="another word"
        )
    link(WORD, str(index), str(known))
    if not other.strip():
        st.caption("Type a new word. Try another number or gender: what else changes?")
        return
    if view.edits:
        st.caption("Shown without your edits.")
    match = matches[index]
    text = view.text[: match.start()] + other + view.text[match.end() :]
    changed = view.of(text=text, edits=())
    _side_by_side(view.of(edits=()), changed)
    terms("log probability")


def _side_by_side(before: View, after: View) -> None:
    drawn = []
    for column, name, view in zip(st.columns(2), ("before", "after"), (before, after), strict=True):
        shown = compute.sentence(view)
        with column:
            if shown is None:
                st.info("There is nothing to translate.")
                continue
            total = float(shown.hypothesis.log_probabilities.sum())
            st.markdown(f"{name}: **{plain(shown.text)}**  \nlog probability {total:.1f}")
            if shown.alignment is not None:
                drawn.append(made(figures.matrix, shown.alignment, dark=is_dark(), is_small=True))
                with scrolling(f"replace-{name}"):
                    draw(drawn[-1], f"{KEY}.{name}")
    if drawn:
        save(drawn, KEY, "before-and-after")
