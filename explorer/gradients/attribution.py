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
from explorer.gradients.rerun import Output, Rerun
from explorer.recording import cells
from explorer.recording.arrays import Rows, Tokens, names_of
from explorer.recording.autograd_edges import without_cudnn
from explorer.recording.calls import Reading
from explorer.recording.record import Recording
from explorer.recording.sequences import Calls, row_in

BASELINES = ("zero", "mean")


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
    calls: Calls = None,
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
        calls: Which calls of the module the tokens are, as for `Recording.trace`. `output` makes either all the calls of the
            recording or only these. Only the inputs of these are replaced.

    Returns:
        An Attribution: scores, the baseline, and for integrated gradients the completeness error.

    Raises:
        RecordingError: `output` does not run the recorded module on the same inputs, gives another value when it runs again
            (dropout) or beside other rows of a batch (batch normalisation in training mode), or not a scalar for each row; the path
            is of another class than torch's own; or what `Recording.trace` refuses.

    Sources: Simonyan, Vedaldi and Zisserman, "Deep Inside Convolutional Networks", 2014 (gradient); Sundararajan, Taly and Yan,
    "Axiomatic Attribution for Deep Networks", 2017 (integrated gradients); Zeiler and Fergus, "Visualizing and Understanding
    Convolutional Networks", 2014 (occlusion).
    """
    return attributions(recording, output, [method], tokens, path, index, calls)[0]


def attributions(
    recording: Recording,
    output: Output,
    methods: Sequence[str | AttributionMethod],
    tokens: Tokens,
    path: str | None = None,
    index: Rows = 0,
    calls: Calls = None,
) -> tuple[Attribution, ...]:
    """An Attribution for each of several methods; see `attribution`. The tokens [time].

    Raises:
        RecordingError: as attribution.
    """
    chosen = [method if isinstance(method, AttributionMethod) else AttributionMethod(method) for method in methods]
    with attributing(recording, output, tokens, path, index, calls) as score:
        return tuple(score(method) for method in chosen)


@contextmanager
def attributing(
    recording: Recording, output: Output, tokens: Tokens, path: str | None = None, index: Rows = 0, calls: Calls = None
) -> Iterator[Callable[[AttributionMethod], Attribution]]:
    """While the block runs, what is yielded gives the Attribution of one method after the other; the tokens [time].

    That `output` runs the recorded module again is checked once. `attributions` is the same for all methods in one call.

    Raises:
        RecordingError: as attribution.
    """
    names = names_of(tokens)
    if not callable(output):
        raise RecordingError(
            f"output is a {type(output).__name__}; expected a function that runs the module again: output=lambda: module(x)[:, -1, 3]."
        )
    path = recording.chosen(path)
    with torch.inference_mode(False), torch.enable_grad(), without_cudnn():
        reading = recording.reading(path, len(names), index, calls)
        _check_kind(reading)
        heard = recording.calls(path, reading.rows[0])
        rerun = Rerun(reading, heard, output, row_in(calls, index, reading.name))
        with rerun.listening():
            rerun.check()
            yield lambda method: _SCORES[method.name](rerun, method, names)


def _check_kind(reading: Reading) -> None:
    try:
        cells.kind(reading.module)
    except RecordingError:
        raise RecordingError(
            f"'{reading.path}' is of another class than nn.RNN, nn.LSTM, nn.GRU and their cells. Attribution replaces the inputs "
            "of these alone, because it has to know how a module is called."
        ) from None


def _gradient(rerun: Rerun, method: AttributionMethod, tokens: tuple[str, ...]) -> Attribution:
    return Attribution(tokens, 10 ** rerun.gradient(tokens).log10, GRADIENT, rerun.value, source=rerun.reading.path)


def _times_input(rerun: Rerun, method: AttributionMethod, tokens: tuple[str, ...]) -> Attribution:
    return Attribution(tokens, rerun.gradient(tokens).times_input, TIMES_INPUT, rerun.value, source=rerun.reading.path)


def _integrated(rerun: Rerun, method: AttributionMethod, tokens: tuple[str, ...]) -> Attribution:
    """The mean gradient between baseline and input, times their difference; the points and weights are those of Gauss and Legendre."""
    baseline = method.of(rerun.x)
    way, (points, weights) = rerun.x - baseline, np.polynomial.legendre.leggauss(method.steps)
    places, shares = torch.from_numpy((points + 1) / 2).to(way), torch.from_numpy(weights / 2)
    mean = torch.zeros(way.shape, dtype=torch.float64)
    for part in rerun.in_parts(method.steps):
        inputs = (baseline + places[part, None, None] * way).requires_grad_()
        value = rerun.values(inputs)
        if not value.requires_grad:
            raise RecordingError("output() has no gradient. Leave out torch.no_grad(), torch.inference_mode() and detach().")
        (grads,) = torch.autograd.grad(value.sum(), inputs)
        mean += (shares[part, None, None] * grads.double().cpu()).sum(0)
    scores = (way.double() * mean).sum(1).numpy()
    with torch.no_grad():
        at_baseline = float(rerun.values(baseline.unsqueeze(0))[0])
    error = abs(float(scores.sum()) - (rerun.value - at_baseline))
    return Attribution(tokens, scores, INTEGRATED, rerun.value, method.baseline_name, at_baseline, error, rerun.reading.path)


def _occlusion(rerun: Rerun, method: AttributionMethod, tokens: tuple[str, ...]) -> Attribution:
    """What is lost where one input is the baseline."""
    baseline, left = method.of(rerun.x), np.empty(len(tokens))
    with torch.no_grad():
        for part in rerun.in_parts(len(tokens)):
            steps = torch.arange(part.start, part.stop)
            inputs = rerun.x.repeat(len(steps), 1, 1)
            inputs[torch.arange(len(steps)), steps] = baseline[steps]
            left[part] = rerun.values(inputs).double().cpu().numpy()
    return Attribution(tokens, rerun.value - left, OCCLUSION, rerun.value, method.baseline_name, source=rerun.reading.path)


_SCORES: dict[str, Callable[[Rerun, AttributionMethod, tuple[str, ...]], Attribution]] = {
    GRADIENT: _gradient,
    TIMES_INPUT: _times_input,
    INTEGRATED: _integrated,
    OCCLUSION: _occlusion,
}
