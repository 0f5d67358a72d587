"""Other values in place of what a recurrent module reads: a hook puts them there while the model runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from explorer.errors import RecordingError
from explorer.recording.calls import Reading, Steps, packed_places, row_steps
from explorer.recording.cells import is_cell
from explorer.recording.record import registering


class Run:
    """One run of a model: what to put in, [row, time, feature] or None for nothing, and what was read so far."""

    def __init__(self, inputs: Tensor | None):
        self.inputs = inputs
        self.read: list[Tensor] = []

    @property
    def step(self) -> int:
        """Steps that were read so far."""
        return sum(map(len, self.read))

    def whole(self, reading: Reading) -> Tensor:
        """Everything that was read, [time, feature].

        Raises:
            RecordingError: the model read another number of steps than the recording, or in another number of calls.
        """
        steps = sum(map(len, reading.stretches))
        if (len(self.read), self.step) != (len(reading.calls), steps):
            raise RecordingError(
                f"output() made '{reading.name}' read {self.step} steps in {len(self.read)} calls; the recording heard {steps} steps in "
                f"{len(reading.calls)}. Run the recorded module on the same text, once, and not its forward()."
            )
        return torch.cat(self.read)


# The run in progress in this thread or task: a hook that hears another thread's call stays silent.
_in_progress: ContextVar[Run | None] = ContextVar("run with other inputs", default=None)


class ReplacedInput:
    """Puts other inputs before one recurrent module, in the row of the batch in which a sequence was read.

    Where it can, it replaces the whole batch by as many rows as it is given, so that they run at once.
    """

    def __init__(self, reading: Reading):
        self.reading = reading
        given = reading.calls[0].input
        has_rows = isinstance(given, Tensor) and given.ndim == (2 if is_cell(reading.module) else 3)
        self.batch = int(given.shape[self._axis]) if isinstance(given, Tensor) and has_rows else 1
        self.can_widen = has_rows and len(set(reading.rows)) == 1

    @property
    def _axis(self) -> int:
        """Axis of the batch in an input."""
        return 0 if is_cell(self.reading.module) or self.reading.module.batch_first else 1

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
    def putting(self, inputs: Tensor | None, wide: bool = False) -> Iterator[Run]:
        """While the block runs the module reads these inputs, [row, time, feature], or its own for None.

        wide: the whole batch becomes these rows; else there is one row, which takes its place in the batch.
        """
        run = Run(inputs)
        self._wide = wide
        token = _in_progress.set(run)
        try:
            yield run
        finally:
            _in_progress.reset(token)

    def _hook(self, module: nn.Module, args: tuple, *rest: dict):
        run = _in_progress.get()
        if run is None or module is not self.reading.module:  # a copy, as interventions make, brings its hooks along
            return None
        kwargs = rest[0] if rest else {}
        given = args[0] if args else kwargs["input"]
        row = self.reading.rows[min(len(run.read), len(self.reading.rows) - 1)]
        own = row_steps(module, given, row)
        start = run.step
        run.read.append(own.detach())
        if run.inputs is None:
            return None
        values = run.inputs[:, start : start + len(own)].to(given.data.device, given.data.dtype)
        states = dict(zip(("hx",), args[1:2], strict=False)) | ({"hx": kwargs["hx"]} if "hx" in kwargs else {})
        hx = states.get("hx")
        if self._wide:
            return (self._rows(values), self._widened(hx, row, len(values))), {}
        return (self._placed(given, values[0], row), hx), {}

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
        parts = (hx,) if isinstance(hx, Tensor) else hx
        wide = tuple(part if part.shape[axis] == many else part.narrow(axis, row, 1).repeat_interleave(many, axis) for part in parts)
        return wide[0] if isinstance(hx, Tensor) else wide
