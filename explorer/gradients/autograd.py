"""The part of backpropagation that autograd does: a loss's gradient at the outputs and last states of recorded calls."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge
from torch.nn.utils.rnn import PackedSequence

from explorer.errors import RecordingError
from explorer.gradients.scan import Entry, IncomingGradient, power, shifted
from explorer.recording.autograd_edges import Edges
from explorer.recording.calls import Reading, directions, row_state, row_steps
from explorer.recording.replay import precision

HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True, eq=False)
class CallGradient:
    """Gradient of one loss at one call: to its output [time, direction * state], and to its last states, each
    [layer * direction, state]; None where nothing arrives."""

    output: Tensor | None
    after: tuple[Tensor | None, ...]


def losses_of(loss: Tensor) -> list[Tensor]:
    """The entries of a loss of shape [] or [loss].

    Raises:
        RecordingError: it is not a tensor, has more axes, or has no gradient.
    """
    if not isinstance(loss, Tensor):
        raise RecordingError(f"loss is of type {type(loss).__name__}; expected a tensor with a gradient. Leave out item() and numpy().")
    if loss.ndim > 1 or not loss.numel():
        raise RecordingError(f"loss has shape {tuple(loss.shape)}; expected a scalar, or a vector of losses. Take its sum or its mean.")
    if not loss.requires_grad:
        raise RecordingError(
            "The loss has no gradient. Compute it from what the module returned inside `with record(module, gradients=True)`, "
            "outside torch.no_grad() and without detach()."
        )
    return [loss] if loss.ndim == 0 else list(loss.unbind())


def call_gradients(reading: Reading, edges: Sequence[Edges], others: Sequence[Edges], loss: Tensor) -> list[CallGradient]:
    """The gradient of one loss [] at each call of a reading; `others`: the edges of everything that was recorded.

    Raises:
        RecordingError: the loss depends on nothing that was recorded, or its graph is gone.
    """
    grads = gradients(loss, [edge for of_call in edges for edge in (of_call.output, *of_call.after)])
    refuse_nothing(loss, grads, others)
    in_order, of_calls = iter(grads), []
    for call, row, _ in zip(reading.calls, reading.rows, edges, strict=True):
        grad = next(in_order)
        if grad is not None and isinstance(call.output, PackedSequence):
            grad = PackedSequence(grad, *call.output[1:])
        output = None if grad is None else row_steps(reading.module, grad, row)
        states = [next(in_order) for _ in call.after]
        of_calls.append(CallGradient(output, tuple(None if s is None else row_state(reading.module, s, row)[0] for s in states)))
    return of_calls


def refuse_nothing(loss: Tensor, grads: Sequence[Tensor | None], others: Sequence[Edges]) -> None:
    """Refuse a loss [] that depends on nothing that was recorded: neither on what has these gradients nor on anything else.

    Raises:
        RecordingError: it depends on nothing.
    """
    if any(grad is not None for grad in grads):
        return
    everything = [edge for of_call in others for edge in (of_call.output, *of_call.after)]
    if all(grad is None for grad in gradients(loss, everything)):
        raise RecordingError("The loss depends on nothing that was recorded. Compute it from what the module returned in the block.")


def gradients(loss: Tensor, edges: Sequence[GradientEdge | None]) -> list[Tensor | None]:
    """Gradient of one loss [] at each edge; None where there is no edge or nothing arrives.

    Raises:
        RecordingError: autograd cannot follow the loss back: its graph is gone, or something in it was changed in place.
    """
    real = [edge for edge in edges if edge is not None]
    try:
        grads = iter(torch.autograd.grad(loss, real, retain_graph=True, allow_unused=True) if real else ())
    except RuntimeError as error:
        reason = str(error).split(". ")[0]
        raise RecordingError(
            f"Autograd cannot follow this loss back ({reason}). Ask for gradients before loss.backward(), and change nothing in place."
        ) from None
    return [None if edge is None else next(grads) for edge in edges]


def note(reading: Reading) -> str:
    """What a reader must know of the precision; empty for float32 and float64.

    Raises:
        RecordingError: a network in half precision was called several times: its gradients would pass through that.
    """
    dtype = reading.calls[0].dtype
    if dtype not in HALF:
        return ""
    name = str(dtype).removeprefix("torch.")
    if len(reading.calls) > 1:
        raise RecordingError(
            f"'{reading.name}' ran in {name} and was called {len(reading.calls)} times: from call to call gradients would pass through "
            f"{name}, which holds too little. Record copy.deepcopy(module).float() instead."
        )
    return f"'{reading.name}' ran in {name}: its weights and states were made float32 before any gradient was computed."


def incoming_gradient(reading: Reading, piece: int, row: int, losses: Sequence[Sequence[CallGradient]]) -> IncomingGradient:
    """What enters one layer and direction over one stretch, but for the layer above. `row`: layer * directions + direction.

    losses: for each loss, for each call of the whole reading.
    """
    many = directions(reading.module)
    way, top = row % many, row >= _rows(reading) - many
    stretch = reading.stretches[piece]
    first = sum(len(one.starts) for one in reading.stretches[:piece])
    calls = range(first, first + len(stretch.starts))
    at: dict[int, list[Entry]] = {}
    ends = [start if way else stop - 1 for start, stop in zip(stretch.starts, (*stretch.starts[1:], len(stretch)), strict=True)]
    for call, start, end in zip(calls, stretch.starts, ends, strict=True):
        last = _last(reading, [of_loss[call] for of_loss in losses], row)
        if last is not None:
            at.setdefault(end, []).append(last)
        for loss, of_loss in enumerate(losses if top else ()):
            output = of_loss[call].output
            if output is not None:
                width = output.shape[1] // many
                _add_output(at, start, loss, output[:, way * width : (way + 1) * width].to(precision(reading.stretches)))
    return IncomingGradient(at, frozenset(ends))


def _rows(reading: Reading) -> int:
    return reading.calls[0].after[0].shape[0] if not isinstance(reading.module, torch.nn.RNNCellBase) else 1


def _last(reading: Reading, losses: Sequence[CallGradient], row: int) -> Entry | None:
    """The gradients of all losses at the last states of one call, or None where none arrives."""
    dtype = precision(reading.stretches)
    parts = [_stacked(states, row, dtype) for states in zip(*(of_loss.after for of_loss in losses), strict=True)]
    known = [part for part in parts if part is not None]
    if not known:
        return None
    widths = [state.shape[-1] for state in reading.calls[0].after]
    full = [known[0].new_zeros(len(losses), width) if part is None else part for part, width in zip(parts, widths, strict=True)]
    return Entry.scaled(slice(0, len(losses)), full[0], full[1] if len(full) > 1 else None)


def _stacked(states: Sequence[Tensor | None], row: int, dtype: torch.dtype) -> Tensor | None:
    """One row of a state for every loss, [loss, state], or None where nothing arrives for any."""
    known = [state for state in states if state is not None]
    if not known:
        return None
    return torch.stack([torch.zeros_like(known[0][row]) if state is None else state[row] for state in states]).to(dtype)


def _add_output(at: dict[int, list[Entry]], start: int, loss: int, output: Tensor) -> None:
    """An entry for each step at which a loss reads the output, [time, state]."""
    steps = output.any(1).nonzero()[:, 0]
    read = output[steps]
    exponent = power(read.abs().amax(1))
    numbers = shifted(read, exponent)
    for index, step in enumerate(steps.tolist()):
        one = slice(index, index + 1)
        at.setdefault(start + step, []).append(Entry(slice(loss, loss + 1), numbers[one], None, exponent[one]))
