"""Ways of reading the axes of what a Tap received: which of them are the steps, the batch and the items."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from explorer.errors import RecordingError
from explorer.recording.arrays import Rows, array, picked, rows_of
from explorer.recording.sequences import Calls, numbers_of
from explorer.recording.taps import Heard

MEAN = "mean"  # of the heads of attention


@dataclass(frozen=True)
class Selection:
    """Which part of what a tap received: rows of the batch, which of its values, and a head of attention or "mean"."""

    rows: Rows = 0
    calls: Calls = None
    head: int | str | None = None

    def of(self, values: Sequence[Tensor], name: str) -> list[int]:
        """Numbers of the chosen values."""
        return list(range(len(values))) if self.calls is None else numbers_of(self.calls, len(values), name)


@dataclass(frozen=True, eq=False)
class AxisReading:
    """One way of reading the values of a tap: the names of its axes, and which values; each is then [step, batch, item]."""

    axes: tuple[str, ...]
    wanted: tuple[str, str, str]
    numbers: list[int]
    head: int | str | None

    def laid_out(self, values: Sequence[Tensor | None], like: Sequence[Tensor]) -> list[Tensor]:
        """The chosen values, each [step, batch, item]; a missing one is as many zeros as in `like`."""
        tensors = [torch.zeros_like(like[n]) if (value := values[n]) is None else value for n in self.numbers]
        return [self._laid_out(value) for value in tensors]

    def _laid_out(self, value: Tensor) -> Tensor:
        names = list(self.axes)
        if "head" in names:
            at = names.index("head")
            names.remove("head")
            value = _mean(value, at) if self.head == MEAN else value.select(at, int(self.head or 0))
        for name in self.wanted:
            if name not in names:
                value, names = value.unsqueeze(-1), [*names, name]
        return value.permute([names.index(name) for name in self.wanted])


def _mean(value: Tensor, axis: int) -> Tensor:
    """The mean over one axis of a tensor [...], in float32 at least."""
    return value.to(torch.promote_types(value.dtype, torch.float32)).mean(axis)


def axis_readings(heard: Heard, step: str, item: str, selection: Selection) -> list[AxisReading]:
    """Every way of reading the axes of what a tap received as steps, batch and items; one only, where the tap names them."""
    known = ("batch", "head", step, item) if selection.head is not None or heard.values[0].ndim > 3 else ("batch", step, item)
    named = heard.tap.axes.split() if heard.tap.axes else None
    chosen, rows = selection.of(heard.values, heard.tap.name), rows_of(selection.rows, "rows")
    readings: list[AxisReading] = []
    for axes in [named] if named else permutations(known, heard.values[0].ndim):
        if item not in axes or any(value.ndim != len(axes) for value in heard.values):
            continue
        numbers = chosen
        if selection.calls is None and isinstance(rows, int) and "batch" in axes:
            # A batch may shrink while others go on: a row is read until it ends.
            numbers = [n for n in chosen if heard.values[n].shape[list(axes).index("batch")] > rows >= 0] or chosen
        if selection.calls is not None or numbers[-1] - numbers[0] + 1 == len(numbers):
            readings.append(AxisReading(tuple(axes), (step, "batch", item), numbers, selection.head))
    return readings


def check_heard(heard: Heard) -> None:
    """Refuse a tap that received nothing.

    Raises:
        RecordingError: it received nothing, or only values that cannot be kept.
    """
    if heard.refused:
        raise RecordingError(heard.refused)
    if not heard.values:
        nothing = f"Tap('{heard.tap.name}') received nothing inside this recording"
        raise RecordingError(f"{nothing}. Call the module in the `with` block, and the tap in its forward.")


def fitting(heard: Heard, readings: list[AxisReading], fits: Callable[[list[Tensor]], bool]) -> list[AxisReading]:
    """Those of some readings whose values, each [step, batch, item], fit."""
    return [reading for reading in readings if reading.numbers and fits(reading.laid_out(heard.values, heard.values))]


def unambiguous(heard: Heard, readings: list[AxisReading], expected: str) -> AxisReading:
    """The only reading that is left, or the first of several that say the same.

    Raises:
        RecordingError: none is left, or several that differ; the message says which axes were tried.
    """
    name = heard.tap.name
    if not readings:
        axes = f" with axes {heard.tap.axes!r}" if heard.tap.axes else ""
        raise RecordingError(f"Tap('{name}'){axes} received {heard.shapes()}; expected {expected}.")
    values = [reading.laid_out(heard.values, heard.values) for reading in readings]
    if not all(len(other) == len(values[0]) and all(map(torch.equal, other, values[0])) for other in values[1:]):
        ways = " or ".join(f"Tap('{name}', axes='{' '.join(reading.axes)}')" for reading in readings)
        raise RecordingError(f"Tap('{name}') received {heard.shapes()}, which can be read in {len(readings)} ways. Name its axes: {ways}.")
    return readings[0]


def rows_picked(values: list[Tensor], rows: list[int], word: str) -> np.ndarray:
    """One row of the batch for each step: values, each [step, batch, item], to [step, item]; float64 stays float64."""
    pieces, start = [], 0
    for value in values:
        pieces.append(
            picked(value.cpu().numpy() if value.dtype == torch.float64 else array(value), True, rows[start : start + len(value)], word)
        )
        start += len(value)
    return np.concatenate(pieces)
