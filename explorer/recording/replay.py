"""Replaying a recorded sequence: every layer's hidden state, cell state and gates, compared with what the module returned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from explorer.recording import cells
from explorer.recording.calls import Stretch, directions, fused, layers

BLOCK = 500  # steps whose gates are computed together: enough for the matrix product, few enough for the cache


@dataclass(frozen=True, eq=False)
class States:
    """What a path held: hidden, cell and each gate [layer, time, unit]; initial states [layer, unit].

    Layers come first, so that each lies in one piece; a record shows the same memory as [time, layer, unit].
    """

    hidden: Tensor
    cell: Tensor | None
    gates: Mapping[str, Tensor]
    initial: tuple[Tensor, ...]


@dataclass
class Distance:
    """How far a replayed quantity is from the module's own, and how large its values are."""

    error: float = 0.0
    largest: float = 0.0

    def add(self, replayed: Tensor, own: Tensor) -> None:
        """Compare two tensors of one shape, [step, unit]; nan counts as infinitely far."""
        gap = float(torch.linalg.vector_norm(replayed - own, float("inf")))
        self.error = max(self.error, gap if gap == gap else float("inf"))
        self.largest = max(self.largest, float(torch.linalg.vector_norm(own, float("inf"))))

    def rests_on(self, values: Tensor) -> None:
        """Count values [step, unit] that the compared ones are computed from: their rounding is passed on.

        A cell that climbs to 50 and comes back to 1 brings the rounding of 50 along, in torch's own run as in ours.
        """
        self.largest = max(self.largest, float(torch.linalg.vector_norm(values, float("inf"))))


Distances = tuple[Distance, Distance]  # of hidden states, of cell states


def precision(stretches: Sequence[Stretch]) -> torch.dtype:
    """In which precision a sequence is computed again: float64 where it ran in that, else float32."""
    return torch.float64 if stretches[0].output.dtype == torch.float64 else torch.float32


def replay(
    module: nn.Module, stretches: Sequence[Stretch], reverse: bool, chosen: Sequence[int], bare: bool = False
) -> tuple[States, Distances]:
    """States of one direction of a module over one sequence, for the chosen layers, and how far they are from its own.

    A layer is finished before the next one starts, so that only one layer's input and output exist besides the record.
    The states are float32, for a record; `bare` keeps the precision of the replay instead, and no gates.
    """
    kind, time = cells.kind(module), sum(map(len, stretches))
    first = cells.weights(stretches[0].weights.tensors, 0, reverse, precision(stretches) if bare else torch.float32)
    states = _empty(kind, time, len(chosen), first, bare)
    distances, start = (Distance(), Distance()), 0
    for piece in stretches:
        _replay_stretch(_Job(module, piece, reverse, distances), states, chosen, slice(start, start + len(piece)))
        start += len(piece)
    for initial, before in zip(states.initial, stretches[0].before, strict=True):
        initial.copy_(before[0][[layer * directions(module) + reverse for layer in chosen]])
    return states, distances


def _empty(kind: str, time: int, layers: int, w: cells.Weights, bare: bool) -> States:
    def empty(*shape: int) -> Tensor:
        return torch.empty(shape, dtype=w.U.dtype)

    state, unit = w.U.shape[1], w.units
    return States(
        hidden=empty(layers, time, state),
        cell=empty(layers, time, unit) if kind == "lstm" else None,
        gates={} if bare or kind in ("tanh", "relu") else {name: empty(layers, time, unit) for name in cells.GATES[kind]},
        initial=(empty(layers, state), *([empty(layers, unit)] if kind == "lstm" else [])),
    )


@dataclass
class _Job:
    """One stretch of one sequence, to be replayed in one direction."""

    module: nn.Module
    piece: Stretch
    reverse: bool
    distances: Distances
    precision: torch.dtype = field(init=False)

    def __post_init__(self) -> None:
        self.precision = precision([self.piece])

    def row(self, layer: int) -> int:
        """Row of this layer and direction in a state."""
        return layer * directions(self.module) + self.reverse

    def starts(self) -> np.ndarray:
        """Step that each call read first, [call]; a reverse direction is replayed call by call."""
        return np.array([len(self.piece) - 1] if self.reverse else self.piece.starts)

    def ends(self) -> np.ndarray:
        """Step that each call read last, [call]."""
        return np.array([0] if self.reverse else [*self.piece.starts[1:], len(self.piece)]) - (not self.reverse)


def _replay_stretch(job: _Job, states: States, chosen: Sequence[int], span: slice) -> None:
    x, module, many = job.piece.input, job.module, directions(job.module)
    top = layers(module) - 1
    for layer in range(max(chosen) + 1):
        out = job.piece.output if layer == top else _outputs(job, x, layer)
        if layer in chosen:
            width = out.shape[1] // many
            hidden = out[:, job.reverse * width : (job.reverse + 1) * width].to(job.precision)
            _replay_layer(job, layer, x.to(job.precision), hidden, _layer_of(states, chosen.index(layer), span))
        x = out


def _outputs(job: _Job, x: Tensor, layer: int) -> Tensor:
    """Output of one layer, both directions, [time, direction * state]: each part between two breaks from its own state."""
    piece, many = job.piece, directions(job.module)
    firsts = [0, *piece.breaks]  # the call with which each part begins
    starts = np.array([piece.starts[call] for call in firsts])
    lengths = np.diff([*starts, len(piece)])
    before = tuple(states[firsts, layer * many : (layer + 1) * many].transpose(0, 1) for states in piece.before)
    if len(firsts) == 1:
        return fused(job.module, piece.weights, x.unsqueeze(1), before, layer).squeeze(1)
    out: Tensor | None = None
    for length in np.unique(lengths):  # parts of one length side by side, as a batch
        which = np.flatnonzero(lengths == length)
        steps = torch.from_numpy(np.arange(length)[:, None] + starts[which])
        part = fused(job.module, piece.weights, x[steps], tuple(states[:, which] for states in before), layer)
        out = x.new_empty(len(x), part.shape[2]) if out is None else out
        out[steps] = part
    assert out is not None
    return out


