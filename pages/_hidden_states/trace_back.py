"""Panel "Trace back": which units a prediction rests on, which characters wrote their states, and what happens without such a write."""

import math
from functools import partial

import pandas as pd
import streamlit as st

from explorer.analysis.trace_back import TraceBack
from explorer.errors import ExplorerError
from explorer.figures import trace_back as figures
from explorer.figures.attribution import is_long
from explorer.figures.characters import noun, shown
from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import compute, state, states
from pages._hidden_states.attribution import LIKELIEST, TARGETS
from pages._hidden_states.compute import Traced, View
from pages._ui import attribution, export, uploads
from pages._ui.glossary import terms
from pages._ui.layout import select_named
from pages._ui.made import made
from pages._ui.progress import patiently
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.text import code, grid, how_to_read, plain

KEY = "hidden_states.trace_back"
NOT_COMPUTED = "–"
BEFORE = 12  # characters that are shown before the prediction
STRONGEST, ALL = "strongest", "all"
READ = """
**Bars.** The logit of a character, compared with the mean of all characters, is a sum over the units of the top layer: hidden state
times output weight, and the bias. The bars add up to it exactly. What units "carry" is their part of all bars, sizes added.
Click another character in the text above to explain the prediction after it.

**First row.** The state of each unit is itself a sum over the characters that wrote it. In an LSTM each write i · g counts as far as the
forget gates after it let it through; in a GRU the update gate keeps. This sum is exact as well, *given the gates*. Over all units, each
is weighted by its part in the prediction; an LSTM's tanh is passed in proportion, which is a convention, because tanh is no sum. Orange
supports the prediction, blue counts against it. For a single unit the colours are the sign of what was written to its state.

**The rows below are the check.** What the first row says is where a number came from. It does not say what the network would have done
without it. So each write is really taken away: once with all gates as they were, and, for the 12 largest writes, once with all later
gates computed anew, since the gates depend on the state too. The two often differ, and both may differ from the first row: writes
cancel, and other units know the same.

**This is not attention.** There is no query: a write that was forgotten never comes back, while attention can look again.
"""


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """What is predicted, the units that it rests on, and who wrote their states."""
    if not run.predicts:
        st.info(states.why_no_predictions(network))
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        target = select_named("Explain", TARGETS, f"{KEY}.target", 260, label_visibility="visible")
        choices = st.container(width="content")
    at = states.position(view, about, run)
    wanted = "" if target == LIKELIEST else "".join(run.trace.tokens[at + 1 - run.start : at + 2 - run.start])
    first = _traced(view, network, Traced(at, wanted))
    if first is None:
        return
    with choices:
        best, *others = first.strongest
        names = {STRONGEST: f"unit {best}, the strongest", ALL: "all units together"} | {str(unit): f"unit {unit}" for unit in others}
        chosen = select_named("Who wrote", names, f"{KEY}.unit", 200, label_visibility="visible")
    unit = int(best) if chosen == STRONGEST else None if chosen == ALL else int(chosen)
    back = first if unit is None else _traced(view, network, Traced(at, wanted, unit))
    if back is None:
        return
    st.markdown(said(first, back, noun(run.trace.tokens)[:-1]))
    start = run.start + back.start
    _rows(back, start)
    left, right = st.columns([3, 2])
    with left:
        bars = made(figures.units, first, is_dark())
        draw(bars, f"{KEY}.units")
        save(bars, f"{KEY}.units", "units", partial(figures.units_table, first))
    with right:
        st.markdown("**Checked by intervention**")
        grid(checks(first, back), f"{KEY}.checks")
    if back.matrix is not None:
        _matrix(back, start)
    terms(
        "logit", "provenance", "kept and written", "probability p", "forget gate", "input gate", "update gate", "nats", "silencing",
        "intervention",
    )  # fmt: skip
    how_to_read(READ, "the bars and rows")
    export.notebook(notebook(view, Traced(at, wanted, back.unit)))


def _rows(back: TraceBack, start: int) -> None:
    """The text, with a row for the writes and one for each way of taking them away."""
    figure = made(figures.rows, back, start, is_dark())
    with scrolling(KEY.replace(".", "-"), is_long(back.tokens)):
        draw(figure, f"{KEY}.rows")
    save(figure, f"{KEY}.rows", "trace-back", partial(figures.table, back, start))


