"""The parts of a gradient through time: each step's share of dL/dW, each input's gradient, an LSTM's direct cell path."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from explorer.errors import RecordingError
from explorer.gradients.flow import Backpass
from explorer.gradients.scan import NOTHING, Scaled
from explorer.recording.arrays import Rows, Tokens
from explorer.recording.record import Recording
from explorer.recording.sequences import Calls


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
    recording: Recording,
    loss: Tensor,
    tokens: Tokens,
    path: str | None = None,
    index: Rows = 0,
    recurrent: bool = True,
    calls: Calls = None,
) -> Contributions:
    """How much each step adds to the gradient of the weights, before the steps are summed.

    Args:
        recording, loss, tokens, path, index, calls: As for `gradient_flow`; the tokens [time].
        recurrent: Of the recurrent weights (torch's weight_hh); else of those of the input (weight_ih).

    Raises:
        RecordingError: as gradient_flow.
    """
    back = Backpass(recording, _scalar(loss), len(tokens), path, index, calls)
    log10 = np.full((len(tokens), back.depth), -np.inf)
    sums: dict[int, Scaled] = {}
    for layer, span, part in back.parts():
        rows = part.sums(recurrent)
        read = part.layer.before(part.block) if recurrent else part.layer.x[part.block]
        with np.errstate(divide="ignore"):
            log10[span, layer] = part.log10(rows)[:, 0] + np.log10(torch.linalg.vector_norm(read, dim=1, dtype=torch.float64).numpy())
        matrix, exponent = _outer_products(rows[:, 0].double().numpy(), read.double().numpy(), part.exponent[:, 0])
        sums.setdefault(layer, Scaled.zeros(*matrix.shape)).add(matrix, exponent)
    total = np.array([sums[layer].log10()[0] for layer in range(back.depth)])
    with np.errstate(invalid="ignore"):
        apart = np.array([_log10_of_sum(column) for column in log10.T])
        return Contributions(log10, total, 10 ** (total - apart))


def _scalar(loss: Tensor) -> Tensor:
    if loss.ndim:
        raise RecordingError(f"loss has shape {tuple(loss.shape)}; expected a scalar. Ask for one loss at a time.")
    return loss


def _outer_products(rows: np.ndarray, read: np.ndarray, exponent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sum of outer products of rows [step, row] and what was read [step, feature], times 2^exponent [step].

    Flat, [1, row * feature], and its power of two [1]: what a `Scaled` adds.
    """
    known = rows.any(1)
    scale = exponent[known].max(initial=NOTHING)
    factors = np.exp2(exponent[known] - scale)
    return ((rows[known] * factors[:, None]).T @ read[known]).reshape(1, -1), np.array([scale])


def _log10_of_sum(log10: np.ndarray) -> float:
    """log10 of the sum of numbers given as powers of ten, [time]."""
    highest = log10.max()
    return float(highest + np.log10((10 ** (log10 - highest)).sum())) if highest > -np.inf else -np.inf


@dataclass(frozen=True, eq=False)
class InputGradient:
    """Sensitivity of a loss to each input: the effect of a small change of it, not of the input as a whole.

    Args:
        log10: Norm of dL/dx_t, as a power of ten, [time]; x_t is what the recurrent module read: an embedding, or one-hot.
        times_input: Sum of x_t dL/dx_t, signed, [time]; what is below 1e-308 is 0.
    """

    log10: np.ndarray
    times_input: np.ndarray


def input_gradient(
    recording: Recording, loss: Tensor, tokens: Tokens, path: str | None = None, index: Rows = 0, calls: Calls = None
) -> InputGradient:
    """Gradient of a loss to what the module read at each step, both directions together.

    Args:
        recording, loss, tokens, path, index, calls: As for `gradient_flow`; the tokens [time].

    Raises:
        RecordingError: as gradient_flow.
    """
    back = Backpass(recording, _scalar(loss), len(tokens), path, index, calls)
    to_input: Scaled | None = None
    for layer, span, part in back.parts(both=True):
        if layer == 0:
            numbers, exponent = part.to_input()
            to_input = to_input or Scaled.zeros(len(tokens), *numbers.shape[1:], dtype=numbers.dtype)
            to_input.add(numbers, exponent, span)
    assert to_input is not None
    x = torch.cat([piece.input for piece in back.reading.stretches]).double().numpy()
    times_input = (x * to_input.numbers[:, 0].astype(np.float64)).sum(1) * np.exp2(to_input.exponent[:, 0])
    return InputGradient(to_input.log10()[:, 0], times_input)


@dataclass(frozen=True, eq=False)
class DirectPath:
    """An LSTM's direct cell path, to compare with the total gradient. Not a share of it: other paths may cancel the direct one.

    Args:
        direct_log10: Norm of the gradient that reaches c_t along the cells alone, by the forget gates, [time, layer].
        total_log10: Norm of the whole dL/dc_t, [time, layer].
        cosine: Of the angle between the two, -1..1, [time, layer]; nan where one of them is zero.
    """

    direct_log10: np.ndarray
    total_log10: np.ndarray
    cosine: np.ndarray


def direct_path(
    recording: Recording, loss: Tensor, tokens: Tokens, path: str | None = None, index: Rows = 0, calls: Calls = None
) -> DirectPath:
    """How much of dL/dc_t runs from cell to cell, from where the loss is: through the forget gates and nothing else.

    Each layer starts from its own dL/dc at the step of the loss. The path ends where the model reset the state or changed it
    between two steps.

    Args:
        recording, loss, tokens, path, index, calls: As for `gradient_flow`, the loss at one step; the tokens [time].

    Raises:
        RecordingError: the path is not an LSTM, the loss enters at several steps, or as gradient_flow.
    """
    back = Backpass(recording, _scalar(loss), len(tokens), path, index, calls)
    start = back.loss_at(0)
    if back.kind != "lstm":
        raise RecordingError(f"'{back.reading.path}' is not an LSTM; only an LSTM has a cell state with a path of its own.")
    if start is None:
        raise RecordingError("This loss enters at several steps, and no one step begins its path: take the loss at one step.")
    shape = (len(tokens), back.depth)
    direct, total, cosine = np.full(shape, -np.inf), np.full(shape, -np.inf), np.full(shape, np.nan)
    carried = back.reading.carried
    along: dict[int, Scaled] = {}  # the direct path of each layer, from the step of the loss on
    for layer, span, part in back.parts():
        assert part.cell is not None and part.slopes.keep is not None
        total[span, layer] = part.log10(part.cell)[:, 0]
        cells, keep = part.cell[:, 0].double().numpy(), part.slopes.keep.double().numpy()
        for step in part.layer.steps(part.block):
            time = span.start + step
            if time == start:
                along[layer] = Scaled(cells[[step]], part.exponent[step, :1])
            if layer in along:
                direct[time, layer] = along[layer].log10()[0]
                cosine[time, layer] = _cosine(along[layer].numbers[0], cells[step])
                along[layer] = _past_forget_gates(along[layer], keep[step] if carried[time] else np.zeros_like(keep[step]))
    return DirectPath(direct, total, cosine)


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    size, size_of_other = np.linalg.norm(one), np.linalg.norm(other)
    return float(one @ other / size / size_of_other) if size and size_of_other else np.nan


def _past_forget_gates(cell: Scaled, keep: np.ndarray) -> Scaled:
    """A gradient to a cell, [1, unit], one step before: numbers made near 1, times the forget gates [unit]."""
    shift = np.frexp(np.linalg.norm(cell.numbers))[1]
    return Scaled(np.ldexp(cell.numbers, -shift) * keep, cell.exponent + shift)
