"""The attention weights that a Tap received, as an Alignment."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from explorer.errors import RecordingError
from explorer.recording.arrays import one_for_each, rows_of, whole
from explorer.recording.axis_readings import MEAN, AxisReading, Selection, axis_readings, check_heard, fitting, rows_picked, unambiguous
from explorer.recording.cells import TOLERANCE
from explorer.recording.taps import Heard
from explorer.records import Alignment
from explorer.tap import Tap


def alignment(heard: Mapping[str, Heard], source: Sequence[str], target: Sequence[str], name: str, selection: Selection) -> Alignment:
    """The attention weights that a tap received, as a record: source [in], target [out].

    Raises:
        RecordingError: no such tap, or its values do not fit; the message says what was received.
    """
    tap = _named(heard, name)
    check_heard(tap)
    _check_head(tap, selection)
    rows = one_for_each(selection.rows, len(target), "rows")

    def fits(values: list[Tensor]) -> bool:
        return all(value.shape[2] == len(source) for value in values) and sum(map(len, values)) == len(target)

    candidates = [reading for reading in axis_readings(tap, "out", "in", selection) if _has_head(tap, reading)]
    readings = fitting(tap, candidates, fits)
    # Where the shape leaves several readings, attention weights are those whose rows sum to 1.
    sound = [reading for reading in readings if len(readings) == 1 or _is_attention(reading, tap, rows)]
    expected = f"{len(target)} rows of {len(source)} weights, one row for each target token and one weight for each source column"
    reading = unambiguous(tap, sound or readings, expected if readings else expected + _advice(tap, selection, fits))
    weights = rows_picked(reading.laid_out(tap.values, tap.values), rows, "rows").astype(np.float64)
    _check_sums(weights, tap)
    return Alignment(tuple(source), tuple(target), weights / weights.sum(1, keepdims=True))


def _advice(heard: Heard, selection: Selection, fits: Callable[[list[Tensor]], bool]) -> str:
    """Axes that do fit, where those that the tap names do not."""
    if heard.tap.axes is None:
        return ""
    unnamed = Heard(Tap(heard.tap.name))
    unnamed.values = heard.values
    readings = fitting(heard, [reading for reading in axis_readings(unnamed, "out", "in", selection) if _has_head(heard, reading)], fits)
    rows = rows_of(selection.rows, "rows")
    sound = [reading for reading in readings if isinstance(rows, list) or _is_attention(reading, heard, None)]
    ways = " or ".join(f"axes='{' '.join(reading.axes)}'" for reading in sound)
    return f". These axes fit: {ways}" if ways else ""


def _has_head(heard: Heard, reading: AxisReading) -> bool:
    """Whether a reading has the head that was asked for."""
    if "head" not in reading.axes:
        return reading.head is None
    heads = min(heard.values[n].shape[reading.axes.index("head")] for n in reading.numbers) if reading.numbers else 0
    return heads == 1 if reading.head is None else reading.head == MEAN or 0 <= int(reading.head) < heads


def _is_attention(reading: AxisReading, heard: Heard, rows: list[int] | None) -> bool:
    """Whether the rows of a reading are distributions: those that were asked for, or all of them."""
    values = reading.laid_out(heard.values, heard.values)
    try:
        weights = torch.cat([v.flatten(0, 1) for v in values]).cpu().double().numpy() if rows is None else rows_picked(values, rows, "rows")
    except RecordingError:  # there is no such row
        return False
    return bool((weights >= 0).all() and (np.abs(weights.sum(1, dtype=np.float64) - 1) <= _slack(heard)).all())


def _check_head(heard: Heard, selection: Selection) -> None:
    """Refuse a head that is no number, or one of a tap without heads; ask for one where there are several."""
    name, axes = heard.tap.name, (heard.tap.axes or "").split()
    if selection.head is not None and selection.head != MEAN:
        try:
            whole(selection.head)
        except TypeError:
            raise RecordingError(f"head is {selection.head!r}; expected the number of a head, counted from 0, or 'mean'.") from None
    if selection.head is not None and axes and "head" not in axes:
        raise RecordingError(f"Tap('{name}') has axes {heard.tap.axes!r}, without a head. Name the axis: axes='batch head out in'.")
    if "head" not in axes and not (not axes and heard.values[0].ndim == 4 and selection.head is None):
        return
    if not axes:
        raise RecordingError(
            f"Tap('{name}') received {heard.shapes()}: attention of several heads. Choose one, such as head=0, or their mean: head='mean'."
        )
    heads = heard.values[0].shape[axes.index("head")] if heard.values[0].ndim == len(axes) else 1
    if selection.head is None and heads > 1:
        raise RecordingError(f"Tap('{name}') has {heads} heads. Choose one, head=0 to {heads - 1}, or their mean: head='mean'.")
    if selection.head is not None and selection.head != MEAN and not 0 <= int(selection.head) < heads:
        raise RecordingError(f"head is {selection.head}, but Tap('{name}') has {heads}: choose from 0 to {heads - 1}, or 'mean'.")


def _named(heard: Mapping[str, Heard], name: str) -> Heard:
    matches = [path for path, values in heard.items() if name in (path, values.tap.name)]
    if len(matches) == 1:
        return heard[matches[0]]
    if matches:
        raise RecordingError(f"{len(matches)} taps are named '{name}': {', '.join(matches)}. Give name the path of one.")
    has = ", ".join(f"'{values.tap.name}'" for values in heard.values())
    raise RecordingError(
        f"No Tap is named '{name}'. " + (f"Taps found: {has}." if has else f"Pass the weights through Tap('{name}') in the model.")
    )


def _slack(heard: Heard) -> float:
    return TOLERANCE.get(heard.values[0].dtype, 1e-5)


def _check_sums(weights: np.ndarray, heard: Heard) -> None:
    sums = weights.sum(1)
    worst = int(np.argmax(np.abs(sums - 1)))
    if not np.abs(sums[worst] - 1) <= _slack(heard):
        raise RecordingError(
            f"Row {worst} of Tap('{heard.tap.name}') sums to {sums[worst]:.4g}; attention weights sum to 1. "
            "Put the tap after the softmax, and call module.eval() if there is dropout on the weights."
        )
