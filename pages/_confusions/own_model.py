"""A visitor's own test set: names and languages from a file or pasted, checked row by row."""

import hashlib
from collections.abc import Callable

import pandas as pd
import streamlit as st

from explorer.errors import ExplorerError
from models.names.experiments import Confusions
from models.names.romanise import is_of_names
from models.names.table import Labelled, table, table_of
from models.tables import ENCODINGS
from pages._confusions import matrix
from pages._confusions import state as confusions_state
from pages._confusions.compute import OWN, View
from pages._confusions.words import words
from pages._ui.link import clean
from pages._ui.text import failure, grid, plain

KEY = "confusions.own"
MOST = 100_000  # rows
EXAMPLES = {True: "name,language\nPapadakis,Greek\nNowak,Polish", False: "text,class\nA fine film.,positive\nToo long.,negative"}
WORD = next(word for word, part in confusions_state.PARTS.items() if part == OWN)


def panel(view: View, about: dict, counted: Confusions | None) -> None:
    """The uploader, a field to paste into, and a report on the rows."""
    left, right, called = *st.columns(2, gap="medium"), words(view.model)
    with left:
        st.file_uploader(
            f"A CSV with two columns, {called.text} and {called.label}", type=["csv", "tsv", "txt"], key=f"{KEY}.file", on_change=_uploaded
        )
        if st.session_state.get(f"{KEY}.file") is not None:
            names = {"": "automatic"} | ENCODINGS
            st.selectbox("Encoding of the file", list(names), format_func=names.__getitem__, key=f"{KEY}.encoding", on_change=_read)
    with right, st.form(f"{KEY}.form", border=False):
        st.text_area("Or paste two columns", key=f"{KEY}.paste", height=110, placeholder=EXAMPLES[called.of_names])
        st.form_submit_button("Classify these", on_click=_pasted)
    if error := st.session_state.pop(f"{KEY}.error", None):
        failure(error)
    st.caption(
        f"Up to {MOST:,} rows, deleted when you close the page and never part of a link. "
        f"{called.labels.capitalize()} of this network: {plain(', '.join(about['labels']))}."
    )
    if rows := confusions_state.own_rows():
        _report(view, rows)


def _report(view: View, rows: tuple[Labelled, str]) -> None:
    given, unknown = rows[0], matrix.own_answers(view, rows).unknown
    strange = sum(unknown.values())
    st.markdown(
        f"**{len(given.texts) - strange:,}** rows are counted, **{strange:,}** have an unknown label, and **{len(given.problems):,}** "
        f"cannot be used. The matrix above shows the counted rows{f' under *{WORD}*' if words(view.model).of_names else ''}."
    )
    for note in given.notes:
        st.info(plain(note), icon=":material/help:")
    if given.unread:
        st.caption(f"Ignored columns: {plain(', '.join(given.unread))}.")
    if unknown:
        grid(pd.DataFrame({"unknown label": unknown.keys(), "rows": unknown.values()}), f"{KEY}.unknown")
    if given.problems:
        grid(pd.DataFrame(given.problems, columns=["line", "problem"]), f"{KEY}.problems")
    st.button("Delete them", key=f"{KEY}.forget", icon=":material/delete:", on_click=_forget)


def _uploaded() -> None:
    st.session_state[f"{KEY}.encoding"] = ""  # what was chosen for an earlier file
    _read()


def _read() -> None:
    file = st.session_state[f"{KEY}.file"]
    if file is None:
        return
    encoding = st.session_state[f"{KEY}.encoding"] or None
    _take(lambda: table_of(file.getvalue(), repr(file.name), encoding, MOST, _of_names()))


def _pasted() -> None:
    pasted = st.session_state[f"{KEY}.paste"]
    text = clean(pasted, len(pasted))
    _take(lambda: table(text, most=MOST, of_names=_of_names()))


def _of_names() -> bool:
    """Whether the chosen network reads names."""
    return is_of_names(confusions_state.card())


def _take(read: Callable[[], Labelled]) -> None:
    """Check the rows and show them in the matrix; nothing changes if they cannot be read."""
    state = st.session_state
    state.pop(f"{KEY}.error", None)
    try:
        rows = read()
    except ExplorerError as error:
        state[f"{KEY}.error"] = f"{error} Nothing was changed."
        return
    state[confusions_state.ROWS] = (rows, hashlib.sha256(repr((rows.texts, rows.labels)).encode()).hexdigest())
    state[confusions_state.PART] = WORD
    confusions_state.open_cell(None, None)


def _forget() -> None:
    st.session_state[confusions_state.ROWS] = None
    st.session_state.pop(confusions_state.PART, None)
