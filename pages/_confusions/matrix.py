"""The confusion matrix: its scores, the most confused pairs, and the names of the selected cell."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from explorer.analysis.confusion import accuracy, class_scores, most_confused, order, pair
from explorer.figures import confusion as figures
from models.names.answers import Answers
from models.names.experiments import TRUE_P, Confusions, rows_of
from models.names.table import Labelled
from pages._confusions import compute, name, state
from pages._confusions.compute import DEV, OWN, TRAIN, View
from pages._confusions.words import words
from pages._ui.made import made
from pages._ui.progress import patiently
from pages._ui.show import draw_to_click, is_dark, save, scrolling
from pages._ui.text import count, grid, plain, share

KEY = "confusions.matrix"
PAIRS = 5
NONE = "none"
# On a narrow screen, where columns stand one below the other, the pairs come before the matrix and the names of a cell after it.
PAIRS_FIRST = """<style>
@media (max-width: 640px) {
  .st-key-confusions-order > [data-testid=stLayoutWrapper]:has(> [data-testid=stHorizontalBlock] > [data-testid=stColumn]),
  .st-key-confusions-order > [data-testid=stLayoutWrapper] > [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn]) {
    display: contents;
  }
  .st-key-confusions-order [data-testid=stColumn]:has(.st-key-confusions-pairs) { order: 1; }
  .st-key-confusions-order [data-testid=stColumn]:has(.st-key-confusions-matrix-part) { order: 2; }
  .st-key-confusions-order [data-testid=stColumn]:has(.st-key-confusions-cell-names) { order: 3; }
}
</style>"""
PARTS = {DEV: "held out from training", TRAIN: "from the training data", OWN: "of your own"}


@contextmanager
def pairs_first() -> Iterator[None]:
    """Around the name, the matrix and its errors: a narrow screen shows the pairs before the matrix."""
    with st.container(key="confusions-order"):
        yield
        st.html(PAIRS_FIRST)


def panel(view: View, about: dict) -> tuple[View, Confusions | None]:
    """The matrix, its widgets below it, and the counts of what was chosen; None where there are none."""
    frame = st.container()
    view = state.pick_matrix(view)
    counted = confusions(view, about)
    if counted is None:
        why = _why_nothing(view, about) if view.part == OWN else compute.collection(view.model)[1]
        st.info(f"There are no {words(view.model).text}s to count. {plain(why)}", icon=":material/info:")
        return view, None
    figure = _figure(view, counted)
    with frame, scrolling("confusions-matrix"):
        draw_to_click(figure, f"{KEY}.cells", "cell", lambda point: state.open_cell(point["true"], point["predicted"]))
    save(figure, KEY, "confusions", partial(figures.table, counted.matrix, counted.shared))
    return view, counted


def errors(view: View, about: dict, counted: Confusions) -> None:
    """Scores, the most confused pairs, and the names of the selected cell."""
    st.markdown(f"**Which {words(view.model).labels} get confused**")
    left, right = st.columns([7, 5], gap="medium")
    with left, st.container(key="confusions-pairs"):
        _summary(view, about, counted)
        _pairs(counted)
    with right, st.container(key="confusions-cell-names"):
        _cell(view, about, counted)


def _figure(view: View, counted: Confusions) -> Any:
    """The matrix."""
    ranks = order(counted.matrix, view.order)
    return made(figures.matrix, counted.matrix, ranks, counted.shared, view.by, view.cell, is_dark())


def confusions(view: View, about: dict) -> Confusions | None:
    """The counts for the chosen part: from the names if they are available, else from the card."""
    if view.part == OWN:
        rows = state.own_rows()
        return compute.confusions(about, OWN, own_answers(view, rows)) if rows else None
    answers = patiently(
        f"Classifying names with {view.model}",
        f"{KEY}.cancel.{view.model}.{view.part}",
        _back,
        lambda report: compute.answers(view.model, view.part, report),
        compute.cost(view.model, view.part, _count(view)),
    )
    return compute.confusions(about, view.part, answers)


def own_answers(view: View, rows: tuple[Labelled, str]) -> Answers:
    """Predictions for the visitor's rows, with a progress bar and a Cancel button."""
    table, digest = rows
    return patiently(
        f"Classifying your {words(view.model).text}s with {view.model}",
        f"{KEY}.cancel.{view.model}",
        _forget_rows,
        lambda report: compute.own_answers(view.model, table, digest, report),
        compute.cost(view.model, OWN, len(table.texts), digest),
    )


