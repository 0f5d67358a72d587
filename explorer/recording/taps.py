"""Values recorded by taps: attention weights, and the states and gates of hand-written networks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge

from explorer.errors import RecordingError
from explorer.recording.arrays import Rows, array, one_for_each, picked, rows_of, whole
from explorer.recording.autograd_edges import anchor
from explorer.recording.cells import GATE_NAMES, STATES, TOLERANCE
from explorer.recording.sequences import Calls, numbers_of
from explorer.records import Alignment
from explorer.tap import Tap

MEAN = "mean"  # of the heads of attention


@dataclass(frozen=True)
class Part:
    """Which part of what a tap heard: rows of the batch, which of its values, and a head of attention or "mean"."""

    rows: Rows = 0
    calls: Calls = None
    head: int | str | None = None

    def of(self, values: Sequence[Tensor], name: str) -> list[int]:
        """Numbers of the chosen values."""
        return list(range(len(values))) if self.calls is None else numbers_of(self.calls, len(values), name)


@dataclass(frozen=True, eq=False)
class Reading:
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
            value = (
                value.to(torch.promote_types(value.dtype, torch.float32)).mean(at)
                if self.head == MEAN
                else value.select(at, int(self.head or 0))
            )
        for name in self.wanted:
            if name not in names:
                value, names = value.unsqueeze(-1), [*names, name]
        return value.permute([names.index(name) for name in self.wanted])


class Heard:
    """Copies of the values that passed one tap; with gradients, their places in autograd's graph, before and behind the tap."""

    def __init__(self, tap: Tap):
        self.tap = tap
        self.values: list[Tensor] = []
        self.refused = ""  # why its values cannot be had
        self.edges: list[tuple[GradientEdge | None, GradientEdge | None]] = []

    def add(self, value: Tensor, gradients: bool = False) -> Tensor | None:
        """Keep a copy of one value, [...]; what takes its place, where gradients are wanted at this tap.

        Raises:
            RecordingError: it is not a tensor.
        """
        if not isinstance(value, Tensor):
            given = f"Tap('{self.tap.name}') was given a {type(value).__name__}"
            raise RecordingError(f"{given}; expected one tensor. Give each part its own Tap.")
        self.values.append(value.detach().clone())
        if not gradients or self.tap.name not in STATES:
            return None
        fresh, edge = anchor(value)
        self.edges.append((get_gradient_edge(value) if value.requires_grad else None, edge))
        return fresh

    def readings(self, step: str, item: str, part: Part) -> list[Reading]:
        """Every way of reading the axes as steps, batch and items; one only, where the tap names them."""
        known = ("batch", "head", step, item) if part.head is not None or self.values[0].ndim > 3 else ("batch", step, item)
        named = self.tap.axes.split() if self.tap.axes else None
        chosen, rows = part.of(self.values, self.tap.name), rows_of(part.rows, "rows")
        readings: list[Reading] = []
        for axes in [named] if named else permutations(known, self.values[0].ndim):
            if item not in axes or any(value.ndim != len(axes) for value in self.values):
                continue
            numbers = chosen
            if part.calls is None and isinstance(rows, int) and "batch" in axes:
                # A batch may shrink while others go on: a row is read as long as it lived.
                numbers = [n for n in chosen if self.values[n].shape[list(axes).index("batch")] > rows >= 0] or chosen
            if part.calls is not None or numbers[-1] - numbers[0] + 1 == len(numbers):
                readings.append(Reading(tuple(axes), (step, "batch", item), numbers, part.head))
        return readings

    def shapes(self) -> str:
        """What was received, as words for an error message."""
        first, last = (tuple(self.values[at].shape) for at in (0, -1))
        several = f"{len(self.values)} values of shape" if len(self.values) > 1 else "1 value of shape"
        return f"{several} {first}" if first == last else f"{several}s {first} to {last}"


def taps_of(heard: Mapping[str, Heard], path: str) -> list[str]:
    """Where the taps under a path that are named hidden, cell or after a gate are."""
    return [at for at, one in heard.items() if _parent(at) == path and one.tap.name in (*STATES, *GATE_NAMES)]


def state_paths(heard: Mapping[str, Heard]) -> tuple[str, ...]:
    """Modules that hold taps named hidden, cell or after a gate: each is a path."""
    named = [_parent(path) for path, values in heard.items() if values.tap.name in (*STATES, *GATE_NAMES)]
    return tuple(dict.fromkeys(named))


def _parent(path: str) -> str:
    return path.rpartition(".")[0] or "taps"


