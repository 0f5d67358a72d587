"""Other values in place of what a recurrent module reads: a hook puts them there while the model runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from explorer.errors import RecordingError
from explorer.recording.calls import Reading, Steps, copied, no_row, packed_places, row_steps
from explorer.recording.cells import is_cell
from explorer.recording.listener import registering
from explorer.recording.sequences import RecordedCall
from explorer.records.displayed import plural


class Run:
    """One run of a model: what to put in, [row, time, feature], or None for nothing; then what each call was given is kept.

    is_wide: The whole batch becomes these rows; else there is one row, which takes its place in the batch.
    """

    def __init__(self, inputs: Tensor | None, is_wide: bool = False):
        self.inputs, self.is_wide = inputs, is_wide
        self.given: list[Steps] = []
        self.calls = self.steps = 0  # all calls so far, and the steps of those that were chosen


# The run in progress in this thread or task: a hook that hears another thread's call stays silent.
_in_progress: ContextVar[Run | None] = ContextVar("run with other inputs", default=None)


class ReplacedInput:
    """Puts other inputs before one recurrent module, in the row of the batch in which a sequence was read.

    Where it can, it replaces the whole batch by as many rows as it is given, so that they run at once. A run may make every call
    of the recording, or only those that were chosen; which of the two is known after `own`.

    Args:
        reading: The sequence.
        heard: Every call of the module in the recording.
    """

    def __init__(self, reading: Reading, heard: Sequence[RecordedCall]):
        self.reading, self._heard = reading, heard
        self.numbers = list(reading.numbers)  # of the chosen calls, among those of a run
        self.sizes: list[int] = []  # rows in each call of a run
        self.can_widen = False
        self._count, self._lengths, self._places = 0, list[int](), dict[int, int]()

    @property
    def batch(self) -> int:
        """Rows in the calls that were chosen."""
        return self.sizes[self.numbers[0]]

    @contextmanager
    def registered(self) -> Iterator[None]:
        """Inputs can be put in while the block runs."""
        with registering:
            handle = self.reading.module.register_forward_pre_hook(self._hook, with_kwargs=True)
        try:
            yield
        finally:
            with registering:
                handle.remove()

    @contextmanager
    def running(self, run: Run) -> Iterator[None]:
        """While the block runs, the module reads the inputs of this run, or its own where there are none.

        Raises:
            RecordingError: it was not called as often as in the run without other inputs.
        """
        token = _in_progress.set(run)
        try:
            yield
        finally:
            _in_progress.reset(token)
        if run.inputs is not None and run.calls != self._count:
            raise self._other_run(run.steps, run.calls)

    def own(self, run: Run) -> Tensor:
        """What the chosen calls read in a run without other inputs, [time, feature]; from it the later runs are understood.

        Raises:
            RecordingError: the model read another number of steps than the recording, or in another number of calls.
        """
        module, self._count = self.reading.module, len(run.given)
        if self._count not in (len(self._heard), len(self.reading.numbers)):
            raise self._other_run(sum(self._length(given, 0) for given in run.given), self._count)
        self.numbers = list(self.reading.numbers if self._count == len(self._heard) else range(self._count))
        self._places = {call: at for at, call in enumerate(self.numbers)}
        self.sizes = [self._rows_of(given) for given in run.given]
        read = []
        for call, row in zip(self.numbers, self.reading.rows, strict=True):
            if row >= self.sizes[call]:
                raise RecordingError(no_row(row, self.sizes[call], f"'{self.reading.name}' in output()"))
            read.append(row_steps(module, run.given[call], row))
        self._lengths = list(map(len, read))
        if sum(self._lengths) != sum(map(len, self.reading.stretches)):
            raise self._other_run(sum(self._lengths), self._count)
        has_rows = all(isinstance(given, Tensor) and given.ndim == (2 if is_cell(module) else 3) for given in run.given)
        self.can_widen = has_rows and len(set(self.reading.rows)) == 1 and min(self.sizes) > self.reading.rows[0]
        return torch.cat(read)

    def _other_run(self, steps: int, calls: int) -> RecordingError:
        chosen, heard = len(self.reading.numbers), len(self._heard)
        part = f", {sum(map(len, self.reading.stretches))} steps in {chosen} of them chosen" if chosen < heard else ""
        return RecordingError(
            f"output() made '{self.reading.name}' read {plural(steps, 'step')} in {plural(calls, 'call')}; the recording heard "
            f"{plural(sum(call.steps for call in self._heard), 'step')} in {heard}{part}. Run the recorded module on the same text, once, "
            "and not its forward()."
        )

    @property
    def _axis(self) -> int:
        """Axis of the batch in an input."""
        return 0 if is_cell(self.reading.module) or self.reading.module.batch_first else 1

    def _rows_of(self, given: Steps) -> int:
        if isinstance(given, PackedSequence):
            return int(given.batch_sizes[0])
        return int(given.shape[self._axis]) if given.ndim == (2 if is_cell(self.reading.module) else 3) else 1

    def _length(self, given: Steps, row: int) -> int:
        """Steps of one row of an input."""
        if isinstance(given, PackedSequence):
            return len(packed_places(given, row))
        if is_cell(self.reading.module):
            return 1
        return int(given.shape[0 if given.ndim == 2 else 1 - self._axis])

    def _hook(self, module: nn.Module, args: tuple, *rest: dict):
        run = _in_progress.get()
        if run is None or module is not self.reading.module:  # a copy, as interventions make, brings its hooks along
            return None
        kwargs = rest[0] if rest else {}
        given = args[0] if args else kwargs["input"]
        call, run.calls = run.calls, run.calls + 1
        if run.inputs is None:
            run.given.append(copied(given))
            return None
        at = self._places.get(call)
        if at is None and not run.is_wide:
            return None
        states = dict(zip(("hx",), args[1:2], strict=False)) | ({"hx": kwargs["hx"]} if "hx" in kwargs else {})
        row, hx, many = self.reading.rows[at or 0], states.get("hx"), len(run.inputs)
        values = given if at is None else self._next(run, given, at)
        if not run.is_wide:
            return _with_other(args, kwargs, self._placed(given, values[0], row), hx)
        wide = self._wide(given, self._axis, row, many) if at is None else self._rows(values)
        return _with_other(args, kwargs, wide, self._widened(hx, row, many))

    def _next(self, run: Run, given: Steps, at: int) -> Tensor:
        """The inputs of the next of the chosen calls, [row, time, feature]."""
        start, length = run.steps, self._length(given, self.reading.rows[at])
        run.steps += length
        if length != self._lengths[at]:
            raise self._other_run(run.steps, run.calls)
        assert run.inputs is not None
        return run.inputs[:, start : start + length].to(given.data.device, given.data.dtype)

    def _rows(self, values: Tensor) -> Tensor:
        """Inputs [row, time, feature] as the module takes a batch."""
        if is_cell(self.reading.module):
            return values[:, 0]
        return values if self._axis == 0 else values.transpose(0, 1)

    def _placed(self, given: Steps, values: Tensor, row: int) -> Steps:
        """The given input with other values, [time, feature], in one row."""
        if isinstance(given, PackedSequence):
            data = given.data.detach().clone()
            data[packed_places(given, row)] = values
            return PackedSequence(data, *given[1:])
        if given.ndim == (1 if is_cell(self.reading.module) else 2):
            return values[0] if is_cell(self.reading.module) else values
        batch = given.detach().clone()
        if is_cell(self.reading.module):
            batch[row] = values[0]
        elif self._axis == 0:
            batch[row] = values
        else:
            batch[:, row] = values
        return batch

    def _widened(self, hx: Tensor | tuple[Tensor, ...] | None, row: int, many: int):
        """A state with one row for each input: that of the sequence, unless an earlier call of this run returned it so wide."""
        if hx is None:
            return None
        axis = 0 if is_cell(self.reading.module) else 1
        wide = tuple(self._wide(part, axis, row, many) for part in ((hx,) if isinstance(hx, Tensor) else hx))
        return wide[0] if isinstance(hx, Tensor) else wide

    @staticmethod
    def _wide(values: Tensor, axis: int, row: int, many: int) -> Tensor:
        """One row of a batch as often as there are inputs, unless an earlier call of this run made the batch so wide."""
        return values if values.shape[axis] == many else values.narrow(axis, row, 1).repeat_interleave(many, axis)


def _with_other(args: tuple, kwargs: dict, values: Steps, hx: Tensor | tuple[Tensor, ...] | None) -> tuple[tuple, dict]:
    """The arguments of a call with another input and state; what else a derived class is given stays."""
    other = {"input": values, "hx": hx}
    return (*list(other.values())[: len(args)], *args[2:]), {name: other.get(name, value) for name, value in kwargs.items()}
