"""Gate saturation: the share of steps at which each gate is nearly shut or nearly open."""

from dataclasses import dataclass

import numpy as np

from explorer.errors import AnalysisError, RecordingError
from explorer.records import SIGNED_GATES, Trace


@dataclass(frozen=True, eq=False)
class Saturation:
    """Share of time steps at either end of a gate.

    Args:
        gate: Name of the gate.
        shut: Share of steps below the lower limit, [layer, unit], in 0..1.
        open: Share of steps above the upper limit, [layer, unit], in 0..1; shut + open <= 1.
    """

    gate: str
    shut: np.ndarray
    open: np.ndarray


def saturable(trace: Trace) -> tuple[str, ...]:
    """Gates that can be shut or open: the sigmoid ones, not the candidate."""
    return tuple(name for name in trace.gates if name not in SIGNED_GATES)


def gate_saturation(trace: Trace, gate: str, low: float = 0.1, high: float = 0.9) -> Saturation:
    """Share of time steps in which each unit's gate is nearly shut or nearly open.

    Counts, not memory: a unit above `high` most of the time may still forget within a few steps; see memory_time.

    Args:
        trace: Run to inspect; needs `gates[gate]`, [time, layer, unit] in 0..1.
        gate: One of `saturable(trace)`, e.g. "forget".
        low: Below it a gate is nearly shut, 0 <= low < high.
        high: Above it a gate is nearly open, low < high <= 1.

    Returns:
        Saturation with `shut` and `open`, each [layer, unit], fractions in 0..1.

    Raises:
        RecordingError: the trace has no such gate; the message lists those it has.
        AnalysisError: the gate is signed (a candidate is not shut at 0), the limits cross, or the text is empty.

    Source: Karpathy, Johnson and Fei-Fei, "Visualizing and Understanding Recurrent Networks", 2015.
    """
    if gate not in trace.gates:
        has = f"it has {', '.join(saturable(trace))}" if trace.gates else "it has none: a plain RNN has no gates"
        raise RecordingError(f"This record has no gate {gate!r}; {has}.")
    if gate in SIGNED_GATES:
        raise AnalysisError(
            f"{gate!r} lies in -1..1 and is not a sigmoid gate: it is never shut or open. Try {', '.join(saturable(trace))}."
        )
    if not 0 <= low < high <= 1:
        raise AnalysisError(f"The limits are {low} and {high}; expected 0 <= low < high <= 1.")
    if not len(trace.tokens):
        raise AnalysisError("The text is empty: there is no step to count.")
    values = trace.gates[gate]
    return Saturation(gate, (values < low).mean(axis=0), (values > high).mean(axis=0))


def open_means(gate: str) -> str:
    """What an open gate does, in a few words; a GRU's update gate keeps when it is open, as torch writes it."""
    if gate == "update":
        return "open keeps the old state, shut takes the candidate (PyTorch)"
    meanings = {"input": "open lets the candidate in", "forget": "open keeps the cell state", "output": "open outputs the cell state"}
    return meanings.get(gate, "open lets the old state into the candidate" if gate == "reset" else f"{gate}: near 1 is open")
