"""Attribution: how much one output depends on each input, by running the module again with other inputs.

>>> with record(module) as recording:
...     module(ids)
>>> scores = attribution(recording, lambda: module(ids)[:, -1, answer], "integrated gradients", tokens)

What is scored is what the recurrent module reads at each step: an embedding, a one-hot vector, or a frame. A hook puts other
values in its place while `output` runs the module, so nothing has to be changed in it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from explorer.analysis.attribution import GRADIENT, INTEGRATED, METHODS, OCCLUSION, TIMES_INPUT, Attribution
from explorer.errors import RecordingError
from explorer.gradients.contributions import InputGradient, input_gradient
from explorer.gradients.replaced_input import ReplacedInput
from explorer.recording.arrays import Rows, Tokens, names_of
from explorer.recording.autograd_edges import without_cudnn
from explorer.recording.calls import Reading
from explorer.recording.cells import TOLERANCE
from explorer.recording.modules import REVERSE
from explorer.recording.record import Recording, record

STEPS = 4_096  # steps of a text that run at once: enough for full speed, few enough for memory
BASELINES = ("zero", "mean")
Output = Callable[[], Tensor]


@dataclass(frozen=True, eq=False)
class AttributionMethod:
    """A method with its settings, for `attribution`.

    Args:
        name: "gradient", "gradient x input", "integrated gradients" or "occlusion".
        baseline: What an input is compared with, in integrated gradients and occlusion: "zero", the zero vector; "mean", the mean
            of the inputs of this text; or a vector [feature], or one for each step, [time, feature].
        steps: Points on the way from the baseline to the input, in integrated gradients.

    Raises:
        RecordingError: there is no such method or baseline, or no step.
    """

    name: str
    baseline: str | Tensor = "zero"
    steps: int = 50

    def __post_init__(self) -> None:
        if self.name not in METHODS:
            raise RecordingError(f"There is no method {self.name!r}; expected one of {', '.join(METHODS)}.")
        if isinstance(self.baseline, str) and self.baseline not in BASELINES:
            raise RecordingError(f"There is no baseline {self.baseline!r}; expected {', '.join(BASELINES)}, or a vector [feature].")
        if self.steps < 1:
            raise RecordingError(f"steps is {self.steps}; expected 1 or more, such as 50.")

    def of(self, x: Tensor) -> Tensor:
        """The baseline of inputs [time, feature], [time, feature].

        Raises:
            RecordingError: the vector does not fit the inputs.
        """
        if isinstance(self.baseline, str):
            return torch.zeros_like(x) if self.baseline == "zero" else x.mean(0, keepdim=True).expand_as(x)
        shape = tuple(self.baseline.shape)
        if shape not in (tuple(x.shape[1:]), tuple(x.shape)):
            expected = f"({x.shape[1]},) = [feature], or ({x.shape[0]}, {x.shape[1]}) = [time, feature]"
            raise RecordingError(f"baseline has shape {shape}; expected {expected}.")
        return self.baseline.detach().to(x).expand_as(x)

    @property
    def baseline_name(self) -> str:
        """Name of the baseline for the record; "" where the method needs none."""
        if self.name not in (INTEGRATED, OCCLUSION):
            return ""
        return self.baseline if isinstance(self.baseline, str) else "given"


def attribution(
    recording: Recording,
    output: Output,
    method: str | AttributionMethod,
    tokens: Tokens,
    path: str | None = None,
    index: Rows = 0,
) -> Attribution:
    """How much one output of a recorded module depends on each token that it read.

    The methods differ, and none of them is the effect of really deleting the token: a small change of an input (gradient), that
    times the input, the gradient summed along the way from a baseline to the input (integrated gradients), or one input replaced
    by the baseline (occlusion). Compare several.

    Args:
        recording: Made by `record(module)`: it says what the recurrent module read.
        output: A function without arguments that runs the module again as it was recorded, and returns the value to explain: a
            scalar, or one value for each row of the batch, [batch]. With the latter many inputs run at once, many times faster.
        method: "gradient", "gradient x input", "integrated gradients", "occlusion", or an `AttributionMethod` with settings.
        tokens: What was read, one for each step, [time], as for `Recording.trace`.
        path: One of `recording.paths`; needed where there are several. Of a bidirectional module both directions read the same
            inputs, and their effects are summed.
        index: Row of the batch.

    Returns:
        An Attribution: scores, the baseline, and for integrated gradients the completeness error.

    Raises:
        RecordingError: `output` does not run the recorded module on the same inputs, gives another value when it runs again
            (dropout), or not a scalar for each row; or what `Recording.trace` refuses.

    Sources: Simonyan, Vedaldi and Zisserman, "Deep Inside Convolutional Networks", 2014 (gradient); Sundararajan, Taly and Yan,
    "Axiomatic Attribution for Deep Networks", 2017 (integrated gradients); Zeiler and Fergus, "Visualizing and Understanding
    Convolutional Networks", 2014 (occlusion).
    """
    return attributions(recording, output, [method], tokens, path, index)[0]


def attributions(
    recording: Recording,
    output: Output,
    methods: Sequence[str | AttributionMethod],
    tokens: Tokens,
    path: str | None = None,
    index: Rows = 0,
) -> tuple[Attribution, ...]:
    """An Attribution for each of several methods; see `attribution`. The tokens [time].

    Raises:
        RecordingError: as attribution.
    """
    chosen = [method if isinstance(method, AttributionMethod) else AttributionMethod(method) for method in methods]
    names = names_of(tokens)
    if not callable(output):
        raise RecordingError(
            f"output is a {type(output).__name__}; expected a function that runs the module again: output=lambda: module(x)[:, -1, 3]."
        )
    with torch.inference_mode(False), torch.enable_grad(), without_cudnn():
        again = Again(recording.reading(recording.chosen(path), len(names), index), output, index)
        with again.listening():
            again.check()
            return tuple(_SCORES[method.name](again, method, names) for method in chosen)


class Again:
    """The module run again with other inputs for one recurrent module: made once, asked with `values`.

    Raises:
        RecordingError: as attribution.
    """

    def __init__(self, reading: Reading, output: Output, index: Rows = 0):
        self.reading, self._output, self._index = reading, output, index
        self.x = torch.cat([piece.input for piece in reading.stretches]).clone()
        self._hook = ReplacedInput(reading)
        self.value = 0.0
        self.is_wide = False  # whether many rows run at once

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While the block runs, inputs can be replaced."""
        with self._hook.registered():
            yield

    def check(self) -> None:
        """Run it as it is, and once more with its own inputs put in by the hook: both must give the same value."""
        with torch.no_grad():
            value, read = self._run(None)
        self._check_inputs(read)
        if value.ndim == 1 and len(value) == self._hook.batch:
            self.is_wide = self._hook.can_widen
            value = value[self.reading.rows[-1]]
        if value.ndim:
            rows = f"one value for each of the {self._hook.batch} rows, [batch]"
            raise RecordingError(f"output() has shape {tuple(value.shape)}; expected a scalar, or {rows}.")
        self.value = float(value)
        with torch.no_grad():
            again = float(self.values(self.x.expand(2 if self.is_wide else 1, *self.x.shape))[-1])
        limit = 10 * TOLERANCE.get(self.reading.calls[0].computed_in, 1e-5) * max(1.0, abs(self.value))
        if not abs(again - self.value) <= limit:
            rows = ", or rows of a batch depend on each other: let output return a scalar" if self.is_wide else ""
            raise RecordingError(
                f"Run again on the same inputs, output() gives {again:.6g} instead of {self.value:.6g}. It is in training mode with "
                f"dropout: call module.eval() first{rows}."
            )

    def values(self, inputs: Tensor) -> Tensor:
        """The output for each of some inputs, [row, time, feature] to [row]; gradients flow to the inputs.

        Raises:
            RecordingError: the module cannot run so many rows at once.
        """
        if not self.is_wide:
            return torch.stack([self._scalar(self._run(one.unsqueeze(0))[0]) for one in inputs])
        many = len(inputs) + (len(inputs) == self._hook.batch > 1)  # never as many rows as the batch has: they are told apart by that
        rows = inputs if many == len(inputs) else torch.cat([inputs, inputs[-1:]])
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

    def in_parts(self, count: int) -> list[slice]:
        """So many inputs in parts that may run at once."""
        size = max(1, STEPS // max(1, len(self.x))) if self.is_wide else 1
        return [slice(start, min(start + size, count)) for start in range(0, count, size)]

    def gradient(self, tokens: Sequence[str]) -> InputGradient:
        """The gradient to each input, an `InputGradient`: inputs are held, so that none depends on an earlier output."""
        part = self.reading.module
        with record(part, gradients=True) as recording:
            value = self._scalar(self._run(self.x.unsqueeze(0))[0])
        path = recording.paths[-1] if self.reading.path.endswith(REVERSE) else recording.paths[0]
        return input_gradient(recording, value, tokens, path, 0 if self.is_wide else self._index)

    def _scalar(self, value: Tensor) -> Tensor:
        return value if value.ndim == 0 else value[0 if self.is_wide else self.reading.rows[-1]]

    def _run(self, inputs: Tensor | None) -> tuple[Tensor, Tensor]:
        """The value of one run, and what the recurrent module read, [time, feature]."""
        with self._hook.putting(inputs, self.is_wide) as run:
            value = self._output()
        if not isinstance(value, Tensor):
            raise RecordingError(f"output() returned a {type(value).__name__}; expected a tensor. Leave out item() and float().")
        return value, run.whole(self.reading)

    def _check_inputs(self, read: Tensor) -> None:
        apart = float((read.double() - self.x.double()).abs().max()) if read.numel() else 0.0
        limit = TOLERANCE.get(self.x.dtype, 1e-5) * max(1.0, float(self.x.abs().max()) if self.x.numel() else 0.0)
        if not apart <= limit:
            raise RecordingError(
                f"output() gives '{self.reading.name}' other inputs than the recording heard: they differ by {apart:.1e}. "
                "Run the module on the same text, from the same state."
            )


def _gradient(again: Again, method: AttributionMethod, tokens: tuple[str, ...]) -> Attribution:
    return Attribution(tokens, 10 ** again.gradient(tokens).log10, GRADIENT, again.value, source=again.reading.path)


def _times_input(again: Again, method: AttributionMethod, tokens: tuple[str, ...]) -> Attribution:
    return Attribution(tokens, again.gradient(tokens).times_input, TIMES_INPUT, again.value, source=again.reading.path)


def _integrated(again: Again, method: AttributionMethod, tokens: tuple[str, ...]) -> Attribution:
    """The mean gradient between baseline and input, times their difference; the points and weights are those of Gauss and Legendre."""
    baseline = method.of(again.x)
    way, (points, weights) = again.x - baseline, np.polynomial.legendre.leggauss(method.steps)
    places, shares = torch.from_numpy((points + 1) / 2).to(way), torch.from_numpy(weights / 2)
    mean = torch.zeros(way.shape, dtype=torch.float64)
    for part in again.in_parts(method.steps):
        inputs = (baseline + places[part, None, None] * way).requires_grad_()
        value = again.values(inputs)
        if not value.requires_grad:
            raise RecordingError("output() has no gradient. Leave out torch.no_grad(), torch.inference_mode() and detach().")
        (grads,) = torch.autograd.grad(value.sum(), inputs)
        mean += (shares[part, None, None] * grads.double()).sum(0)
    scores = (way.double() * mean).sum(1).numpy()
    with torch.no_grad():
        at_baseline = float(again.values(baseline.unsqueeze(0))[0])
    error = abs(float(scores.sum()) - (again.value - at_baseline))
    return Attribution(tokens, scores, INTEGRATED, again.value, method.baseline_name, at_baseline, error, again.reading.path)


def _occlusion(again: Again, method: AttributionMethod, tokens: tuple[str, ...]) -> Attribution:
    """What is lost where one input is the baseline."""
    baseline, left = method.of(again.x), np.empty(len(tokens))
    with torch.no_grad():
        for part in again.in_parts(len(tokens)):
            steps = torch.arange(part.start, part.stop)
            inputs = again.x.repeat(len(steps), 1, 1)
            inputs[torch.arange(len(steps)), steps] = baseline[steps]
            left[part] = again.values(inputs).double().numpy()
    return Attribution(tokens, again.value - left, OCCLUSION, again.value, method.baseline_name, source=again.reading.path)


_SCORES: dict[str, Callable[[Again, AttributionMethod, tuple[str, ...]], Attribution]] = {
    GRADIENT: _gradient,
    TIMES_INPUT: _times_input,
    INTEGRATED: _integrated,
    OCCLUSION: _occlusion,
}