def state_taps(heard: Mapping[str, Heard], path: str) -> dict[str, Heard]:
    """The taps under a path that are named hidden, cell or after a gate, by name.

    Raises:
        RecordingError: none is named hidden.
    """
    taps = {heard[at].tap.name: heard[at] for at in taps_of(heard, path)}
    if "hidden" not in taps:
        raise RecordingError(f"'{path}' has taps {', '.join(taps)}, but none named hidden. Add Tap('hidden') where the state is made.")
    return taps


def tapped(heard: Mapping[str, Heard], path: str, time: int, part: Part) -> dict[str, Any]:
    """The states and gates of a Trace of one layer, by field, from the values of the taps under `path`.

    If a tap received one value more than there are tokens, the first is the initial state; otherwise the initial state is zero.

    Raises:
        RecordingError: no tap is named hidden, or a tap did not receive exactly one value for each token.
    """
    taps = state_taps(heard, path)
    _check_in_step(taps, part)
    values = {name: array(over_time(tap, time, part)(tap.values)) for name, tap in taps.items()}
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


def _check_in_step(taps: Mapping[str, Heard], part: Part) -> None:
    """Refuse a choice of calls where it would not mean the same steps for every tap."""
    counts = {name: len(tap.values) for name, tap in taps.items()}
    if part.calls is not None and len(set(counts.values())) > 1:
        heard = ", ".join(f"Tap('{name}') {count}" for name, count in counts.items())
        raise RecordingError(f"calls= needs taps that received equally many values; received: {heard}. Record one sequence alone.")


def over_time(heard: Heard, time: int, part: Part) -> Callable[[Sequence[Tensor | None]], np.ndarray]:
    """How to read the values of a tap, or others of their shapes, as [step, unit].

    There is one step more than `time` where the tap received the initial state too.

    Raises:
        RecordingError: it received nothing, or nothing that can be read as one value for each step.
    """
    _check_heard(heard)
    extra = (0, 1) if heard.tap.name in STATES else (0,)
    last = heard.values[0].ndim - 1  # units are the last axis, unless the tap names its axes

    def fits(values: list[Tensor]) -> bool:
        units_last = heard.tap.axes is not None or values[0].shape[2] == heard.values[0].shape[last]
        return units_last and sum(map(len, values)) - time in extra

    expected = f"[unit] or [batch, unit] once for each of the {time} tokens, or all of them at once"
    reading = _the_one(heard, _fitting(heard, heard.readings("time", "unit", part), fits), expected)
    steps = sum(map(len, reading.laid_out(heard.values, heard.values)))
    rows = one_for_each(part.rows, time, "index")
    rows = [rows[0]] * (steps - time) + rows
    return lambda values: _picked(reading.laid_out(values, heard.values), rows, "index")


def _check_heard(heard: Heard) -> None:
    if heard.refused:
        raise RecordingError(heard.refused)
    if not heard.values:
        nothing = f"Tap('{heard.tap.name}') received nothing inside this recording"
        raise RecordingError(f"{nothing}. Call the module in the `with` block, and the tap in its forward.")


def _fitting(heard: Heard, readings: list[Reading], fits: Callable[[list[Tensor]], bool]) -> list[Reading]:
    return [reading for reading in readings if reading.numbers and fits(reading.laid_out(heard.values, heard.values))]


def _the_one(heard: Heard, readings: list[Reading], expected: str) -> Reading:
    """The only reading; an error says what is ambiguous or does not fit. Only axes that were tried are advised."""
    name = heard.tap.name
    if not readings:
        axes = f" with axes {heard.tap.axes!r}" if heard.tap.axes else ""
        raise RecordingError(f"Tap('{name}'){axes} received {heard.shapes()}; expected {expected}.")
    values = [reading.laid_out(heard.values, heard.values) for reading in readings]
    if not all(len(other) == len(values[0]) and all(map(torch.equal, other, values[0])) for other in values[1:]):
        ways = " or ".join(f"Tap('{name}', axes='{' '.join(reading.axes)}')" for reading in readings)
        raise RecordingError(f"Tap('{name}') received {heard.shapes()}, which can be read in {len(readings)} ways. Name its axes: {ways}.")
    return readings[0]


def _picked(values: list[Tensor], rows: list[int], word: str) -> np.ndarray:
    """One row of the batch for each step: values, each [step, batch, item], to [step, item]; float64 stays float64."""
    pieces, start = [], 0
    for value in values:
        pieces.append(
            picked(value.cpu().numpy() if value.dtype == torch.float64 else array(value), True, rows[start : start + len(value)], word)
        )
        start += len(value)
    return np.concatenate(pieces)


