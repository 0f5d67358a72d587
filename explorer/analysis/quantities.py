"""Quantities of a trace by name, tanh(cell), cell, hidden, every gate and part, and single numbers for each unit."""

import numpy as np

from explorer.axes import Float
from explorer.errors import AnalysisError
from explorer.records import Trace

TANH_CELL, CELL, HIDDEN = "tanh(cell)", "cell", "hidden"
SIZE, PHASE = "size", "phase"  # of a complex hidden state; the phase in radians


def quantities(trace: Trace) -> tuple[str, ...]:
    """Names of the quantities in this record, the most useful first.

    tanh(cell) leads where there is a cell: hidden is the same cell behind the output gate, which hides what a unit
    remembers while it does not speak, and the raw cell has no fixed range. A complex hidden state is its size and its
    phase. Parts of a cell are listed where they are real and have one value for each unit of some kind.
    """
    cell = () if trace.cell is None else (TANH_CELL, CELL)
    hidden = (SIZE, PHASE) if np.iscomplexobj(trace.hidden) else (HIDDEN,)
    parts = (name for name, values in trace.parts.items() if values.ndim == 3 and not np.iscomplexobj(values))
    return (*cell, *hidden, *trace.gates, *parts)


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
    if np.iscomplexobj(trace.hidden) and name in (SIZE, PHASE):
        return (np.abs if name == SIZE else np.angle)(trace.hidden[:, layer]).astype(np.float32)
    values = trace.hidden if name == HIDDEN else trace.gates[name] if name in trace.gates else trace.parts[name]
    return np.asarray(values[:, layer], np.float32)


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


def variance(values: Float[np.ndarray, "time unit"]) -> Float[np.ndarray, "unit"]:
    """How much each unit moves over the text: variance over time of `values` [time, unit], as float64 [unit]."""
    return np.var(values, axis=0, dtype=np.float64) if len(values) else np.zeros(values.shape[1])


def memory_time(trace: Trace, layer: int) -> Float[np.ndarray, "unit"] | None:
    """Steps after which the gates leave 1/e of what a unit held: tau = -1 / mean over time of log(share kept).

    A share of steps with an open gate does not say this: 0.9 at every step leaves 0.35 after ten. The share kept is
    the forget gate of an LSTM and the update gate of a GRU (as torch writes it: 1 keeps).

    Args:
        trace: Run to inspect.
        layer: Counted from 0.

    Returns:
        Steps, float64 [unit]: 0 where a gate was exactly 0 once, inf where it never left 1 (or the text is empty).
        None where nothing gates the memory, as in a plain RNN; `memory_time_meaning` says so in words.

    Source: Mahto, Vo, Turek and Huth, "Multi-timescale Representation Learning in LSTM Language Models", 2021.
    """
    check_layer(trace, layer)
    kept = trace.gates.get("forget", trace.gates.get("update"))
    if kept is None:
        return None
    if not len(trace.tokens):
        return np.full(kept.shape[2], np.inf)
    with np.errstate(divide="ignore"):
        logs = np.log(np.clip(kept[:, layer].astype(np.float64), 0, 1)).mean(axis=0)
        return -1 / np.where(logs == 0, -0.0, logs)


def memory_time_meaning(trace: Trace) -> str:
    """What `memory_time` is for this kind of network; and where in this record it does not hold."""
    breaks = len(trace.breaks)
    cut = (
        f" It counts the gates alone: the model reset or changed the state before {breaks} of {len(trace.tokens)} steps." if breaks else ""
    )
    if "forget" in trace.gates:
        state = "state" if trace.cell is None else "cell state"
        return f"Memory time: the number of characters after which the forget gate leaves about 1/e (37 %) of the {state}.{cut}"
    if "update" in trace.gates:
        keeps = "the update gate (PyTorch: 1 keeps) leaves about 1/e (37 %) of the state"
        return f"Memory time: the number of characters after which {keeps}.{cut}"
    return "A plain RNN has no gate that keeps its state: it rewrites the whole state at every step, so it has no memory time."
