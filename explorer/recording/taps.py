"""Values recorded by taps: attention weights, and the states and gates of hand-written networks."""

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from explorer.errors import RecordingError
from explorer.recording.arrays import Rows, array, one_for_each, picked
from explorer.recording.cells import GATES, TOLERANCE
from explorer.records import Alignment, Trace
from explorer.tap import Tap

STATES = ("hidden", "cell")
GATE_NAMES = tuple(dict.fromkeys(name for kind in GATES.values() for name in kind))

# A tensor of a tap, laid out as [step, batch, item].
Reading = list[Tensor]


class Heard:
    """Copies of the values that passed one tap."""

    def __init__(self, tap: Tap):
        self.tap = tap
        self.values: list[Tensor] = []

    def add(self, value: Tensor) -> None:
        """Keep a copy of one value, [...].

        Raises:
            RecordingError: it is not a tensor.
        """
        if not isinstance(value, Tensor):
            given = f"Tap('{self.tap.name}') was given a {type(value).__name__}"
            raise RecordingError(f"{given}; expected one tensor. Give each part its own Tap.")
        self.values.append(value.detach().clone())

    def readings(self, step: str, item: str, fits: Callable[[Reading], bool]) -> list[Reading]:
        """Every way of reading the axes as steps, batch and items that fits; one only, where the tap names them."""
        axes = self.tap.axes.split() if self.tap.axes else None
        readings: list[Reading] = []
        for names in [axes] if axes else permutations(("batch", step, item), self.values[0].ndim):
            if item not in names or any(value.ndim != len(names) for value in self.values):
                continue
            reading = [_laid_out(value, names, (step, "batch", item)) for value in self.values]
            if fits(reading):
                readings.append(reading)
        return readings

    def shapes(self) -> str:
        """What was received, as words for an error message."""
        first = tuple(self.values[0].shape)
        return f"{len(self.values)} value{'s' if len(self.values) > 1 else ''} of shape {first}"


def _laid_out(value: Tensor, names: Sequence[str], wanted: Sequence[str]) -> Tensor:
    for name in wanted:
        if name not in names:
            value, names = value.unsqueeze(-1), [*names, name]
    return value.permute([list(names).index(name) for name in wanted])


def state_paths(heard: Mapping[str, Heard]) -> tuple[str, ...]:
    """Modules that hold taps named hidden, cell or after a gate: each is a path."""
    named = [_parent(path) for path, values in heard.items() if values.tap.name in (*STATES, *GATE_NAMES)]
    return tuple(dict.fromkeys(named))


def _parent(path: str) -> str:
    return path.rpartition(".")[0] or "taps"


def tapped_trace(
    heard: Mapping[str, Heard],
    path: str,
    tokens: tuple[str, ...],
    index: Rows,
    logits: np.ndarray | None,
    vocab: Sequence[str] | None,
) -> Trace:
    """A Trace of one layer from the values of the taps under `path`; logits [time, vocab] with the vocab [vocab], or None.

    If a tap received one value more than there are tokens, the first is the initial state; otherwise the initial state is zero.

    Raises:
        RecordingError: no tap is named hidden, or a tap did not receive exactly one value for each token.
    """
    taps = {one.tap.name: one for at, one in heard.items() if _parent(at) == path and one.tap.name in (*STATES, *GATE_NAMES)}
    if "hidden" not in taps:
        raise RecordingError(f"'{path}' has taps {', '.join(taps)}, but none named hidden. Add Tap('hidden') where the state is made.")
    values = {name: _over_time(tap, len(tokens), index) for name, tap in taps.items()}
    before = {name: values[name][: -len(tokens)] for name in STATES if name in values}
    first = {name: rows[0] if len(rows) else np.zeros(values[name].shape[1], np.float32) for name, rows in before.items()}
    layer = {name: rows[-len(tokens) :, None] for name, rows in values.items()}
    return Trace(
        tokens=tokens,
        hidden=layer["hidden"],
        cell=layer.get("cell"),
        gates={name: rows for name, rows in layer.items() if name in GATE_NAMES},
        initial_hidden=first["hidden"][None],
        initial_cell=first["cell"][None] if "cell" in first else None,
        logits=logits,
        vocab=None if vocab is None else tuple(vocab),
        source=path,
    )


