"""Sequences that a recorded module read: which calls follow one another, and which begin anew or from a changed state."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from explorer.errors import RecordingError
from explorer.recording.arrays import Rows, one_for_each, rows_of, whole
from explorer.recording.calls import Call, Reading, State, Stretch, batch_size, directions, every_row_state, joined, no_row, stretch
from explorer.recording.cells import TOLERANCE
from explorer.recording.modules import REVERSE

ZERO, GIVEN, CARRIED, CHANGED, MOVED = "zero", "given", "carried", "changed", "moved"
IN_WORDS = {ZERO: "from zero", GIVEN: "from a given state", CARRIED: "carried", CHANGED: "from a changed state", MOVED: "from another row"}
FOLLOWS = (CARRIED, CHANGED)  # what goes on with the sequence of the call before
ALIKE = 0.25  # share of the units that must be exactly as before for a state to be that state, changed
LISTED = 6  # sequences that an error names


@dataclass(frozen=True)
class RecordedCall:
    """One call of a recorded module, as one row of the batch saw it.

    Args:
        position: Counted from 0: what `calls=` takes.
        steps: Time steps that it read; of a packed batch, those of the row.
        rows: Size of its batch.
        began: The state in which the row began: "zero" or "given" (a reset), "carried" (that in which the call before ended),
            "changed" (that one, but normalised, masked, mixed or otherwise changed) or "moved" (that of another row of the
            batch). None where the batch has no such row.
    """

    position: int
    steps: int
    rows: int
    began: str | None

    def __str__(self) -> str:
        began = IN_WORDS[self.began] if self.began else "without the row"
        return f"call {self.position}: {_count(self.steps, 'step')}, {_count(self.rows, 'row')}, {began}"


@dataclass(frozen=True)
class RecordedSequence:
    """Calls of a recorded module in which one row of the batch was read without a reset; give it to `calls=`.

    `len()` is its number of steps.

    Args:
        path: The module.
        index: Row of the batch.
        calls: Numbers of its calls, counted from 0.
        steps: Time steps of all of them together.
        began: The state in which it began: "zero", "given" or "moved"; see `RecordedCall`.
        of: How many calls the module had in all.
    """

    path: str
    index: int
    calls: tuple[int, ...]
    steps: int
    began: str
    of: int

    def __len__(self) -> int:
        return self.steps

    def __str__(self) -> str:
        first, last = self.calls[0], self.calls[-1]
        which = f"call {first}" if first == last else f"calls {first} to {last}"
        return f"{which} ({_count(self.steps, 'step')}, {IN_WORDS[self.began]})"


Calls = int | slice | Sequence[int] | RecordedSequence | None


def _count(number_of: int, noun: str) -> str:
    return f"{number_of} {noun}" + ("" if number_of == 1 else "s")


def numbers_of(calls: Calls, count: int, path: str) -> list[int]:
    """Numbers of the chosen calls out of `count`, in order.

    Raises:
        RecordingError: there is no such call, none was chosen, or they are not in order.
    """
    if isinstance(calls, RecordedSequence):
        if calls.of != count:
            got = f"calls is a sequence of '{calls.path}', which was called {calls.of} times; '{path}' received {count} values"
            raise RecordingError(
                f"{got}, and they are not in step. Give calls= the numbers of its values, such as slice(0, {len(calls.calls)})."
            )
        chosen = list(calls.calls)
    else:
        chosen = _chosen(calls, count)
    has = f"'{path}' has {_count(count, 'call')}, numbered from 0"
    wrong = [n for n in chosen if not 0 <= n < count]
    if wrong:
        raise RecordingError(f"There is no call {wrong[0]}: {has}.")
    if not chosen:
        raise RecordingError(f"calls={calls!r} chooses no call: {has}.")
    if any(later <= earlier for earlier, later in pairwise(chosen)):
        raise RecordingError(f"calls={calls!r} is not in order. Name each call once, in the order in which they were made.")
    return chosen


def _chosen(calls: object, count: int) -> list[int]:
    """Numbers that a slice, one number or several mean out of `count`; those below 0 are counted from the end.

    Raises:
        RecordingError: it is none of them.
    """
    try:
        if isinstance(calls, slice):
            return list(range(count)[calls])
        values = calls.tolist() if isinstance(calls, Tensor | np.ndarray) else calls
        numbers = [whole(n) for n in (values if isinstance(values, Iterable) else [values])]
    except TypeError:
        kinds = "the number of a call, counted from 0, a slice, a list of numbers, or one of recording.sequences()"
        raise RecordingError(f"calls is {calls!r}; expected {kinds}.") from None
    return [n + count if -count <= n < 0 else n for n in numbers]


def beginnings(module: nn.Module, heard: Sequence[Call], numbers: Sequence[int], pieces: Sequence[Stretch]) -> list[str]:
    """The state in which each of some calls began: "zero", "given", "carried", "changed" or "moved"; see `RecordedCall`.

    Args:
        module: The recurrent module.
        heard: All its calls.
        numbers: Which of them, in order.
        pieces: What the row in question read in each.
    """
    if not pieces:
        return []
    began = [ZERO if _is_zero(pieces[0].before) else GIVEN]
    before = [torch.cat(states) for states in zip(*(piece.before for piece in pieces), strict=True)]
    after = [torch.cat(states) for states in zip(*(piece.after for piece in pieces), strict=True)]
    same = torch.stack([_near(b[1:], a[:-1]) for b, a in zip(before, after, strict=True)])  # [part, joint]
    unclear = []
    for at, carried in enumerate(same.all(0).tolist(), 1):
        now = CARRIED if carried else _explained(pieces, at, bool(same[:, at - 1].any()))
        if now is None and _is_of_another_row(module, heard[numbers[at] - 1], pieces[at]):
            now = MOVED
        if now is None and numbers[at] == numbers[at - 1] + 1:
            unclear.append(at)
        began.append(now or GIVEN)
    # No sentence is one step long: where most steps got a state that nothing explains, it is the one before, changed.
    if all(len(piece) == 1 for piece in pieces) and 2 * len(unclear) > len(pieces) - 1:
        began = [CHANGED if at in set(unclear) else now for at, now in enumerate(began)]
    return began


def _explained(pieces: Sequence[Stretch], at: int, has_part: bool) -> str | None:
    """What a state that was not carried is, as far as its numbers say; has_part: whether hidden or cell alone was carried."""
    now, last = pieces[at].before, pieces[at - 1]
    if _is_zero(now):
        return ZERO
    if all(map(torch.equal, now, pieces[0].before)):
        return GIVEN  # once more the state in which the first sequence began, as one that is learnt
    kept = max(float(((new == old) & (new != 0)).float().mean()) for new, old in zip(now, last.after, strict=True))
    is_paused = all(map(torch.equal, now, last.before))  # a step whose result was thrown away, as at padding
    return CHANGED if has_part or kept >= ALIKE or is_paused else None


def _is_of_another_row(module: nn.Module, call: Call, piece: Stretch) -> bool:
    """Whether a piece began where another row of the call before it ended."""
    rows = every_row_state(module, call.after)  # each [row, layer * direction, state]
    near = [_near(values.to(now.dtype), now) for values, now in zip(rows, piece.before, strict=True)]
    return bool(torch.stack(near).all(0).any())


def _is_zero(state: State) -> bool:
    return not any(bool(part.any()) for part in state)


def _near(one: Tensor, other: Tensor) -> Tensor:
    """Which entries of [entry, layer * direction, state] agree within the rounding of their precision, bool [entry]."""
    limit = TOLERANCE.get(other.dtype, 0.0) * max(1.0, float(other.double().abs().max())) if other.numel() else 0.0
    return (one.double() - other.double()).abs().amax((1, 2)) <= limit


def calls_of(name: str, module: nn.Module, heard: Sequence[Call], index: int) -> tuple[RecordedCall, ...]:
    """All calls of a module, as one row of the batch saw them."""
    sizes = [batch_size(module, call) for call in heard]
    numbers = [n for n, size in enumerate(sizes) if 0 <= index < size]
    pieces = [stretch(module, heard[n], index, name) for n in numbers]
    began = dict(zip(numbers, beginnings(module, heard, numbers, pieces), strict=True))
    steps = dict(zip(numbers, map(len, pieces), strict=True))
    steps |= {n: len(stretch(module, heard[n], 0, name)) if size else 0 for n, size in enumerate(sizes) if n not in steps}
    return tuple(RecordedCall(n, steps[n], size, began.get(n)) for n, size in enumerate(sizes))


def sequences_of(path: str, index: int, calls: Sequence[RecordedCall], of: int) -> tuple[RecordedSequence, ...]:
    """The sequences that some calls out of `of` make: a new one wherever the state was reset, or is that of another row.

    A direction that reads from the end has one for each call.
    """
    name = path.removesuffix(REVERSE)
    starts = [at for at, call in enumerate(calls) if at == 0 or path != name or call.began not in FOLLOWS]
    parts = [calls[a:b] for a, b in zip(starts, [*starts[1:], len(calls)], strict=True)]
    return tuple(
        RecordedSequence(name, index, tuple(call.position for call in part), sum(call.steps for call in part), part[0].began or GIVEN, of)
        for part in parts
    )


def row_in(calls: Calls, index: Rows, name: str) -> int | list[int]:
    """The row of the batch, or that of each token, [time]: that of a chosen sequence where none was named.

    Raises:
        RecordingError: the sequence is that of another row, or `index` names no row.
    """
    rows = rows_of(index, "index")
    if not isinstance(calls, RecordedSequence) or isinstance(rows, list):
        return rows
    if rows not in (0, calls.index):
        got = f"calls is a sequence of row {calls.index} of '{calls.path}'; expected one of row {rows}"
        raise RecordingError(f"{got}: take it from recording.sequences('{name}', {rows}).")
    return calls.index


def unclear(sequences: Sequence[RecordedSequence]) -> str:
    """The error message where a row was read as several sequences and none was chosen."""
    path, index, more = sequences[0].path, sequences[0].index, len(sequences) - LISTED
    moved = [one for one in sequences if one.began == MOVED]
    if moved:
        return (
            f"Row {index} of '{path}' starts call {moved[0].calls[0]} from the state in which another row ended: rows of the batch "
            "were moved. Give index the row of each token, [time]."
        )
    names = ", ".join(map(str, sequences[:LISTED])) + (f" and {more} more" if more > 0 else "")
    of = f"'{path}'" + (f", {index}" if index else "")
    return (
        f"'{path}' read {len(sequences)} sequences, because its state was reset: {names}. Choose one, such as "
        f"calls=recording.sequences({of})[0]; calls=slice(None) takes all of them, one after the other."
    )


def reading_of(path: str, module: nn.Module, heard: Sequence[Call], time: int, index: Rows, calls: Calls) -> Reading:
    """One sequence as a module read it, with the calls that were chosen, or those that are the only sequence of the row.

    Args:
        path: Names a direction of the module.
        module: The recurrent module.
        heard: All its calls.
        time: Number of tokens.
        index: Row of the batch, or one for each token, [time].
        calls: Which calls; None takes all that have the row.

    Raises:
        RecordingError: the row was read as several sequences, there is no such row or call, or the steps are not `time`.
    """
    name = path.removesuffix(REVERSE)
    numbers, rows = _rows(name, module, heard, time, index, calls)
    pieces = [stretch(module, heard[n], row, name) for n, row in zip(numbers, rows, strict=True)]
    steps, began = list(map(len, pieces)), beginnings(module, heard, numbers, pieces)
    sizes = [batch_size(module, heard[n]) for n in numbers]
    recorded = [RecordedCall(*call) for call in zip(numbers, steps, sizes, began, strict=True)]
    sequences = sequences_of(name, rows[0], recorded, len(heard))
    if calls is None and len(sequences) > 1:
        raise RecordingError(unclear(sequences))
    if path != name and len(pieces) > 1:
        raise RecordingError(
            f"'{path}' was called {len(pieces)} times, and reads each piece from its own end, so that no position has read all that "
            "follows it. Call the module once on the whole sequence, or choose one call: calls=0."
        )
    if sum(steps) != time:
        raise RecordingError(f"'{name}' read {sum(steps)} steps and {time} tokens were given. Give one token for each step.")
    breaks = [at for at, now in enumerate(began) if at and now != CARRIED]
    carried = np.ones(time, bool)
    carried[np.cumsum([0, *steps])[breaks]] = False
    stretches = _joined_where_they_can(pieces, breaks) if directions(module) == 1 else pieces
    return Reading(path, name, module, [heard[n] for n in numbers], numbers, rows, stretches, carried)


def _joined_where_they_can(pieces: Sequence[Stretch], breaks: Sequence[int]) -> list[Stretch]:
    """Stretches of calls that used the same weights."""
    starts = [at for at, piece in enumerate(pieces) if at == 0 or not piece.weights.is_same_as(pieces[at - 1].weights)]
    spans = pairwise([*starts, len(pieces)])
    return [joined(pieces[a:b], [at - a for at in breaks if a < at < b]) for a, b in spans]


def _rows(name: str, module: nn.Module, heard: Sequence[Call], time: int, index: Rows, calls: Calls) -> tuple[list[int], list[int]]:
    """Numbers of the calls of a sequence, and its row of the batch in each."""
    numbers = list(range(len(heard))) if calls is None else numbers_of(calls, len(heard), name)
    if not isinstance(index, int):
        return numbers, _rows_of_tokens(name, module, [heard[n] for n in numbers], one_for_each(index, time, "index"))
    if calls is None:
        sizes = [batch_size(module, call) for call in heard]
        if not 0 <= index < max(sizes):
            raise RecordingError(no_row(index, max(sizes), f"'{name}'"))
        numbers = [n for n in numbers if index < sizes[n]]
    return numbers, [index] * len(numbers)


def _rows_of_tokens(name: str, module: nn.Module, calls: Sequence[Call], rows: list[int]) -> list[int]:
    """The row of each call, from the row of each token: within one call a sequence keeps its row."""
    of_calls, at = [], 0
    for call in calls:
        if at >= len(rows):
            few = f"index names {len(rows)} rows, and '{name}' read so many steps in its first {len(of_calls)} calls of {len(calls)}"
            raise RecordingError(f"{few}. Choose them: calls=slice(0, {len(of_calls)}).")
        row = rows[at]
        length = len(stretch(module, call, row, name))
        if len(set(rows[at : at + length])) > 1:
            raise RecordingError("index moves to another row in the middle of a call; rows can move only between calls.")
        of_calls.append(row)
        at += length
    if at != len(rows):
        raise RecordingError(f"The module read {at} steps and {len(rows)} tokens were given. Give one token for each step.")
    return of_calls
