"""The states and gates of a network written by hand, from the values of its Taps."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from explorer.errors import RecordingError
from explorer.recording.arrays import array, one_for_each
from explorer.recording.axis_readings import Selection, axis_readings, check_heard, fitting, rows_picked, unambiguous
from explorer.recording.cells import GATE_NAMES, STATES
from explorer.recording.taps import Heard, state_taps


def tapped(heard: Mapping[str, Heard], path: str, time: int, selection: Selection) -> dict[str, Any]:
    """The states and gates of a Trace of one layer, by field, from the values of the taps under `path`.

    If a tap received one value more than there are tokens, the first is the initial state; otherwise the initial state is zero.

    Raises:
        RecordingError: no tap is named hidden, or a tap did not receive exactly one value for each token.
    """
    taps = state_taps(heard, path)
    check_in_step(taps, selection)
    values = {name: array(over_time(tap, time, selection)(tap.values)) for name, tap in taps.items()}
    before = {name: values[name][:-time] if time else values[name] for name in STATES if name in values}
    first = {name: rows[0] if len(rows) else np.zeros(values[name].shape[1], np.float32) for name, rows in before.items()}
    layer = {name: rows[len(rows) - time :, None] for name, rows in values.items()}
    return {
        "hidden": layer["hidden"],
        "cell": layer.get("cell"),
        "gates": {name: rows for name, rows in layer.items() if name in GATE_NAMES},
        "initial_hidden": first["hidden"][None],
        "initial_cell": first["cell"][None] if "cell" in first else None,
    }


def check_in_step(taps: Mapping[str, Heard], selection: Selection) -> None:
    """Refuse a choice of calls where it would not mean the same steps for every tap."""
    counts = {name: len(tap.values) for name, tap in taps.items()}
    if selection.calls is not None and len(set(counts.values())) > 1:
        heard = ", ".join(f"Tap('{name}') {count}" for name, count in counts.items())
        raise RecordingError(f"calls= needs taps that received equally many values; received: {heard}. Record one sequence alone.")


def over_time(heard: Heard, time: int, selection: Selection) -> Callable[[Sequence[Tensor | None]], np.ndarray]:
    """How to read the values of a tap, or others of their shapes, as [step, unit].

    There is one step more than `time` where the tap received the initial state too.

    Raises:
        RecordingError: it received nothing, or nothing that can be read as one value for each step.
    """
    check_heard(heard)
    extra = (0, 1) if heard.tap.name in STATES else (0,)
    last = heard.values[0].ndim - 1  # units are the last axis, unless the tap names its axes

    def fits(values: list[Tensor]) -> bool:
        units_last = heard.tap.axes is not None or values[0].shape[2] == heard.values[0].shape[last]
        return units_last and sum(map(len, values)) - time in extra

    expected = f"[unit] or [batch, unit] once for each of the {time} tokens, or all of them at once"
    reading = unambiguous(heard, fitting(heard, axis_readings(heard, "time", "unit", selection), fits), expected)
    steps = sum(map(len, reading.laid_out(heard.values, heard.values)))
    rows = one_for_each(selection.rows, time, "index")
    rows = [rows[0]] * (steps - time) + rows
    return lambda values: rows_picked(reading.laid_out(values, heard.values), rows, "index")