def _over_time(heard: Heard, time: int, index: Rows) -> np.ndarray:
    """Values [time, unit], with one step more where the tap received the initial state too."""
    name = heard.tap.name
    if not heard.values:
        raise RecordingError(
            f"Tap('{name}') received nothing inside this recording. Call the module in the `with` block, and the tap in its forward."
        )
    extra = (0, 1) if name in STATES else (0,)
    last = heard.values[0].ndim - 1  # units are the last axis, unless the tap names its axes

    def fits(reading: Reading) -> bool:
        units_last = heard.tap.axes is not None or reading[0].shape[2] == heard.values[0].shape[last]
        return units_last and sum(map(len, reading)) - time in extra

    expected = f"[unit] or [batch, unit] once for each of the {time} tokens, or all of them at once"
    reading = _the_one(heard, heard.readings("time", "unit", fits), expected, "batch time unit")
    steps = sum(map(len, reading))
    rows = one_for_each(index, time, "index")
    return _picked(reading, [rows[0]] * (steps - time) + rows, "index")


def _the_one(heard: Heard, readings: list[Reading], expected: str, example: str) -> Reading:
    """The only reading; an error says what is ambiguous or does not fit."""
    name = heard.tap.name
    if not readings:
        axes = f" with axes {heard.tap.axes!r}" if heard.tap.axes else ""
        raise RecordingError(f"Tap('{name}'){axes} received {heard.shapes()}; expected {expected}.")
    same = all(len(other) == len(readings[0]) and all(map(torch.equal, other, readings[0])) for other in readings[1:])
    if not same:
        raise RecordingError(
            f"Tap('{name}') received {heard.shapes()}, which can be read in two ways. Name its axes: Tap('{name}', axes='{example}')."
        )
    return readings[0]


def _picked(reading: Reading, rows: list[int], word: str) -> np.ndarray:
    pieces, start = [], 0
    for value in reading:
        pieces.append(picked(array(value), True, rows[start : start + len(value)], word))
        start += len(value)
    return np.concatenate(pieces)


def alignment(heard: Mapping[str, Heard], source: Sequence[str], target: Sequence[str], name: str, rows: Rows) -> Alignment:
    """The attention weights that a tap received, as a record: source [in], target [out].

    Raises:
        RecordingError: no such tap, or its values do not fit; the message says what was received.
    """
    tap = _named(heard, name)
    if not tap.values:
        raise RecordingError(
            f"Tap('{name}') received nothing inside this recording. Call the module in the `with` block, and the tap in its forward."
        )

    def fits(reading: Reading) -> bool:
        return all(value.shape[2] == len(source) for value in reading) and sum(map(len, reading)) == len(target)

    expected = f"{len(target)} rows of {len(source)} weights, one row for each target token and one weight for each source column"
    reading = _the_one(tap, tap.readings("out", "in", fits), expected, "batch in")
    weights = _picked(reading, one_for_each(rows, len(target), "rows"), "rows").astype(np.float64)
    _check_sums(weights, tap)
    return Alignment(tuple(source), tuple(target), weights / weights.sum(1, keepdims=True))


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


def _check_sums(weights: np.ndarray, heard: Heard) -> None:
    dtype = heard.values[0].dtype
    sums = weights.sum(1)
    worst = int(np.argmax(np.abs(sums - 1)))
    if not np.abs(sums[worst] - 1) <= TOLERANCE.get(dtype, 1e-5):
        raise RecordingError(
            f"Row {worst} of Tap('{heard.tap.name}') sums to {sums[worst]:.4g}; attention weights sum to 1. "
            "Put the tap after the softmax, and call module.eval() if there is dropout on the weights."
        )
