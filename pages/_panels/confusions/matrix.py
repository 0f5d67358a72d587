"""What is taken for what: the most confused pairs in words, the matrix, and the names of the cell that was clicked."""

import numpy as np
import pandas as pd
import streamlit as st

from explorer.analysis.confusion import accuracy, class_scores, most_confused, order
from explorer.figures import confusion as figures
from pages._panels.confusions import choice
from pages._shared import classifications
from pages._shared.classifications import DEV, OWN, TRAIN, Answers, Counted, View
from pages._shared.guard import patiently
from pages._shared.show import draw_to_click, is_dark, save
from pages._shared.text import plain

KEY = "confusions.matrix"
PAIRS = 5
NONE = "none"
SIDES = {DEV: "names it never saw", TRAIN: "names it was trained on", OWN: "your own names"}


def panel(view: View, about: dict) -> tuple[View, Counted | None]:
    """Pairs, matrix, opened cell; gives the view with what was chosen, and what is counted."""
    st.markdown("**What is taken for what**")
    view = choice.pick_matrix(view)
    found = counted(view, about)
    if found is None:
        st.info(f"There is nothing to count. {plain(classifications.collection(view.model)[1])}", icon=":material/info:")
        return view, None
    _summary(view, found)
    _pairs(found)
    places = order(found.matrix, view.order)
    figure = figures.matrix(found.matrix, places, found.shared, view.by, view.cell, is_dark())
    left, right = st.columns([7, 5], gap="medium")
    with left:
        with st.container(key="confusions.matrix-frame"):
            draw_to_click(figure, f"{KEY}.cells", "cell", lambda point: choice.open_cell(point["true"], point["predicted"]))
        save(figure, KEY, "confusions", figures.table(found.matrix, found.shared))
    with right:
        _cell(view, about, found)
    return view, found


def counted(view: View, about: dict) -> Counted | None:
    """What is counted on the chosen side: from the names where they are at hand, else as the card keeps it."""
    labels = about["labels"]
    if view.part == OWN:
        rows = choice.own_rows()
        found = own_answers(view, rows)[0] if rows else None
        return classifications.counted(labels, found) if found and found.texts else None
    found = patiently(
        f"{view.model} reads the names",
        f"{KEY}.cancel.{view.model}.{view.part}",
        _back,
        lambda report: classifications.answers(view.model, view.part, report),
    )
    return classifications.counted(labels, found) if found else classifications.of_card(about, view.part)


def own_answers(view: View, rows) -> tuple[Answers, dict[str, int]]:
    """Answers to the visitor's rows, with a bar that can be cancelled."""
    table, digest = rows
    return patiently(
        f"{view.model} reads your names",
        f"{KEY}.cancel.{view.model}",
        _forget_rows,
        lambda report: classifications.own_answers(view.model, table, digest, report),
    )


def _back() -> None:
    """Back to what needs no second reading."""
    for key in (choice.PART, choice.PANEL):
        st.session_state.pop(key, None)


def _forget_rows() -> None:
    st.session_state[choice.ROWS] = None


def _summary(view: View, found: Counted) -> None:
    told = class_scores(found.matrix)
    st.markdown(
        f"**{int(found.matrix.counts.sum()):,}** {SIDES[view.part]}: accuracy **{accuracy(found.matrix):.3f}**, "
        f"macro recall {told.macro_recall:.3f}, macro F1 **{told.macro_f1:.3f}**."
    )
    if view.part == TRAIN:
        st.caption("Measured on training names: it says what was learnt by heart, not how well the next name is read.")


def _pairs(found: Counted) -> None:
    pairs = most_confused(found.matrix, PAIRS, found.shared)
    if not pairs:
        st.markdown("There is no error.")
        return
    st.markdown("Most confused, by the lower end of the interval:")
    with st.container(horizontal=True, gap="small"):
        for number, pair in enumerate(pairs):
            st.button(
                plain(f"{pair.true} → {pair.predicted} {pair.count} of {pair.support}"),
                key=f"{KEY}.pair.{number}",
                help=plain(f"{pair.words}."),
                on_click=choice.open_cell,
                args=(pair.true, pair.predicted),
            )


def _cell(view: View, about: dict, found: Counted) -> None:
    """The names of a cell; boxes choose it too, for those who do not click."""
    labels = [NONE, *about["labels"]]
    for place, word in enumerate(("True language", "Taken for")):
        st.session_state[f"{KEY}.{place}"] = view.cell[place] if view.cell else NONE
        st.selectbox(word, labels, key=f"{KEY}.{place}", on_change=_boxes_changed)
    if view.cell is None:
        st.caption("Click a cell to see its names.")
        return
    if found.answers is None:
        _counts_only(view, found)
        return
    names = frame(found.answers, about["labels"], view.cell)
    row = found.matrix.counts[about["labels"].index(view.cell[0])]
    st.markdown(
        f"**{len(names)}** of {row.sum()} {plain(view.cell[0])} names are taken for {plain(view.cell[1])}; the most confident first."
    )
    if len(names):
        st.caption("Choose a row to read its name letter by letter.")
        config = {"p": st.column_config.ProgressColumn(format="%.2f", min_value=0, max_value=1)}
        key = f"{KEY}.names.{view.model}.{view.part}.{'.'.join(view.cell)}"
        shown = names[["name", "p", "p of the true one", "shared"]]
        st.dataframe(
            shown,
            hide_index=True,
            column_config=config,
            key=key,
            height=320,
            selection_mode="single-row",
            on_select=lambda: _chosen(key, names),
        )


def _counts_only(view: View, found: Counted) -> None:
    true, predicted = (found.matrix.labels.index(label) for label in view.cell or ())
    both = f", {found.shared.counts[true, predicted]} of them shared spellings" if found.shared else ""
    st.markdown(f"**{found.matrix.counts[true, predicted]}** of {found.matrix.counts[true].sum()} names{both}.")
    st.caption(f"The card keeps counts, no names. {plain(classifications.collection(view.model)[1])}")


def frame(found: Answers, labels: list[str], cell: tuple[str, str] | None = None) -> pd.DataFrame:
    """A row for each name, of one cell (the most confident first) or of all as they come."""
    predicted, every = found.predicted, np.arange(len(found.texts))
    chosen = every
    if cell is not None:
        true, answer = (labels.index(label) for label in cell)
        chosen = np.flatnonzero((found.targets == true) & (predicted == answer))
        chosen = chosen[np.argsort(-found.probabilities[chosen, answer], kind="stable")]
    columns = {"name": [found.texts[place] for place in chosen], "true": np.array(labels)[found.targets[chosen]]}
    columns |= {"predicted": np.array(labels)[predicted[chosen]], "p": found.probabilities[chosen, predicted[chosen]]}
    columns["p of the true one"] = found.probabilities[chosen, found.targets[chosen]]
    return pd.DataFrame(columns | {"shared": found.shared[chosen]})


def _boxes_changed() -> None:
    """One box alone opens the diagonal; taking one back closes the cell."""
    true, predicted = (st.session_state[f"{KEY}.{place}"] for place in (0, 1))
    if st.session_state[choice.CELL] is None:
        true = predicted = predicted if true == NONE else true
    is_open = NONE not in (true, predicted)
    choice.open_cell(true if is_open else None, predicted)


def _chosen(key: str, names: pd.DataFrame) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows and rows[0] < len(names):
        choice.open_name(names["name"].iloc[rows[0]])
