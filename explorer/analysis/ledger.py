"""Terms of the state update of each step: the part that was kept, the part that was written, and the output."""

from dataclasses import dataclass

import numpy as np

from explorer.analysis.quantities import check_layer
from explorer.errors import AnalysisError
from explorer.records import SLACK, Trace


@dataclass(frozen=True, eq=False)
class Ledger:
    """Terms of the state update; kept + written = state at every step.

    Args:
        kept: What was left of the memory that the step got, [time, unit]: of the step before, where it was carried.
        written: What this step added, [time, unit].
        state: The memory afterwards, [time, unit]: the cell of an LSTM, the hidden state otherwise.
        shown: What the unit let others see, [time, unit].
        equation: The three in one line, for a caption.
    """

    kept: np.ndarray
    written: np.ndarray
    state: np.ndarray
    shown: np.ndarray
    equation: str


def ledger(trace: Trace, layer: int) -> Ledger:
    """Split every step of a layer into kept and written; an open input gate alone wrote nothing if its candidate was 0.

    LSTM: kept = f c_{t-1}, written = i g, shown = o tanh(c), or the hidden state where that is something else (sLSTM).
    GRU (torch: 1 keeps): kept = z h_{t-1}, written = (1 - z) n, shown = h. A plain RNN keeps nothing as it was:
    written = shown = h. Of another cell with a forget or update gate and no cell state, what was written is what was not
    kept: h - f h_{t-1}.

    Args:
        trace: Run to inspect.
        layer: Counted from 0.

    Raises:
        AnalysisError: no such layer, a record whose gates are incomplete, or a complex hidden state.
    """
    check_layer(trace, layer)
    if np.iscomplexobj(trace.hidden):
        raise AnalysisError("The hidden state is complex: its terms turn in the plane and have no sign. Draw its size and phase.")
    gate = {name: values[:, layer] for name, values in trace.gates.items()}
    if trace.cell is not None and trace.initial_cell is not None:
        _need(gate, "input", "forget", "candidate", "output")
        state = trace.cell[:, layer]
        before = _before(trace, state, trace.initial_cell[layer])
        written = gate["input"] * gate["candidate"]
        kept = _kept(trace, gate["forget"] * before, state - written)
        shown, law = gate["output"] * np.tanh(state), "o·tanh(cell)"
        hidden = trace.hidden[:, layer]
        if hidden.shape == shown.shape and not np.allclose(shown, hidden, atol=SLACK):  # an sLSTM divides by its normaliser instead
            shown, law = hidden, "hidden"
        return Ledger(kept, written, state, shown, f"cell = kept + written = f·c₋₁ + i·g;  shown = {law}")
    state = trace.hidden[:, layer]
    before = _before(trace, state, trace.initial_hidden[layer])
    if {"update", "forget"} & set(gate) and not {"update", "candidate"} <= set(gate):
        name = "forget" if "forget" in gate else "update"
        kept = gate[name] * before
        equation = f"hidden = kept + written, kept = {name} gate x hidden before;  shown = hidden"
        return Ledger(kept, state - kept, state, state, equation)
    if "update" in gate:
        written = (1 - gate["update"]) * gate["candidate"]
        kept = _kept(trace, gate["update"] * before, state - written)
        return Ledger(kept, written, state, state, "hidden = kept + written = z·h₋₁ + (1 − z)·n;  shown = hidden")
    return Ledger(np.zeros_like(state), state, state, state, "a plain RNN keeps no part of its state: hidden = written = shown")


def _before(trace: Trace, states: np.ndarray, initial: np.ndarray) -> np.ndarray:
    """The state that each step got, [time, unit], given those after each step, [time, unit], and the first one, [unit]."""
    first = initial[None]
    rows = [states[1:], first] if trace.is_reverse else [first, states[:-1]]
    return np.concatenate(rows)[: len(states)]


def _kept(trace: Trace, of_the_step_before: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """What each step kept, [time, unit]: where the state was reset or changed, what its state holds beside what it wrote."""
    return np.where(trace.carried[:, None], of_the_step_before, rest)


REMEMBERS, SHOWS = 0.5, 0.1  # |tanh(c)| from which a unit remembers something; |h| from which it shows something


def withheld(trace: Trace, layer: int) -> np.ndarray:
    """Where the units of an LSTM remember something and show almost nothing: |tanh(c)| >= 0.5 and |h| < 0.1, bool [time, unit].

    Args:
        trace: Run to inspect.
        layer: Counted from 0.

    Raises:
        AnalysisError: no such layer, or a cell without a cell state.
    """
    check_layer(trace, layer)
    if trace.cell is None:
        raise AnalysisError("Only an LSTM has a cell state beside its hidden state; this record has none.")
    return (np.abs(np.tanh(trace.cell[:, layer])) >= REMEMBERS) & (np.abs(trace.hidden[:, layer]) < SHOWS)


def _need(gate: dict, *names: str) -> None:
    missing = [name for name in names if name not in gate]
    if missing:
        raise AnalysisError(f"The state update needs the gates {', '.join(names)}; this record lacks {', '.join(missing)}.")
