"""Preactivations: the sums inside each gate of one unit at one step of a recorded network."""

from collections.abc import Sequence

import numpy as np
import torch

from explorer.analysis.cell_step import CellStep, Gate
from explorer.errors import RecordingError
from explorer.recording import cells
from explorer.recording.arrays import array
from explorer.recording.calls import Stretch, directions
from explorer.recording.record import Recording
from explorer.recording.sequences import Calls
from explorer.records import Trace


def cell_step(recording: Recording, trace: Trace, at: int, layer: int, unit: int, calls: Calls = None) -> CellStep:
    """The sums inside the gates of a unit at one step, in float64, from the module's own weights.

    Args:
        recording: Made by `record`.
        trace: Taken of it, the whole sequence; [time, layer, unit]. Paths that read from the end are left out.
        at: The step, counted from 0.
        layer: Counted from 0.
        unit: Counted from 0.
        calls: Those that the trace was taken of, as for `Recording.trace`.

    Raises:
        RecordingError: there is no such step or unit, or the path has no weights to look at: Taps, a reverse direction,
            a projected LSTM, a relu network.
    """
    reading = recording.reading(trace.source, len(trace.tokens), 0, calls)
    module, kind = reading.module, cells.kind(reading.module)
    if reading.reverse or kind == "relu" or getattr(module, "proj_size", 0) or cells.is_cell(module):
        raise RecordingError(f"'{trace.source}' cannot be taken apart here; expected an nn.RNN (tanh), nn.GRU or nn.LSTM read forwards.")
    time, layers, units = trace.hidden.shape
    if not (0 <= at < time and 0 <= layer < layers and 0 <= unit < units):
        got = f"step {at}, layer {layer}, unit {unit}"
        raise RecordingError(f"There is no {got}; this trace has {time} steps, {layers} layers and {units} units, counted from 0.")
    stretch, inside = reading.at(at)
    w = cells.weights(stretch.weights.tensors, layer, False, torch.float64)
    x = trace.hidden[at, layer - 1] if layer else stretch.input[inside].numpy()
    states = _before(trace, stretch, inside, at, layer, directions(module))
    h = states[0]
    rows = unit + units * np.arange(len(cells.GATES[kind]))
    own, back = w.W.numpy()[rows] @ x.astype(np.float64), w.U.numpy()[rows] @ h.astype(np.float64)
    return _step(kind, (own, back, w.b.numpy()[rows], w.d.numpy()[rows]), float(states[-1][unit]))


def _before(trace: Trace, stretch: Stretch, inside: int, at: int, layer: int, many: int) -> Sequence[np.ndarray]:
    """Hidden (and cell) state from which a step of one layer started, each [unit]."""
    if not trace.carried[at] or not at:
        row = layer * many
        given = tuple(states[0, row] for states in stretch.before) if not inside else stretch.restarts(row)[inside]
        return [array(states) for states in given]
    return [states[at - 1, layer] for states in (trace.hidden, trace.cell) if states is not None]


def _step(kind: str, sums: tuple[np.ndarray, ...], before: float) -> CellStep:
    """A step from W x, U h and the two biases, each [gate]."""
    gates, fed_back = [], 0.0
    for name, own, back, b, d in zip(cells.GATES[kind], *(map(float, part) for part in sums), strict=True):
        bias = b + d
        if kind == "gru" and name == "candidate":  # torch resets after the matrix product, and its bias with it
            fed_back, bias = back + d, b
            back = gates[0].value * fed_back
        inside = own + back + bias
        value = np.tanh(inside) if name == "candidate" else 1 / (1 + np.exp(-inside))
        gates.append(Gate(name, own, back, bias, float(value)))
    return CellStep(kind, tuple(gates), before, fed_back)