def _layer_of(states: States, layer: int, span: slice) -> States:
    """The part of the record that one layer of one stretch fills, each [time, unit]."""
    return States(
        hidden=states.hidden[layer, span],
        cell=None if states.cell is None else states.cell[layer, span],
        gates={name: values[layer, span] for name, values in states.gates.items()},
        initial=(),
    )


def _replay_layer(job: _Job, layer: int, x: Tensor, hidden: Tensor, record: States) -> None:
    """Fill one layer of the record from its input x [time, feature] and its hidden states [time, state]."""
    kind = cells.kind(job.module)
    w = cells.weights(job.piece.weights.tensors, layer, job.reverse, job.precision, job.piece.output.dtype)
    record.hidden.copy_(hidden)
    before = np.empty(0)
    for block in _blocks(len(x), job.reverse):
        h = _shifted(job, layer, hidden, block)
        gates, cell = _room(kind, w, record, block, job.precision)
        cells.fill_gates(kind, w, x[block], h, gates)
        if cell is not None:
            before = _carry(job, layer, block, (gates, cell), before)
            job.distances[0].rests_on(cell)
        job.distances[0].add(cells.new_hidden(kind, w, gates, cell, h), hidden[block])
        _keep(record, block, gates, cell)
    ends = job.ends()
    job.distances[0].add(hidden[ends], job.piece.after[0][:, job.row(layer)].to(job.precision))


def _carry(job: _Job, layer: int, block: slice, room: tuple[dict[str, Tensor], Tensor], before: np.ndarray) -> np.ndarray:
    """Cell states of a block, each call from its own initial state, compared with those that the calls returned."""
    gates, cell = room
    given, own = (states[1][:, job.row(layer)].to(job.precision) for states in (job.piece.before, job.piece.after))
    calls = np.arange(*np.searchsorted(job.starts(), (block.start, block.stop)))
    restarts = {int(job.starts()[call]) - block.start: given[call].numpy() for call in calls}
    steps = range(len(cell) - 1, -1, -1) if job.reverse else range(len(cell))
    written = gates["input"] * gates["candidate"]
    before = cells.carry_cell(written.numpy(), gates["forget"].numpy(), cell.numpy(), steps, before, restarts)
    ended = np.arange(*np.searchsorted(job.ends(), (block.start, block.stop)))
    if len(ended):
        job.distances[1].add(cell[job.ends()[ended] - block.start], own[ended])
    return before


def _blocks(time: int, reverse: bool) -> Iterable[slice]:
    starts = range(0, time, BLOCK)
    return (slice(start, min(start + BLOCK, time)) for start in (reversed(starts) if reverse else starts))


def _shifted(job: _Job, layer: int, hidden: Tensor, block: slice) -> Tensor:
    """Hidden state before each step of a block, [block, state]."""
    row = job.row(layer)
    restarts = {step: states[0] for step, states in job.piece.restarts(row).items()}
    return states_before(hidden, block, job.piece.before[0][0, row], restarts, job.reverse)


def states_before(states: Tensor, block: slice, first: Tensor, restarts: Mapping[int, Tensor], reverse: bool = False) -> Tensor:
    """The state before each step of a block, [block, state], from those after each step, [time, state].

    Args:
        states: After each step, [time, state].
        block: Which steps.
        first: Before the step that was read first, [state].
        restarts: Before the steps that did not get the state of the step before them, each [state].
        reverse: Whether the steps were read from the last to the first; then there are no restarts.
    """
    first = first.to(states.dtype).unsqueeze(0)
    if reverse:
        after = states[block.start + 1 : block.stop + 1]
        return after if block.stop < len(states) else torch.cat([after, first])
    before = states[block.start - 1 : block.stop - 1] if block.start else torch.cat([first, states[: block.stop - 1]])
    here = [step for step in restarts if block.start <= step < block.stop]
    if here:
        before = before.clone()
        before[[step - block.start for step in here]] = torch.stack([restarts[step] for step in here]).to(before.dtype)
    return before


def _room(kind: str, w: cells.Weights, record: States, block: slice, precision: torch.dtype) -> tuple[dict[str, Tensor], Tensor | None]:
    """Where a block's gates and cell are computed: the record itself if its precision is enough and it keeps them."""
    shape = (block.stop - block.start, w.units)
    if precision == torch.float32 and record.gates:
        return {name: values[block] for name, values in record.gates.items()}, None if record.cell is None else record.cell[block]
    gates = {name: torch.empty(shape, dtype=precision) for name in cells.GATES[kind]}
    return gates, torch.empty(shape, dtype=precision) if record.cell is not None else None


def _keep(record: States, block: slice, gates: Mapping[str, Tensor], cell: Tensor | None) -> None:
    """Copy a block into the record, unless it was computed there."""
    for name, values in record.gates.items():
        if gates[name].data_ptr() != values[block].data_ptr():
            values[block].copy_(gates[name])
    if record.cell is not None and cell is not None and cell.data_ptr() != record.cell[block].data_ptr():
        record.cell[block].copy_(cell)
