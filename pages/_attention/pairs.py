"""Panel "Your own pairs": parallel text of the visitor, each pair scored, the worst first; a click shows its sentence above."""

import hashlib
from functools import partial

import pandas as pd
import streamlit as st

from explorer.errors import ExplorerError
from models.corpora import DataError
from models.translation.data import lines_of, table_of, turned
from models.translation.experiments.edits import Sentence
from pages._attention import compute, state
from pages._attention.compute import Pairs, View
from pages._ui import export
from pages._ui.glossary import terms
from pages._ui.progress import patiently
from pages._ui.text import count, failure, grid, plain

KEY = "attention.pairs"
FILES, ROWS, ERROR = f"{KEY}.files", f"{KEY}.rows", f"{KEY}.error"
MOST = 2_000  # pairs
LARGEST = 2_000_000  # bytes of a file
ORDERS = {"chrF": ("chrF", True), "BLEU": ("BLEU", True), "surprise": ("bits per subword", False)}  # column, and whether low is bad


def panel(view: View, about: dict, shown: Sentence) -> None:
    """The uploader, what could be read, and the pairs, the worst first."""
    st.caption("A table of two columns (TSV or CSV), or two files with one sentence per line: first the source, then its translation.")
    st.file_uploader(
        "Your own pairs",
        accept_multiple_files=True,
        key=FILES,
        on_change=_read,
        args=(about["direction"],),
    )
    st.caption(f"Up to {MOST:,} pairs, deleted when you close the page and never part of a link.")
    if error := st.session_state.get(ERROR):
        failure(error)
    pairs: Pairs | None = st.session_state.get(ROWS)
    if pairs is not None and pairs.direction == about["direction"]:
        _scores(view, pairs)


def _read(direction: str) -> None:
    """Read what was uploaded; nothing is shown where it cannot be read."""
    session = st.session_state
    session[ROWS] = session[ERROR] = None
    files = session[FILES]
    if not files:
        return
    try:
        if len(files) > 2 or any(file.size > LARGEST for file in files):
            raise DataError(f"Expected one table, or two files, each of at most {LARGEST // 1_000_000} MB.")
        session[ROWS] = _pairs([(file.name, file.getvalue()) for file in files], direction)
    except ExplorerError as error:
        session[ERROR] = f"{error} Nothing was changed."


def _pairs(files: list[tuple[str, bytes]], direction: str) -> Pairs:
    """The pairs of a table or of two files, as (source, reference)."""
    problems, note = [], ""
    if len(files) == 2:
        (one, first), (other, second) = files
        rows = lines_of(first, second, (repr(one), repr(other)))
    else:
        rows, problems, note = table_of(files[0][1], repr(files[0][0]))
        rows = turned(rows, direction)
    if len(rows) > MOST:
        raise DataError(f"There are {len(rows):,} pairs; expected at most {MOST:,}. Use a part of them.")
    return Pairs(tuple(rows), hashlib.sha256(repr(rows).encode()).hexdigest(), direction, tuple(problems), note)


def _scores(view: View, pairs: Pairs) -> None:
    work = partial(compute.pair_scores, view.model, pairs)
    label = f"{view.model} is translating and scoring, sentences"
    scores = patiently(label, f"{KEY}.cancel", _forget, work, compute.pairs_cost(view.model, pairs))
    table = pd.DataFrame({"source": scores.sources, "reference": scores.references, "translation": scores.translations})
    numbers = {"BLEU": scores.bleu, "chrF": scores.chrf, "bits per subword": scores.bits}
    table = table.assign(**numbers)
    st.markdown(
        f"**{count(len(pairs.rows), 'pair')}**: BLEU **{scores.corpus['bleu']:.1f}**, chrF **{scores.corpus['chrf']:.1f}**, surprise "
        f"**{scores.bits.mean():.2f}** bits per subword of the reference, on average over sentences."
    )
    _report(pairs)
    by = st.segmented_control("The worst first, by", list(ORDERS), default="chrF", key=f"{KEY}.by") or "chrF"
    column, low_is_bad = ORDERS[by]
    table = table.sort_values(column, ascending=low_is_bad, kind="stable").reset_index(drop=True)
    key = f"{KEY}.table.{view.model}.{pairs.digest[:8]}.{by}"

    def selected() -> None:
        rows = [row for row in st.session_state[key]["selection"]["rows"] if row < len(table)]
        if rows:
            state.set_text(str(table["source"][rows[0]]))

    st.caption("Select a row to see its sentence above, with its attention.")
    formats = {name: st.column_config.NumberColumn(format="%.2f") for name in numbers}
    grid(table, key, column_config=formats, height=320, selection_mode="single-row", on_select=selected)
    export.downloads(KEY, [export.csv("csv", "All pairs with scores (CSV)", f"{view.model}-pairs", lambda: table)])
    st.caption(
        "BLEU and chrF compare the translation (greedy decoding) with the one reference; of one sentence they are noisy, and "
        "another good translation scores low. Surprise: of the reference itself, given the source (teacher forcing)."
    )
    terms("BLEU", "chrF", "bits", "subword", "teacher forcing", "greedy decoding")


def _report(pairs: Pairs) -> None:
    """What was assumed, and which lines were left out."""
    if pairs.note:
        st.info(plain(pairs.note), icon=":material/help:")
    if pairs.problems:
        st.caption(f"{count(len(pairs.problems), 'line')} could not be used:")
        grid(pd.DataFrame(pairs.problems, columns=["line", "problem"]), f"{KEY}.problems", height=140)


def _forget() -> None:
    st.session_state[ROWS] = None