def _matrix(back: TraceBack, start: int) -> None:
    """Who wrote the unit's state at every character."""
    st.markdown(
        f"**Every write into unit {back.unit}.** A row is the state after one character, a column is what one character wrote. A column "
        "that fades is being forgotten. A write that is gone never comes back; attention could look again."
    )
    figure = made(figures.matrix, back, start, is_dark())
    with scrolling(f"{KEY}-matrix".replace(".", "-"), is_long(back.tokens)):
        draw(figure, f"{KEY}.matrix")
    save(figure, f"{KEY}.matrix", "writes", partial(figures.matrix_table, back, start))


def said(first: TraceBack, back: TraceBack, token: str) -> str:
    """What the prediction rests on and who wrote it, in words; `token` is what a token is called, "character"."""
    unit, distance = int(first.strongest[0]), back.distance
    where = f"the last {token} read" if distance == 0 else f"{distance:,} {token}{'s' if distance > 1 else ''} back"
    whose = f"into unit {back.unit} " if back.unit is not None else ""
    largest = f"After the last {token}, the largest write {whose}" if back.is_last_larger else f"The largest write {whose}"
    anew = _p(back, back.anew[back.writer])
    before = "".join(map(shown, back.tokens[-BEFORE:])) if token == "character" else shown(back.tokens[-1])
    return (
        f"After {code(before)} the network gives {code(shown(back.predicted))} the probability **{back.p:.2f}**. "
        f"The {len(first.strongest)} strongest of {len(first.parts.units):,} units carry {first.carried:.0%} of it, **unit {unit}** first. "
        f"{largest}is that of "
        f"{code(shown(back.tokens[back.writer]))}, {where}. Without it the probability is **{_p(back, back.held[back.writer])}** "
        "with the gates as they were" + ("." if anew == NOT_COMPUTED else f", **{anew}** with later gates computed anew.")
    )


def checks(first: TraceBack, back: TraceBack) -> pd.DataFrame:
    """Probability of the predicted character now, and after each intervention."""
    writer, unit = shown(back.tokens[back.writer]), int(first.strongest[0]) if back.unit is None else back.unit
    whose = "all units" if back.unit is None else f"unit {back.unit}"
    rows = [
        ("nothing", f"{back.p:.3f}"),
        (f"write of {writer} into {whose}, gates held", _p(back, back.held[back.writer])),
        (f"write of {writer} into {whose}, gates anew", _p(back, back.anew[back.writer])),
        (f"unit {unit} at 0 over these characters", f"{back.without:.3f}"),
    ]
    return pd.DataFrame(rows, columns=["taken away", f"probability of {shown(back.predicted)}"])


def _p(back: TraceBack, loss: float) -> str:
    return NOT_COMPUTED if math.isnan(loss) else f"{back.p_after(float(loss)):.3f}"


def _traced(view: View, network: Loaded, asked: Traced) -> TraceBack | None:
    """The prediction followed back; a sentence on the page if it cannot be."""
    try:
        return patiently("Writes taken away", f"{KEY}.cancel", state.close_panel, partial(compute.traced_back, view, network, asked), None)
    except ExplorerError as error:
        st.info(f"{plain(error)} The panel *{attribution.PANEL}* shows what a prediction of this network depends on.")
        return None


def notebook(view: View, asked: Traced) -> str:
    """Python that computes what the panel shows, without Streamlit."""
    source, load = uploads.in_lines(view.model)
    text = view.text[: asked.at + 1] if compute.is_of_characters(view.model) else view.text
    return f"""{source}
from models.char_lm.experiments.trace_back import Asked, trace_back
from models.char_lm.experiments.window import Layer, read_window

network = {load}
window = read_window(network, {text!r}, Layer(), {view.warm_up!r}, {view.part})
back = trace_back(network, window, Asked({asked.at - view.part * compute.WINDOW}, {asked.target!r}, {asked.unit!r}))
print(back.p, back.strongest, back.written)
"""
