"""A recorded module run again with other inputs, as often as a method of attribution asks; checked before it is believed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count

import torch
from torch import Tensor

from explorer.errors import RecordingError
from explorer.gradients.contributions import InputGradient, input_gradient
from explorer.gradients.replaced_input import ReplacedInput, Run
from explorer.recording.arrays import Rows
from explorer.recording.calls import Reading
from explorer.recording.cells import TOLERANCE
from explorer.recording.modules import REVERSE
from explorer.recording.record import record
from explorer.recording.sequences import RecordedCall

STEPS = 4_096  # steps of a text that run at once: enough for full speed, few enough for memory
TRIALS = 3  # runs on the same inputs that tell what is random from rows that depend on each other
Output = Callable[[], Tensor]


class Rerun:
    """The module run again with other inputs for one recurrent module: made once, asked with `values`.

    Args:
        reading: What was read.
        heard: Every call of the recurrent module in the recording.
        output: Runs the module and returns the value to explain.
        index: Row of the batch, or one row for each token, [time].

    Raises:
        RecordingError: as attribution.
    """

    def __init__(self, reading: Reading, heard: Sequence[RecordedCall], output: Output, index: Rows = 0):
        self.reading, self._output, self._index = reading, output, index
        self.x = torch.cat([piece.input for piece in reading.stretches]).clone()
        self._hook = ReplacedInput(reading, heard)
        self.value = 0.0
        self.is_wide = False  # whether many rows run at once

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While the block runs, inputs can be replaced."""
        with self._hook.registered():
            yield

    @torch.no_grad()
    def check(self) -> None:
        """Run it as it is, and once more with its own inputs put in by the hook: both must give the same value.

        Where many rows can run at once, its own inputs are one row of a batch whose other rows are different.
        """
        value, run = self._run(None)
        self._check_inputs(self._hook.own(run))
        self.is_wide = value.ndim == 1 and len(value) == self._hook.batch and self._hook.can_widen
        own = self._of_row(value)
        if own.ndim:
            rows = f"one value for each of the {self._hook.batch} rows, [batch]"
            raise RecordingError(f"output() has shape {tuple(value.shape)}; expected a scalar, or {rows}.")
        self.value = float(own)
        inputs = torch.stack([torch.zeros_like(self.x), 1 - self.x, self.x]) if self.is_wide else self.x.unsqueeze(0)
        got = float(self.values(inputs)[-1])
        if not self._is_same(got):
            raise RecordingError(self._why(got))

    def _of_row(self, value: Tensor) -> Tensor:
        """The value of the row of the sequence in a run with the batch of the recording."""
        return value[self.reading.rows[-1]] if value.ndim == 1 and len(value) == self._hook.batch else value

    def _is_same(self, value: float) -> bool:
        limit = 10 * TOLERANCE.get(self.reading.calls[0].computed_in, 1e-5) * max(1.0, abs(self.value))
        return abs(value - self.value) <= limit

    def _why(self, got: float) -> str:
        """What the model does that makes the value `got` another one than that of the first run."""
        plain = [float(self._of_row(self._run(None)[0])) for _ in range(TRIALS)]
        other = [value for value in plain if not self._is_same(value)]
        if other:
            return (
                f"Run again on the same inputs, output() gives {other[0]:.6g} instead of {self.value:.6g}: something in it is random or "
                "changes from run to run. If that is dropout in training mode, call module.eval() first."
            )
        if self.is_wide:
            return (
                f"Beside other rows of a batch, output() gives {got:.6g} instead of {self.value:.6g}: its rows depend on each other. If "
                "that is batch normalisation in training mode, call module.eval() first; else let output return a scalar."
            )
        return (
            f"With copies of its own inputs '{self.reading.name}' makes output() give {got:.6g} instead of {self.value:.6g}: something "
            "else in the model depends on these tensors."
        )

    def values(self, inputs: Tensor) -> Tensor:
        """The output for each of some inputs, [row, time, feature] to [row]; gradients flow to the inputs.

        Raises:
            RecordingError: the module cannot run so many rows at once.
        """
        if not self.is_wide:
            return torch.stack([self._scalar(self._run(one.unsqueeze(0))[0]) for one in inputs])
        # Never as many rows as a batch of the model has: a state or an input that was made so wide is known by that.
        many = next(n for n in count(len(inputs)) if n == 1 or n not in self._hook.sizes)
        rows = torch.cat([inputs, inputs[-1:].expand(many - len(inputs), *inputs.shape[1:])])
        try:
            value, _ = self._run(rows)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise RecordingError(
                f"With {many} rows at once the module fails after '{self.reading.name}' ({reason}). Let output return a scalar: "
                "the module is then run once for each."
            ) from None
        if value.shape != (many,):
            raise RecordingError(
                f"output() has shape {tuple(value.shape)} with {many} rows; expected ({many},). Let output return a scalar."
            )
        return value[: len(inputs)]

    def in_parts(self, number_of: int) -> list[slice]:
        """So many inputs in parts that may run at once."""
        size = max(1, STEPS // max(1, len(self.x))) if self.is_wide else 1
        return [slice(start, min(start + size, number_of)) for start in range(0, number_of, size)]

    def gradient(self, tokens: Sequence[str]) -> InputGradient:
        """The gradient to each input, an `InputGradient`: inputs are held, so that none depends on an earlier output."""
        part = self.reading.module
        with record(part, gradients=True) as recording:
            value = self._scalar(self._run(self.x.unsqueeze(0))[0])
        path = recording.paths[-1] if self.reading.path.endswith(REVERSE) else recording.paths[0]
        return input_gradient(recording, value, tokens, path, 0 if self.is_wide else self._index, self._hook.numbers)

    def _scalar(self, value: Tensor) -> Tensor:
        return value if value.ndim == 0 else value[0 if self.is_wide else self.reading.rows[-1]]

    def _run(self, inputs: Tensor | None) -> tuple[Tensor, Run]:
        """The value of one run, and the run."""
        run = Run(inputs, self.is_wide)
        with self._hook.running(run):
            value = self._output()
        if not isinstance(value, Tensor):
            raise RecordingError(f"output() returned a {type(value).__name__}; expected a tensor. Leave out item() and float().")
        return value, run

    def _check_inputs(self, read: Tensor) -> None:
        apart = float((read.double() - self.x.double()).abs().max()) if read.numel() else 0.0
        limit = TOLERANCE.get(self.x.dtype, 1e-5) * max(1.0, float(self.x.abs().max()) if self.x.numel() else 0.0)
        if not apart <= limit:
            raise RecordingError(
                f"output() gives '{self.reading.name}' other inputs than the recording heard: they differ by {apart:.1e}. "
                "Run the module on the same text, from the same state."
            )