def _count(view: View) -> int:
    """Number of names in the lists of a network; 0 if they are not available."""
    names, _ = compute.collection(view.model)
    return len(names.languages) if names else 0


def _back() -> None:
    """Return to the default part and panel, which are cached."""
    for key in (state.PART, state.PANEL):
        st.session_state.pop(key, None)


def _forget_rows() -> None:
    st.session_state[state.ROWS] = None


def _why_nothing(view: View, about: dict) -> str:
    """Why none of the visitor's rows is counted."""
    rows, called = state.own_rows(), words(view.model)
    if rows is None:
        panel = state.OWN_PANEL if called.of_names else state.OWN_TEXTS
        return f"Give a test set under “{panel}” below: a table of {called.text} and {called.label}."
    if rows[0].is_swapped(about["labels"]):
        return f"The first column holds {called.labels}: are the columns swapped? The {called.text} comes first."
    first = ", ".join(dict.fromkeys(rows[0].labels[:3]))
    return f"The network knows none of your labels ({first}). It knows {', '.join(about['labels'])}."


def _summary(view: View, about: dict, counted: Confusions) -> None:
    scores, names, called = class_scores(counted.matrix), int(counted.matrix.counts.sum()), words(view.model)
    st.markdown(
        f"**{count(names, called.text)}** {PARTS[view.part]}: accuracy **{accuracy(counted.matrix):.3f}**, "
        f"macro recall {scores.macro_recall:.3f}, macro F1 **{scores.macro_f1:.3f}**."
    )
    with_names, every = int((scores.support > 0).sum()), len(about["labels"])
    over = f"all {called.labels}" if with_names == every else f"the {with_names} of {every} {called.labels} that have {called.text}s here"
    recall = f"Recall: share of a {called.label}'s {called.text}s classified correctly."
    st.caption(f"{recall} F1: harmonic mean of precision and recall. Macro: mean over {over}.")
    if view.part == OWN and counted.answers is not None and called.of_names:
        st.markdown(_seen(view, counted.answers))
    if view.part == TRAIN:
        st.caption("Training names show what was memorised, not how well new names are classified.")


def _seen(view: View, answers: Answers) -> str:
    """How many of the visitor's names the network was trained on, and the accuracy without them."""
    if answers.learnt is None:
        return f"It is unknown how many of them are in the training data. {plain(compute.collection(view.model)[1])}"
    learnt, right = int(answers.learnt.sum()), answers.predicted == answers.targets
    if not learnt:
        return "None of these spellings is in the training data."
    seen = f"**{learnt:,}** of these spellings {'is' if learnt == 1 else 'are'} in the training data"
    if learnt == len(right):
        return f"{seen}: the accuracy shows what was memorised, not how well new names are classified."
    rest = right[~answers.learnt]
    return f"{seen}. Accuracy on the other {len(rest):,}: **{rest.mean():.3f}**."


def _pairs(counted: Confusions) -> None:
    pairs = most_confused(counted.matrix, PAIRS, counted.shared)
    if not pairs:
        st.markdown("There are no errors.")
        return
    st.markdown("Most confused pairs, ranked by the lower bound of the error rate's 95 % interval:")
    with st.container(horizontal=True, gap="small"):
        for rank, confused in enumerate(pairs):
            both = f", {confused.shared} shared" if confused.shared else ""
            st.button(
                plain(f"{confused.true} → {confused.predicted}: {confused.count} of {confused.support}{both}"),
                key=f"{KEY}.pair.{rank}",
                help=plain(f"{confused.words}."),
                on_click=state.open_cell,
                args=(confused.true, confused.predicted),
            )


