"""Panel "This unit": its values, where they are highest and lowest, its gates, and the effect of silencing it."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from explorer.analysis.contexts import Context, highest, lowest, quantile_samples
from explorer.analysis.ledger import ledger
from explorer.analysis.quantities import is_gated, memory_time, memory_time_meaning
from explorer.figures.characters import noun
from explorer.figures.unit import gates_and_ledger, histogram
from explorer.records import Trace
from models import Loaded
from models.char_lm.experiments.held import ELSEWHERE, MEAN, ZERO
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import cell_and_hidden, compute, state, states
from pages._hidden_states.causes import cause_of, in_short
from pages._hidden_states.compute import View
from pages._hidden_states.state import guides, verdict
from pages._ui.glossary import terms
from pages._ui.layout import select_named
from pages._ui.made import made
from pages._ui.progress import patiently
from pages._ui.show import draw, is_dark, save, scrolling, show
from pages._ui.text import code, grid, how_to_read

KEY = "hidden_states.unit"
STRETCH = 200
# What to keep in mind where a unit is held at a value.
CAUTIONS = {
    ZERO: "0 may be outside this unit's normal range, so that a loss can also come from the strange value.",
    MEAN: "The mean keeps the unit in its range and takes away what it says about this place.",
    ELSEWHERE: "Each value is one that the unit really has, at another place: it says something, and the wrong thing.",
}
READ = """
Every step changes a unit's state in two parts. **Kept** is what remains of the state before, **written** is what this step
adds; their sum is the new state. **Shown** is the output of the unit. The equation is above the figure.

An open input gate alone writes nothing: the candidate may be 0. A nearly shut output gate hides a unit that remembers.
"""
VISIBLE = str.maketrans({" ": "·", "\n": "⏎", "\t": "→", "\r": "␍"})


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """Memory time, histogram, silencing, contexts, and the gates over time."""
    values = run.values[:, view.unit]
    _facts(view, about, run.trace)
    left, right = st.columns(2)
    with left:
        figure = made(histogram, values, f"{view.quantity} of unit {view.unit}", dark=is_dark())
        counts = pd.DataFrame({"position": range(len(values)), "value": values})
        show(figure, f"{KEY}.histogram", "histogram", counts, stretch=True)
    with right:
        _silence(view, network, run)
    _contexts(values, run.trace.tokens)
    if run.trace.cell is not None:
        cell_and_hidden.panel(run.trace, view.layer, view.unit, _stretch(view, run.trace), f"{KEY}.cell_and_hidden")
    if is_gated(run.trace):
        _gates(view, run.trace)
    terms(
        "silencing",
        "bits",
        "probability p",
        "forget gate",
        "input gate",
        "output gate",
        "candidate",
        "kept and written",
        "cell state",
        "hidden state",
    )


def _facts(view: View, about: dict, trace: Trace) -> None:
    times = memory_time(trace, view.layer)
    facts = [] if times is None else [f"Memory time on this text: **{_duration(times[view.unit], noun(trace.tokens))}**."]
    known = []
    for guide in guides(about):
        if (guide["layer"], guide["unit"]) == (view.layer, view.unit):
            cause = cause_of(about, guide)
            known += [verdict(guide), *([in_short(cause)] if cause else [])]
    st.markdown(" ".join(facts + (known or ["This unit has no known meaning."])), help=memory_time_meaning(trace))


def _duration(time: float, named: str) -> str:
    """A memory time with its unit, characters or words."""
    return f"{time:.2g} {named}" if np.isfinite(time) else "unlimited"


def _silence(view: View, network: Loaded, run: WindowRun) -> None:
    if not run.predicts:
        st.info(states.why_no_predictions(network))
        return
    st.session_state[state.SILENCE] = state.is_silenced()  # a switch that was not on the page has lost its value
    on = st.toggle("Silence this unit", key=state.SILENCE, on_change=state.take_switch)
    chosen = select_named("Its state is held at", state.HELD_AT, state.INSTEAD, 300, label_visibility="visible") if on else state.instead()
    st.caption(f"The unit is held from the first {noun(run.trace.tokens)[:-1]} on, and the rest is computed anew. {CAUTIONS[chosen]}")
    if not on:
        return
    view = view.of(instead=chosen)
    read = partial(compute.silenced_bits, view, network)
    reads = f"The network is reading with the unit silenced, {noun(run.trace.tokens)}"
    own, silenced = run.reading.bits, patiently(reads, f"{KEY}.cancel", state.close_panel, read, compute.cost(view, "silenced"))
    rise = silenced - own
    after_cursor = min(view.cursor + 1, len(rise) - 1)
    costliest = int(rise.argmax())
    left, middle, right = st.columns(3)
    tokens, named = run.reading.tokens, noun(run.trace.tokens)
    what = "Whole text" if len(own) == compute.length(view) else f"First {len(own):,} {named}"
    left.metric(f"{what}, bits per {named[:-1]}", f"{silenced.mean():.3f}", f"{rise.mean():+.3f}", delta_color="inverse")
    for column, label, at in ((middle, "After the cursor", after_cursor), (right, "Largest increase", costliest)):
        column.metric(
            f"{label}: {code(tokens[at].translate(VISIBLE))}", f"{silenced[at]:.2f} bits", f"{rise[at]:+.2f}", delta_color="inverse"
        )
        before = code(states.joined(tokens[max(0, at - 24) : at])[-24:].translate(VISIBLE))
        column.caption(f"probability {2.0 ** -own[at]:.2f} → {2.0 ** -silenced[at]:.2f} after {before}")


def _contexts(values: np.ndarray, tokens: tuple[str, ...]) -> None:
    """Where one unit is highest, lowest and in between, with the text around; `values` [time]."""
    samples = [context for level in quantile_samples(values, tokens).values() for context in level]
    tables = {"Highest": highest(values, tokens), "Lowest": lowest(values, tokens), "Across its range": samples}
    for column, (title, contexts) in zip(st.columns(3), tables.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            grid(_table(contexts), f"{KEY}.{title}")


def _table(contexts: list[Context]) -> pd.DataFrame:
    text = [f"{context.before[-16:]}▸{context.token}◂{context.after[:8]}".translate(VISIBLE) for context in contexts]
    return pd.DataFrame({"value": [round(context.value, 2) for context in contexts], "context": text})


def _stretch(view: View, trace: Trace) -> tuple[int, int]:
    """200 characters around the cursor."""
    start = max(0, min(view.cursor - view.part * compute.WINDOW - STRETCH // 2, len(trace.tokens) - STRETCH))
    return start, min(len(trace.tokens), start + STRETCH)


def _gates(view: View, trace: Trace) -> None:
    """Gates and state update of the unit around the cursor."""
    start, stop = _stretch(view, trace)
    entries = made(ledger, trace, view.layer)
    st.markdown(f"**Gates and state update** of unit {view.unit}, {stop - start} {noun(trace.tokens)} around the cursor")
    figure = made(gates_and_ledger, trace, view.layer, view.unit, (start, stop), dark=is_dark())
    with scrolling("hidden_states-gates"):
        draw(figure, f"{KEY}.gates")
    frame = {"position": range(start, stop), noun(trace.tokens)[:-1]: trace.tokens[start:stop]}
    frame |= {name: values[start:stop, view.layer, view.unit] for name, values in trace.gates.items()}
    frame |= {name: getattr(entries, name)[start:stop, view.unit] for name in ("kept", "written", "shown")}
    save(figure, f"{KEY}.gates", "gates-and-state-update", pd.DataFrame(frame))
    how_to_read(READ)
