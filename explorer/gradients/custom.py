"""Gradients through cells that torch does not know: autograd at every returned state; inside a layer, its step taken backwards."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from explorer.errors import RecordingError
from explorer.gradients.autograd import gradients, losses_of, refuse_nothing
from explorer.recording.autograd_edges import Edges
from explorer.recording.calls import Reading
from explorer.recording.custom_cells import CustomCell, flat
from explorer.recording.custom_trace import States, calls_of, held_by, taken
from explorer.records import GradientFlow

Grads = Sequence[Tensor | None]
Norms = tuple[np.ndarray, np.ndarray, list[int]]  # of hidden and of the whole state, log10 [time]; steps at which the loss enters


def custom_flows(
    cell: CustomCell, reading: Reading, everything: Sequence[Edges], loss: Tensor, tokens: tuple[str, ...], no_graph: str
) -> list[GradientFlow]:
    """A GradientFlow for each entry of a vector of losses, [loss]; `everything`: the places of all that was recorded.

    no_graph: What is said where the cell ran without a graph.

    Raises:
        RecordingError: the module ran without a graph, the loss depends on nothing recorded, or the step does not fit.
    """
    edges = [cell.edges[call] for call in reading.numbers]
    places = [edge for of_call in edges for edge in of_call.after]
    if all(edge is None for edge in places):
        raise RecordingError(no_graph)
    unseen = next((call for call in reading.numbers if call in cell.unseen), None)
    if unseen is not None:
        raise RecordingError(f"Autograd does not see the state that '{reading.name}' returned in call {unseen}: {cell.unseen[unseen]}.")
    flows = []
    for one in losses_of(loss):
        grads = gradients(one, places)
        refuse_nothing(one, grads, everything)
        in_order = iter(grads)
        of_calls = [[next(in_order) for _ in of_call.after] for of_call in edges]
        hidden, state, steps = (_at_states if cell.reads is None else _through_layer)(cell, reading, of_calls)
        # The states of a module called step by step carry everything that comes later: of those the last is taken.
        at = steps[-1] if steps and (len(steps) == 1 or cell.reads is None) else None
        flows.append(GradientFlow(tokens, hidden[:, None], None, state[:, None], at, reading.path))
    return flows


def _at_states(cell: CustomCell, reading: Reading, grads: Sequence[Grads]) -> Norms:
    """Norms at the states of a module that takes one step per call, from the gradient to each tensor that it returned."""
    hidden, state, steps = np.full(len(grads), -np.inf), np.full(len(grads), -np.inf), []
    for time, (of_call, row) in enumerate(zip(grads, reading.rows, strict=True)):
        states = zip(of_call[cell.first or 0 :], cell.batches, strict=True)
        parts = [None if grad is None else _row(flat(grad, axis), row) for grad, axis in states]
        hidden[time], state[time] = log10_norm(parts[:1]), log10_norm(parts)
        if any(grad is not None and bool(grad.any()) for grad in of_call):
            steps.append(time)
    return hidden, state, steps


def _row(values: Tensor, row: int) -> Tensor:
    return values if values.ndim == 1 else values[row]


def log10_norm(parts: Grads) -> float:
    """Norm of several tensors, each [...], side by side, as a power of ten; -inf where nothing flows."""
    known = [part.abs().double() for part in parts if part is not None]  # of a complex gradient, the size of each number
    largest = max((float(part.max()) for part in known if part.numel()), default=0.0)
    if not largest:
        return -np.inf
    squares = torch.stack([(part / largest).square().sum() for part in known])
    return float(np.log10(largest) + np.log10(float(squares.sum())) / 2)


def _through_layer(cell: CustomCell, reading: Reading, grads: Sequence[Grads]) -> Norms:
    """Norms at the states inside a layer that reads whole sequences, the registered step taken backwards from the last one."""
    (piece,), held = reading.stretches, held_by(cell, reading)
    hidden, state, steps = np.full(len(piece), -np.inf), np.full(len(piece), -np.inf), []
    for index, (start, stop, first) in enumerate(calls_of(cell, reading)):
        output, after = _incoming(cell, reading, index, grads[index])
        carried = Carried([torch.zeros_like(part) for part in first] if after is None else after)
        steps += [stop - 1] if carried.is_something else []
        for at in range(stop - 1, start - 1, -1):
            before = first if at == start else tuple(part[at - 1 : at] for part in held.states)
            entering = output[at - start : at - start + 1] if output is not None and bool(output[at - start].any()) else None
            steps += [] if entering is None else [at]
            carried, hidden[at], state[at] = _back(cell, piece.input[at : at + 1], before, carried, entering)
    return hidden, state, sorted(set(steps))


def _incoming(cell: CustomCell, reading: Reading, index: int, grads: Grads) -> tuple[Tensor | None, list[Tensor] | None]:
    """What enters one call of a layer: the gradient to its output [time, feature], and to the states it returned, each [1, unit]."""
    assert cell.reads is not None
    row = reading.rows[index]
    output, after = cell.reads.returned(cell.module, cell.rebuilt(reading.numbers[index], grads))
    states = None if after is None else [flat(part, 0)[row : row + 1].cpu() for part in after]
    return output[row].cpu() if bool(output.any()) else None, states


class Carried:
    """A gradient to the states, each [1, unit]: numbers near 1 and a power of two, for it leaves the range of every float."""

    def __init__(self, parts: Sequence[Tensor], exponent: int = 0):
        largest = max(float(part.abs().max()) for part in parts)
        shift = int(np.frexp(largest)[1])
        self.is_something = largest > 0
        self.parts = [part.to(torch.complex128 if part.is_complex() else torch.float64) * 2.0**-shift for part in parts]
        self.exponent = exponent + shift


def _back(cell: CustomCell, x: Tensor, before: States, carried: Carried, entering: Tensor | None) -> tuple[Carried, float, float]:
    """One step backwards: the gradient to the states before it, and log10 of that to the hidden and the whole state after it.

    carried: gradient to the states after the step, from later ones; entering: to the output of this step, [1, feature].
    """
    fed = None if entering is None else Carried([entering])
    scales = [one.exponent for one in (carried, fed) if one is not None and one.is_something]
    scale = max(scales, default=0)
    with torch.enable_grad():
        leaves = tuple(part.detach().clone().requires_grad_() for part in before)
        after, _, output = taken(cell, x, leaves)
        output = after[0] if output is None else output
        numbers = [_shrunk(part, carried.exponent - scale).to(own) for part, own in zip(carried.parts, after, strict=True)]
        shown = None if fed is None else _shrunk(fed.parts[0], fed.exponent - scale).to(output)
        local = [None] * len(after) if shown is None else _apart(output, after, shown)
        total = [part if grad is None else part + grad for part, grad in zip(numbers, local, strict=True)]
        ends = [*zip(after, numbers, strict=True), *([] if shown is None else [(output, shown)])]
        ends = [(end, grad) for end, grad in ends if end.requires_grad]
        back = torch.autograd.grad([end for end, _ in ends], leaves, [grad for _, grad in ends], allow_unused=True)
    new = [torch.zeros_like(leaf) if grad is None else grad for grad, leaf in zip(back, leaves, strict=True)]
    decades = scale * np.log10(2)
    return Carried(new, scale), log10_norm(total[:1]) + decades, log10_norm(total) + decades


def _apart(output: Tensor, after: States, shown: Tensor) -> list[Tensor | None]:
    """Gradient to each state after a step from the output of that step, the other states held.

    Autograd's own counts what passes through another state too: a cell reaches the output through the hidden state. States are
    taken in their order, which is that of their equations from the last to the first.
    """
    parts: list[Tensor | None] = []
    for index, whole in enumerate(torch.autograd.grad(output, after, shown, retain_graph=True, allow_unused=True)):
        for other, part in zip(after[:index], parts, strict=True):
            if whole is not None and part is not None and other.requires_grad:
                through = torch.autograd.grad(other, after[index], part, retain_graph=True, allow_unused=True)[0]
                whole = whole if through is None else whole - through
        parts.append(whole)
    return parts


def _shrunk(numbers: Tensor, power: int) -> Tensor:
    """Numbers near 1 times a power of two that is negative, or of nothing at all."""
    return numbers * 2.0 ** min(power, 0)
