"""What a gradient through time is made of: each step's part of dL/dW, each input's gradient, an LSTM's direct cell path."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from explorer.errors import RecordingError
from explorer.gradients.flow import Backpass, Below
from explorer.gradients.scan import Passed
from explorer.recording.arrays import Rows
from explorer.recording.record import Recording


@dataclass(frozen=True, eq=False)
class Contributions:
    """The parts of dL/dW that each step adds.

    Args:
        log10: Norm of the part of each step, as a power of ten, [time, layer].
        total_log10: Norm of their sum, dL/dW, [layer].
        cancellation: |sum of the parts| / sum of |parts|, 0..1, [layer]: 1 where all agree, 0 where they cancel; nan where
            nothing flows.
    """

    log10: np.ndarray
    total_log10: np.ndarray
    cancellation: np.ndarray


def contributions(
    recording: Recording, loss: Tensor, tokens: Sequence[str], path: str | None = None, index: Rows = 0, recurrent: bool = True
) -> Contributions:
    """How much each step adds to the gradient of the weights: what a figure of weight gradients sums up and hides.

    Args:
        recording, loss, tokens, path, index: As for `gradient_flow`; the tokens [time].
        recurrent: Of the recurrent weights (torch's weight_hh); else of those of the input (weight_ih).

    Raises:
        RecordingError: as gradient_flow.
    """
    back = Backpass(recording, _scalar(loss), len(tokens), path, index)
    log10 = np.full((len(tokens), back.depth), -np.inf)
    sums = [_Sum() for _ in range(back.depth)]
    for layer, span, part in back.parts():
        rows = part.sums(recurrent)
        read = part.layer.before(part.block) if recurrent else part.layer.x[part.block]
        with np.errstate(divide="ignore"):
            log10[span, layer] = part.log10(rows)[:, 0] + np.log10(torch.linalg.vector_norm(read, dim=1, dtype=torch.float64).numpy())
        sums[layer].add(rows[:, 0].double().numpy(), read.double().numpy(), part.exponent[:, 0])
    total = np.array([each.log10() for each in sums])
    with np.errstate(invalid="ignore"):
        apart = np.array([_log10_of_sum(column) for column in log10.T])
        return Contributions(log10, total, 10 ** (total - apart))


def _scalar(loss: Tensor) -> Tensor:
    if loss.ndim:
        raise RecordingError(f"loss has shape {tuple(loss.shape)}; expected a scalar. Ask for one loss at a time.")
    return loss


class _Sum:
    """A sum of outer products, each times a power of two."""

    def __init__(self) -> None:
        self.matrix, self.exponent = np.zeros(()), -np.inf

    def add(self, rows: np.ndarray, read: np.ndarray, exponent: np.ndarray) -> None:
        known = rows.any(1)
        if not known.any():
            return
        scale = max(self.exponent, exponent[known].max())
        factors = np.exp2(exponent[known] - scale)
        self.matrix = self.matrix * np.exp2(self.exponent - scale) + (rows[known] * factors[:, None]).T @ read[known]
        self.exponent = scale

    def log10(self) -> float:
        with np.errstate(divide="ignore"):
            norm = np.log10(np.linalg.norm(self.matrix))
        return float(norm + self.exponent * np.log10(2)) if norm > -np.inf else -np.inf


def _log10_of_sum(log10: np.ndarray) -> float:
    """log10 of the sum of numbers given as powers of ten, [time]."""
    highest = log10.max()
    return float(highest + np.log10((10 ** (log10 - highest)).sum())) if highest > -np.inf else -np.inf


@dataclass(frozen=True, eq=False)
class InputGradient:
    """Which inputs a loss still feels. Sensitivity, not importance: the effect of a small change, not of the input.

    Args:
        log10: Norm of dL/dx_t, as a power of ten, [time]; x_t is what the recurrent module read: an embedding, or one-hot.
        times_input: Sum of x_t dL/dx_t, signed, [time]; what is below 1e-308 is 0.
    """

    log10: np.ndarray
    times_input: np.ndarray


def input_gradient(recording: Recording, loss: Tensor, tokens: Sequence[str], path: str | None = None, index: Rows = 0) -> InputGradient:
    """Gradient of a loss to what the module read at each step, both directions together.

    Args:
        recording, loss, tokens, path, index: As for `gradient_flow`; the tokens [time].

    Raises:
        RecordingError: as gradient_flow.
    """
    back = Backpass(recording, _scalar(loss), len(tokens), path, index)
    read: Below | None = None
    for layer, span, part in back.parts(both=True):
        if layer == 0:
            read = read or Below(len(tokens), 1, part.layer)
            read.add(part, span.start - part.block.start)
    assert read is not None
    numbers, exponent = read.numbers[:, 0].astype(np.float64), read.exponent[:, 0]
    with np.errstate(divide="ignore"):
        log10 = np.log10(np.linalg.norm(numbers, axis=1)) + np.maximum(exponent, -1e6) * np.log10(2)
    x = torch.cat([piece.input for piece in back.reading.stretches]).double().numpy()
    return InputGradient(log10, (x * numbers).sum(1) * np.exp2(exponent))


@dataclass(frozen=True, eq=False)
class DirectPath:
    """An LSTM's direct cell path beside the total gradient. No share: the two may cancel, and the direct one be the larger.

    Args:
        direct_log10: Norm of the gradient that reaches c_t along the cells alone, by the forget gates, [time, layer].
        total_log10: Norm of the whole dL/dc_t, [time, layer].
        cosine: Of the angle between the two, -1..1, [time, layer]; nan where one of them is zero.
    """

    direct_log10: np.ndarray
    total_log10: np.ndarray
    cosine: np.ndarray


def direct_path(recording: Recording, loss: Tensor, tokens: Sequence[str], path: str | None = None, index: Rows = 0) -> DirectPath:
    """How much of dL/dc_t runs from cell to cell, from where the loss is: through the forget gates and nothing else.

    Each layer starts from its own dL/dc at the step of the loss.

    Args:
        recording, loss, tokens, path, index: As for `gradient_flow`, the loss at one step; the tokens [time].

    Raises:
        RecordingError: the path is no LSTM, the loss enters at several steps, or what gradient_flow refuses.
    """
    back = Backpass(recording, _scalar(loss), len(tokens), path, index)
    start = back.loss_at(0)
    if back.kind != "lstm":
        raise RecordingError(f"'{back.reading.path}' is no LSTM; only an LSTM has cells with a path of their own.")
    if start is None:
        raise RecordingError("This loss enters at several steps, and no one step begins its path: take the loss at one step.")
    shape = (len(tokens), back.depth)
    direct, total, cosine = np.full(shape, -np.inf), np.full(shape, -np.inf), np.full(shape, np.nan)
    walks = [_Walk(start) for _ in range(back.depth)]
    for layer, span, part in back.parts():
        total[span, layer] = part.log10(_cell(part))[:, 0]
        for step in part.layer.steps(part.block):
            time = span.start + step
            direct[time, layer], cosine[time, layer] = walks[layer].step(time, part, step)
    return DirectPath(direct, total, cosine)


def _cell(part: Passed) -> Tensor:
    assert part.cell is not None
    return part.cell


class _Walk:
    """The direct path of one layer, step by step away from the loss: numbers near 1 and a power of two."""

    def __init__(self, start: int):
        self.start, self.numbers, self.exponent = start, np.zeros(0), 0.0

    def step(self, time: int, part: Passed, step: int) -> tuple[float, float]:
        """log10 of the norm, and the cosine of the angle to the total, at a step; then past its forget gates."""
        total = _cell(part)[step, 0].double().numpy()
        if time == self.start:
            self.numbers, self.exponent = total, float(part.exponent[step, 0])
        if not self.numbers.any():
            return -np.inf, np.nan
        size, other = np.linalg.norm(self.numbers), np.linalg.norm(total)
        told = float(np.log10(size) + self.exponent * np.log10(2))
        cosine = float(self.numbers @ total / size / other) if other else np.nan
        assert part.slopes.keep is not None
        shift = np.frexp(size)[1]
        self.numbers = np.ldexp(self.numbers, -shift) * part.slopes.keep[step].double().numpy()
        self.exponent += shift
        return told, cosine