def alignment(heard: Mapping[str, Heard], source: Sequence[str], target: Sequence[str], name: str, part: Part) -> Alignment:
    """The attention weights that a tap received, as a record: source [in], target [out].

    Raises:
        RecordingError: no such tap, or its values do not fit; the message says what was received.
    """
    tap = _named(heard, name)
    _check_heard(tap)
    _check_head(tap, part)
    rows = one_for_each(part.rows, len(target), "rows")

    def fits(values: list[Tensor]) -> bool:
        return all(value.shape[2] == len(source) for value in values) and sum(map(len, values)) == len(target)

    candidates = [reading for reading in tap.readings("out", "in", part) if _has_head(tap, reading)]
    readings = _fitting(tap, candidates, fits)
    # Where the shape leaves several readings, attention weights are those whose rows sum to 1.
    sound = [reading for reading in readings if len(readings) == 1 or _is_attention(reading, tap, rows)]
    expected = f"{len(target)} rows of {len(source)} weights, one row for each target token and one weight for each source column"
    reading = _the_one(tap, sound or readings, expected if readings else expected + _advice(tap, part, fits))
    weights = _picked(reading.laid_out(tap.values, tap.values), rows, "rows").astype(np.float64)
    _check_sums(weights, tap)
    return Alignment(tuple(source), tuple(target), weights / weights.sum(1, keepdims=True))


def _advice(heard: Heard, part: Part, fits: Callable[[list[Tensor]], bool]) -> str:
    """Axes that do fit, where those that the tap names do not."""
    if heard.tap.axes is None:
        return ""
    unnamed = Heard(Tap(heard.tap.name))
    unnamed.values = heard.values
    readings = _fitting(heard, [reading for reading in unnamed.readings("out", "in", part) if _has_head(heard, reading)], fits)
    rows = rows_of(part.rows, "rows")
    sound = [reading for reading in readings if isinstance(rows, list) or _is_attention(reading, heard, None)]
    ways = " or ".join(f"axes='{' '.join(reading.axes)}'" for reading in sound)
    return f". These axes fit: {ways}" if ways else ""


def _has_head(heard: Heard, reading: Reading) -> bool:
    """Whether a reading has the head that was asked for."""
    if "head" not in reading.axes:
        return reading.head is None
    heads = min(heard.values[n].shape[reading.axes.index("head")] for n in reading.numbers) if reading.numbers else 0
    return heads == 1 if reading.head is None else reading.head == MEAN or 0 <= int(reading.head) < heads


def _is_attention(reading: Reading, heard: Heard, rows: list[int] | None) -> bool:
    """Whether the rows of a reading are distributions: those that were asked for, or all of them."""
    values = reading.laid_out(heard.values, heard.values)
    try:
        weights = torch.cat([v.flatten(0, 1) for v in values]).cpu().double().numpy() if rows is None else _picked(values, rows, "rows")
    except RecordingError:  # there is no such row
        return False
    return bool((weights >= 0).all() and (np.abs(weights.sum(1, dtype=np.float64) - 1) <= _slack(heard)).all())


def _check_head(heard: Heard, part: Part) -> None:
    """Refuse a head that is no number, or one of a tap without heads; ask for one where there are several."""
    name, axes = heard.tap.name, (heard.tap.axes or "").split()
    if part.head is not None and part.head != MEAN:
        try:
            whole(part.head)
        except TypeError:
            raise RecordingError(f"head is {part.head!r}; expected the number of a head, counted from 0, or 'mean'.") from None
    if part.head is not None and axes and "head" not in axes:
        raise RecordingError(f"Tap('{name}') has axes {heard.tap.axes!r}, without a head. Name the axis: axes='batch head out in'.")
    if "head" not in axes and not (not axes and heard.values[0].ndim == 4 and part.head is None):
        return
    if not axes:
        raise RecordingError(
            f"Tap('{name}') received {heard.shapes()}: attention of several heads. Choose one, such as head=0, or their mean: head='mean'."
        )
    heads = heard.values[0].shape[axes.index("head")] if heard.values[0].ndim == len(axes) else 1
    if part.head is None and heads > 1:
        raise RecordingError(f"Tap('{name}') has {heads} heads. Choose one, head=0 to {heads - 1}, or their mean: head='mean'.")
    if part.head is not None and part.head != MEAN and not 0 <= int(part.head) < heads:
        raise RecordingError(f"head is {part.head}, but Tap('{name}') has {heads}: choose from 0 to {heads - 1}, or 'mean'.")


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