def _cell(view: View, about: dict, counted: Confusions) -> None:
    """The names of the selected cell; two lists select it too, for use without a mouse."""
    labels, called = [NONE, *about["labels"]], words(view.model)
    st.session_state[state.IS_OPEN] = False
    for side, word in enumerate((f"True {called.label}", f"Predicted {called.label}")):
        st.session_state[f"{KEY}.{side}"] = view.cell[side] if view.cell else NONE
        st.selectbox(word, labels, key=f"{KEY}.{side}", on_change=_boxes_changed)
    if view.cell is None:
        st.caption(f"Click a cell to see its {called.text}s.")
        return
    this = pair(counted.matrix, *view.cell, counted.shared)
    names = f"{this.true} {called.text}s classified {'correctly' if this.true == this.predicted else f'as {this.predicted}'}"
    if counted.answers is None:
        st.markdown(plain(f"{names}: {this.numbers}."))
        st.caption(f"The card holds counts only, not the names. {plain(compute.collection(view.model)[1])}")
        return
    more = " The most confident come first." if this.count else ""
    st.markdown(plain(f"{names}: {this.numbers}.{more}"))
    if this.count:
        _list(view, about, frame(counted.answers, about["labels"], view.cell))


def _list(view: View, about: dict, names: pd.DataFrame) -> None:
    """The names of the selected cell; below them, the curves of the selected name."""
    called = words(view.model)
    st.caption(f"Select a row to see its {called.text} {called.token} by {called.token}.")
    share_of = {"min_value": 0, "max_value": 1, "format": "%.2f"}
    config = {
        "P(predicted)": st.column_config.ProgressColumn(help=f"Probability of the predicted {called.label}.", **share_of),
        "P(true)": st.column_config.NumberColumn(help=f"Probability of the true {called.label}.", format="%.3f"),
        "shared spelling": st.column_config.CheckboxColumn(help=f"The lists hold this spelling under both {called.labels}."),
    }
    key = f"{KEY}.names.{view.model}.{view.part}.{'.'.join(view.cell or ())}"
    shown = pd.DataFrame(names[["name", "p", TRUE_P, "shared"]]).set_axis([called.text, *config], axis=1)
    spelled = list(names["name"])

    def selected() -> None:
        rows = [row for row in st.session_state[key]["selection"]["rows"] if row < len(spelled)]
        st.session_state[state.OPENED] = spelled[rows[0]] if rows else None

    grid(shown, key, column_config=config, height=250, selection_mode="single-row", on_select=selected)
    if (name_opened := st.session_state[state.OPENED]) in spelled:
        opened(view, about, name_opened)
        st.session_state[state.IS_OPEN] = view.part != OWN


def opened(view: View, about: dict, text: str) -> None:
    """A name of the list, letter by letter; its curves are not drawn again if they are at the top of the page already."""
    p = compute.after_letters(view.model, text)
    best = int(p[-1].argmax())
    answer = f"**{plain(text)}**: {plain(about['labels'][best])}, probability **{share(float(p[-1, best]))}**."
    st.markdown(f"{answer} {name.decision(p, about['labels'], compute.letters(view.model, text), words(view.model))}")
    if text == view.text:
        st.caption(f"Its curves are at the top of the page, its letters and states under *{state.LETTERS_PANEL}*.")
        return
    save(name.lines(view.model, text, about, "opened"), f"{KEY}.opened", "letters", stretch=True)
    st.button("Show it at the top, with its states", key=f"{KEY}.open", icon=":material/north:", on_click=state.open_name, args=(text,))


def frame(answers: Answers, labels: list[str], cell: tuple[str, str] | None = None) -> pd.DataFrame:
    """One row per name: of one cell, the most confident first, or of all in their own order."""
    return pd.DataFrame(rows_of(answers, labels, cell))


def _boxes_changed() -> None:
    """A choice in one list alone selects a cell of the diagonal; "none" closes the cell."""
    true, predicted = (st.session_state[f"{KEY}.{side}"] for side in (0, 1))
    if st.session_state[state.CELL] is None:
        true = predicted = predicted if true == NONE else true
    is_open = NONE not in (true, predicted)
    state.open_cell(true if is_open else None, predicted)
