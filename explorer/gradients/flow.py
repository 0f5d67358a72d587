"""Gradients through time: how large, at every step and layer, the gradient of one loss is.

>>> with record(module, gradients=True) as recording:
...     out = module(x)
>>> flow = gradient_flow(recording, loss_of(out), tokens)

Autograd gives the gradient at the outputs and last states of each recorded call. Inside a call over several steps it can
say no more, for what a fused network returns at a step leaves out the recurrent path: there `scan` carries on.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from explorer.errors import RecordingError
from explorer.gradients.autograd import CallGradient, call_gradients, incoming_gradient, losses_of, note
from explorer.gradients.custom import custom_flows
from explorer.gradients.scan import IncomingGradient, Layer, LayerGradient, Scaled, layer_gradients
from explorer.gradients.tapped import tapped_flows
from explorer.recording import cells
from explorer.recording.arrays import Rows, Tokens, names_of
from explorer.recording.axis_readings import Selection
from explorer.recording.calls import Reading, directions, layers
from explorer.recording.circumstances import undisturbed
from explorer.recording.custom_cells import CustomCell
from explorer.recording.record import Recording
from explorer.recording.replay import States, precision
from explorer.recording.sequences import Calls, row_in
from explorer.records import GradientFlow


def gradient_flow(
    recording: Recording, loss: Tensor, tokens: Tokens, path: str | None = None, index: Rows = 0, calls: Calls = None
) -> GradientFlow:
    """Size of the gradient of one loss at every step and layer of one path: how far back learning reaches.

    Args:
        recording: Made by `record(module, gradients=True)`.
        loss: A scalar computed from what the module returned. For a curve over distance take the loss at one step: a sum
            over steps has a nearby term at every step, which hides the decay.
        tokens: What was read, one for each step, [time]: characters, words, or the numbers of a time series.
        path: One of `recording.paths`; needed where there are several.
        index: Row of the batch, or one row for each token where rows moved, [time].
        calls: Which calls of the module the tokens are, as for `Recording.trace`.

    Returns:
        A GradientFlow, norms as powers of ten: they may lie far below what float32 can hold.

    Raises:
        RecordingError: the recording was made without gradients, the loss is not a scalar or depends on nothing recorded,
            or what `Recording.trace` refuses.

    Source: backpropagation through time, Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 10.2.2.
    """
    if isinstance(loss, Tensor) and loss.ndim:
        raise RecordingError(f"loss has shape {tuple(loss.shape)}; expected a scalar. For a vector of losses call gradient_flows.")
    return gradient_flows(recording, loss, tokens, path, index, calls)[0]


def gradient_flows(
    recording: Recording, loss: Tensor, tokens: Tokens, path: str | None = None, index: Rows = 0, calls: Calls = None
) -> list[GradientFlow]:
    """A GradientFlow for each entry of a vector of losses, [loss], from one scan for all of them; see `gradient_flow`.

    Raises:
        RecordingError: as gradient_flow.
    """
    names, path = names_of(tokens), recording.chosen(path)
    _check_gradients(recording)
    taps = recording.taps(path)
    if taps:
        with undisturbed(recording.root):
            return tapped_flows(taps, loss, names, path, Selection(row_in(calls, index, path), calls), recording.no_graph(path))

    def of_cell(cell: CustomCell) -> list[GradientFlow]:
        reading = recording.custom_reading(cell, path, len(names), index, calls)
        with undisturbed(recording.root):
            return custom_flows(cell, reading, recording.all_edges, loss, names, recording.no_graph(path))

    return recording.either(path, lambda: _flows(Backpass(recording, loss, len(names), path, index, calls), names), of_cell)


def _check_gradients(recording: Recording) -> None:
    if not recording.gradients:
        raise RecordingError("This recording was made without gradients. Make it with record(module, gradients=True).")


def _flows(back: "Backpass", names: tuple[str, ...]) -> list[GradientFlow]:
    """Norms of the gradients that a backpass found, for each loss."""
    shape = (len(back.losses), len(names), back.depth)
    hidden, state = np.full(shape, -np.inf), np.full(shape, -np.inf)
    cell = np.full(shape, -np.inf) if back.kind == "lstm" else None
    for layer, span, part in back.parts():
        hidden[:, span, layer] = part.log10(part.hidden).T
        state[:, span, layer] = hidden[:, span, layer] if part.kept is None else part.log10(part.state()).T
        if cell is not None and part.cell is not None:
            cell[:, span, layer] = part.log10(part.cell).T
    return [
        GradientFlow(
            tokens=names,
            hidden_log10=hidden[index],
            cell_log10=None if cell is None else cell[index],
            state_log10=state[index],
            loss_at=back.loss_at(index),
            source=back.reading.path,
            note=back.note,
        )
        for index in range(len(back.losses))
    ]


class Backpass:
    """The gradients of some losses on their way back through one recurrent module: made once, read with `parts`.

    Everything that measures gradients is built on it: norms, contributions to the weights, gradients to the input.

    Raises:
        RecordingError: as gradient_flow.
    """

    def __init__(self, recording: Recording, loss: Tensor, time: int, path: str | None, index: Rows, calls: Calls = None):
        _check_gradients(recording)
        self.reading = recording.reading(recording.chosen(path), time, index, calls)
        self.kind, self.depth = cells.kind(self.reading.module), layers(self.reading.module)
        edges = [recording.edges[self.reading.name][number_of] for number_of in self.reading.numbers]
        if all(edge is None for of_call in edges for edge in of_call.after):
            raise RecordingError(recording.no_graph(self.reading.name))
        self.note = note(self.reading)
        # First, for it says whether these are the equations of the module at all.
        with torch.no_grad():
            self._states: list[States] = [
                recording.states(self.reading, bool(way), range(self.depth), bare=True) for way in range(directions(self.reading.module))
            ]
        everything = recording.all_edges
        with undisturbed(recording.root):
            self.losses: list[list[CallGradient]] = [call_gradients(self.reading, edges, everything, one) for one in losses_of(loss)]

    def parts(self, both: bool = False) -> Iterator[tuple[int, slice, LayerGradient]]:
        """Gradients block by block, the last layer first: the layer, the steps of the text, and what passes there.

        both: also those of the other direction, which a lower layer of a bidirectional stack depends on.
        """
        start, many, losses = 0, len(self._states), len(self.losses)
        for index, piece in enumerate(self.reading.stretches):
            above: Scaled | None = None
            for depth in reversed(range(self.depth)):
                below: Scaled | None = None
                for way in range(many):
                    layer = layer_of(self.reading, self._states, index, start, depth=depth, way=way)
                    own = incoming_gradient(self.reading, index, depth * many + way, self.losses)
                    if depth and below is None:
                        below = layer.nothing_below(losses)
                    # Both directions of the layer above read both directions of this one, side by side.
                    along = None if above is None else Scaled(np.split(above.numbers, many, 2)[way], above.exponent)
                    for part in layer_gradients(layer, IncomingGradient(own.at, own.ends, along), losses):
                        if below is not None:
                            below.add(*part.to_input(), part.block)
                        if both or bool(way) == self.reading.reverse:
                            yield depth, slice(start + part.block.start, start + part.block.stop), part
                above = below
            start += len(piece)

    def loss_at(self, index: int) -> int | None:
        """The step at which a loss enters, or None where it enters at several or nowhere.

        The states of a module called step by step carry everything that comes later: of those the last is taken.
        """
        many, way = directions(self.reading.module), int(self.reading.reverse)
        steps, ends, start = set(), [], 0
        for gradient, length in zip(self.losses[index], self._lengths(), strict=True):
            if gradient.output is not None:
                width = gradient.output.shape[1] // many
                largest = gradient.output[:, way * width : (way + 1) * width].abs().amax(1)
                steps |= {start + int(step) for step in torch.nonzero(largest)}
            if any(state is not None and bool(state[way::many].any()) for state in gradient.after):
                ends.append(start if way else start + length - 1)
            start += length
        last = start - 1 if not way else 0
        if ends and (not steps or ends[-1] == last):
            steps.add(ends[-1])
        return steps.pop() if len(steps) == 1 else None

    def _lengths(self) -> list[int]:
        """Steps of each call."""
        cuts = [(*piece.starts, len(piece)) for piece in self.reading.stretches]
        return [stop - start for piece in cuts for start, stop in pairwise(piece)]


def layer_of(reading: Reading, states: Sequence[States], piece: int, start: int, *, depth: int, way: int) -> Layer:
    """One layer of one direction over one stretch, from the replayed states of each direction.

    Args:
        reading: The sequence.
        states: Of each direction.
        piece: Index of the stretch.
        start: Step of the text at which it begins.
        depth: Layer, counted from 0.
        way: Direction, 0 or 1.
    """
    stretch, dtype = reading.stretches[piece], precision(reading.stretches)
    span = slice(start, start + len(stretch))
    own, row = states[way], depth * len(states) + way
    below = [of_way.hidden[depth - 1, span] for of_way in states] if depth else []
    return Layer(
        kind=cells.kind(reading.module),
        weights=cells.weights(stretch.weights.tensors, depth, bool(way), dtype, stretch.output.dtype),
        x=stretch.input.to(dtype) if not below else below[0] if len(below) == 1 else torch.cat(below, 1),
        hidden=own.hidden[depth, span],
        cell=None if own.cell is None else own.cell[depth, span],
        first=[state[0, row] for state in stretch.before],
        reverse=bool(way),
        restarts=stretch.restarts(row),
    )
