"""Quantities of a trace by name: tanh(cell), cell, hidden and every gate."""

import numpy as np
from jaxtyping import Float

from explorer.errors import AnalysisError
from explorer.records import Trace

TANH_CELL, CELL, HIDDEN = "tanh(cell)", "cell", "hidden"


def quantities(trace: Trace) -> tuple[str, ...]:
    """Names of the quantities in this record, the most useful first.

    tanh(cell) leads where there is a cell: hidden is the same cell behind the output gate, which hides what a unit
    remembers while it does not speak, and the raw cell has no fixed range.
    """
    cell = () if trace.cell is None else (TANH_CELL, CELL)
    return (*cell, HIDDEN, *trace.gates)


def quantity(trace: Trace, name: str, layer: int) -> Float[np.ndarray, "time unit"]:
    """One quantity of one layer as float32 [time, unit].

    Args:
        trace: Run to inspect.
        name: One of `quantities(trace)`.
        layer: Counted from 0, the layer that reads the input.

    Raises:
        AnalysisError: the record has no such quantity or layer; the message lists those it has.
    """
    if name not in quantities(trace):
        raise AnalysisError(f"This record has no {name!r}; it has {', '.join(quantities(trace))}.")
    check_layer(trace, layer)
    if trace.cell is not None and name in (TANH_CELL, CELL):
        values = np.asarray(trace.cell[:, layer], np.float32)
        return np.tanh(values) if name == TANH_CELL else values
    return np.asarray(trace.hidden[:, layer] if name == HIDDEN else trace.gates[name][:, layer], np.float32)


def check_layer(trace: Trace, layer: int) -> None:
    """Refuse a layer that the record does not have.

    Raises:
        AnalysisError: the number is outside 0..layers-1.
    """
    layers = trace.hidden.shape[1]
    if not 0 <= layer < layers:
        has = "1 layer, number 0" if layers == 1 else f"{layers} layers, 0 to {layers - 1}"
        raise AnalysisError(f"There is no layer {layer}; this record has {has}.")


def is_gated(trace: Trace) -> bool:
    """Whether the record holds the gates of an LSTM or a GRU."""
    return "forget" in trace.gates or "update" in trace.gates
