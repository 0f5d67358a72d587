"""Alignments that others saved: a list of sentences, and the matrix of the chosen one."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from explorer.figures import alignment as figures
from explorer.records import Alignment
from pages._ui.link import is_unread, link, linked_index
from pages._ui.made import made
from pages._ui.show import is_dark, scrolling, show
from pages._ui.text import count, how_to_read, plain

MATRIX, LINES = "matrix", "lines"
LONGEST = 80  # characters of a sentence in the list
READ = """
Each row is a token of the target, each column a token of the source. The darker a cell, the larger its weight; the weights of a row sum
to 1. Where a file holds word alignments, the links of a target word share its weight equally, and a word without any link looks at
“(none)”. An end mark `</s>` is added where the weights have one row or column more than the sentence has tokens.
"""


def panel(alignments: Sequence[Alignment], name: str, key: str) -> None:
    """The chosen alignment of a file.

    Args:
        alignments: All of the file.
        name: Of the file.
        key: Prefix of keys and parameters.
    """
    st.markdown(f"**{plain(name)}** holds {count(len(alignments), 'alignment')}.")
    chosen, look = f"{key}.sentence", f"{key}.look"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        index = _index(alignments, chosen) if len(alignments) > 1 else 0
        if is_unread(look):
            st.session_state[look] = (MATRIX, LINES)[linked_index(look, 2)]
        drawn = st.segmented_control("Drawn as", [MATRIX, LINES], key=look, required=True)
    link(look, str(int(drawn == LINES)), "0")
    alignment = alignments[index]
    st.caption(plain(f"{' '.join(alignment.source)[:400]}  →  {' '.join(alignment.target)[:400]}"))
    figure = made(figures.lines, alignment, dark=is_dark()) if drawn == LINES else made(figures.matrix, alignment, dark=is_dark())
    with scrolling(f"{key.replace('.', '-')}-alignment"):
        show(figure, f"{key}.alignment", "alignment", lambda: _frame(alignment))
    how_to_read(READ)


def _index(alignments: Sequence[Alignment], key: str) -> int:
    """Which sentence."""
    if is_unread(key) or not 0 <= st.session_state[key] < len(alignments):
        st.session_state[key] = linked_index(key, len(alignments))
    called = lambda index: f"{index + 1}: {' '.join(alignments[index].target)[:LONGEST]}"  # noqa: E731
    index = st.selectbox("Sentence", range(len(alignments)), format_func=called, key=key, width=420)
    link(key, str(index), "0")
    return index


def _frame(alignment: Alignment) -> pd.DataFrame:
    """The matrix as a table, target tokens down, source tokens across."""
    return pd.DataFrame(alignment.weights, index=pd.Index(alignment.target, name="target"), columns=list(alignment.source)).reset_index()
