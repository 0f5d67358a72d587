"""Copies of every call of a recurrent module, and the selection of one sequence of a batch from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from explorer.errors import RecordingError
from explorer.recording.cells import is_cell, kind
from explorer.recording.used_weights import UsedWeights

State = tuple[Tensor, ...]
Steps = Tensor | PackedSequence


def copied(value: Steps) -> Steps:
    """A copy that shares nothing with the model: what a caller does to an output in place cannot reach it."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    return PackedSequence(value.data.detach().clone(), *value[1:])


@dataclass(eq=False)
class Ran:
    """What a module held in one call in which states or gates were changed on the way, so that it cannot be replayed.

    One entry for each layer and direction, in torch's order: the state before the first step, each [batch, width]; states, each
    [time, batch, width], and gates by name, [time, batch, unit]; and whether the state was changed, bool [time].
    `lengths`: of the rows of a packed call, [batch].
    """

    lengths: Tensor | None
    initial: list[State] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    gates: list[dict[str, Tensor]] = field(default_factory=list)
    changed: list[np.ndarray] = field(default_factory=list)

    def add(self, initial: State, steps: Sequence[tuple[State, dict[str, Tensor]]], changed: Sequence[bool]) -> None:
        """Add a layer from its states and gates at every step."""
        states, gates = zip(*steps, strict=True) if steps else ((), ())
        self.initial.append(tuple(part.detach() for part in initial))
        self.states.append(tuple(torch.stack(parts).detach().cpu() for parts in zip(*states, strict=True)))
        self.gates.append({name: torch.stack([of_step[name] for of_step in gates]).detach().cpu() for name in (gates[0] if gates else ())})
        self.changed.append(np.array(changed, bool))

    def time(self, row: int) -> int:
        """Steps of a row of the batch."""
        return int(self.lengths[row]) if self.lengths is not None else len(self.changed[0])


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a recurrent module, as it was: input, state before (None: zeros), output, state after.

    `weights` are those that it used; `training` tells whether dropout was on; `autocast` is the precision that torch.autocast
    computed in, None where it was off; `ran`, what it held where it cannot be replayed.
    """

    input: Steps
    before: State | None
    output: Steps
    after: State
    weights: UsedWeights
    training: bool
    autocast: torch.dtype | None = None
    ran: Ran | None = None

    @classmethod
    def heard(cls, module: nn.Module, args: tuple, kwargs: dict, result, weights: UsedWeights) -> "Call":
        """Copy what a forward hook sees.

        Raises:
            TypeError: it is not what torch's own modules return.
        """
        if not is_cell(module) and not (isinstance(result, tuple) and len(result) == 2):
            raise TypeError(f"a {type(result).__name__} came back")
        given = dict(zip(("input", "hx"), args, strict=False)) | kwargs
        output, after = (result if isinstance(result, Tensor) else result[0], result) if is_cell(module) else result
        before = given.get("hx")
        return cls(
            input=copied(given["input"]),
            before=None if before is None else _state(before),
            output=copied(output),
            after=_state(after),
            weights=weights,
            training=module.training,
            autocast=autocast_of((output.data if isinstance(output, PackedSequence) else output).device.type),
            ran=getattr(getattr(module, "ran", None), "last", None),
        )

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the numbers that came out, real also where they are complex; that of the state beside an output of whole numbers."""
        is_number = self._output.is_floating_point() or self._output.is_complex()
        return (self._output if is_number else self.after[0]).dtype.to_real()

    @property
    def computed_in(self) -> torch.dtype:
        """The coarsest precision on the way, which decides how exact a replay can be: autocast may give float32 back."""
        return self.dtype if self.autocast is None or self.dtype == torch.float64 else self.autocast

    @property
    def is_cuda(self) -> bool:
        """Whether it ran on a GPU, whose arithmetic may be coarser."""
        return self._output.is_cuda

    @property
    def _output(self) -> Tensor:
        return self.output.data if isinstance(self.output, PackedSequence) else self.output


def autocast_of(device: str) -> torch.dtype | None:
    """The precision that torch.autocast computes in on a device at this moment; None where it is off."""
    on = torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
    return torch.get_autocast_dtype(device) if on else None


def _state(state: Tensor | State) -> State:
    return tuple(part.detach().clone() for part in ((state,) if isinstance(state, Tensor) else state))


@dataclass(frozen=True, eq=False)
class Stretch:
    """One sequence as the module read it, in one or more calls.

    input [time, feature], output [time, direction * state]; `starts`: the step at which each call began;
    `before` and `after`: hidden (and cell) state at its two ends, each [call, layer * direction, state];
    `weights`: those that its calls used;
    `breaks`: the calls, counted from 0, that did not start from the state in which the one before ended.
    """

    input: Tensor
    output: Tensor
    starts: tuple[int, ...]
    before: State
    after: State
    weights: UsedWeights
    breaks: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.input)

    def restarts(self, row: int) -> dict[int, tuple[Tensor, ...]]:
        """The states from which the breaks started, by step: of one row of layer * direction, each [state]."""
        return {self.starts[call]: tuple(states[call, row] for states in self.before) for call in self.breaks}

    @property
    def longest(self) -> int:
        """Steps of the longest call: between its steps the module's state was never returned."""
        return max(later - start for start, later in zip(self.starts, (*self.starts[1:], len(self)), strict=True))


@dataclass(frozen=True, eq=False)
class Reading:
    """One sequence as one recurrent module read it: `path` names a direction, `name` the module.

    One call after the other: its number, the row of the batch in which the sequence sat, and how it began; and the stretches
    they make. `carried`: whether each step got the state of the one before it, bool [time].
    """

    path: str
    name: str
    module: nn.Module
    calls: Sequence[Call]
    numbers: Sequence[int]
    rows: Sequence[int]
    stretches: Sequence[Stretch]
    carried: np.ndarray

    @property
    def reverse(self) -> bool:
        """Whether this direction reads from the end."""
        return self.path != self.name

    def at(self, step: int) -> tuple[Stretch, int]:
        """The stretch in which a step of the sequence lies, and its place in it."""
        starts = np.cumsum([0, *map(len, self.stretches)])
        piece = int(np.searchsorted(starts, step, "right")) - 1
        return self.stretches[piece], step - int(starts[piece])


def stretch(module: nn.Module, call: Call, row: int, path: str) -> Stretch:
    """One row of the batch of one call, on the CPU; all in the precision it ran in, which autocast makes coarser than its input.

    Raises:
        RecordingError: there is no such row.
    """
    batch = batch_size(module, call)
    if not 0 <= row < batch:
        raise RecordingError(no_row(row, batch, f"'{path}'"))
    before = call.before or tuple(torch.zeros_like(state) for state in call.after)
    read = row_steps(module, call.input, row)
    return Stretch(
        input=read.to(call.dtype.to_complex() if read.is_complex() else call.dtype),
        output=row_steps(module, call.output, row),
        starts=(0,),
        before=tuple(row_state(module, state, row).to(call.dtype) for state in before),
        after=tuple(row_state(module, state, row).to(call.dtype) for state in call.after),
        weights=call.weights,
    )


def no_row(row: int, batch: int, reader: str) -> str:
    """The error message where the batch that a module or a call read has no such row."""
    if not batch:
        return f"{reader} read an empty batch: there is no sequence in it."
    has = "one sequence: its index is 0" if batch == 1 else f"a batch of {batch}: choose an index from 0 to {batch - 1}"
    return f"index is {row}, but {reader} read {has}."


def batch_size(module: nn.Module, call: Call) -> int:
    """Number of sequences that a call read side by side."""
    if isinstance(call.input, PackedSequence):
        return int(call.input.batch_sizes[0])
    if is_cell(module):
        return 1 if call.input.ndim == 1 else len(call.input)
    return 1 if call.input.ndim == 2 else call.input.shape[0 if module.batch_first else 1]


def row_steps(module: nn.Module, values: Steps, row: int) -> Tensor:
    """[time, feature] of one row of an input or output, however the batch is laid out; on the CPU."""
    if isinstance(values, PackedSequence):
        return _unpacked(values, row).cpu()
    if is_cell(module):
        return (values if values.ndim == 1 else values[row]).unsqueeze(0).cpu()
    if values.ndim == 2:
        return values.cpu()
    return (values[row] if module.batch_first else values[:, row]).cpu()


def _unpacked(packed: PackedSequence, row: int) -> Tensor:
    return packed.data[packed_places(packed, row)]


def packed_places(packed: PackedSequence, row: int) -> Tensor:
    """Where the steps of one row lie in the data of a packed sequence, [time]."""
    # Step t of the packed data begins where the longer rows of all earlier steps end.
    column = row if packed.unsorted_indices is None else int(packed.unsorted_indices[row])
    sizes = packed.batch_sizes
    starts = torch.cumsum(sizes, 0) - sizes
    return (starts[sizes > column] + column).to(packed.data.device)


def row_state(module: nn.Module, state: Tensor, row: int) -> Tensor:
    """[1, layer * direction, state] of one row of a state; on the CPU."""
    alone = state.ndim == (1 if is_cell(module) else 2)
    picked = state if alone else state.select(0 if is_cell(module) else 1, row)
    return (picked.unsqueeze(0) if is_cell(module) else picked).unsqueeze(0).cpu()


def every_row_state(module: nn.Module, state: State) -> State:
    """A state of all rows, each [row, layer * direction, state]; on the CPU."""
    axis = 0 if is_cell(module) else 1
    batched = [part if part.ndim == axis + 2 else part.unsqueeze(axis) for part in state]
    return tuple((part.unsqueeze(1) if is_cell(module) else part.transpose(0, 1)).cpu() for part in batched)


def joined(stretches: Sequence[Stretch], breaks: Sequence[int] = ()) -> Stretch:
    """Several calls with the same weights as one stretch; `breaks`: those that did not start where the one before ended."""
    if len(stretches) == 1:
        return stretches[0]
    starts, total = [], 0
    for piece in stretches:
        starts.append(total)
        total += len(piece)
    return Stretch(
        input=torch.cat([piece.input for piece in stretches]),
        output=torch.cat([piece.output for piece in stretches]),
        starts=tuple(starts),
        before=tuple(torch.cat(states) for states in zip(*(piece.before for piece in stretches), strict=True)),
        after=tuple(torch.cat(states) for states in zip(*(piece.after for piece in stretches), strict=True)),
        weights=stretches[0].weights,
        breaks=tuple(breaks),
    )


def directions(module: nn.Module) -> int:
    """2 where the module also reads from the end, else 1."""
    return 2 if getattr(module, "bidirectional", False) else 1


def layers(module: nn.Module) -> int:
    """How many layers are stacked in it."""
    return getattr(module, "num_layers", 1)


def fused(module: nn.Module, weights: UsedWeights, x: Tensor, before: State, layer: int) -> Tensor:
    """Output of one layer alone, both directions, [time, batch, direction * state]: torch's own kernel, dropout off.

    x is the layer's input [time, batch, feature]; before, its first states, each [direction, batch, state].
    """
    flat = [weights.tensors[name].detach().to("cpu", x.dtype) for name in _names(module, layer)]
    call = {"lstm": torch.lstm, "gru": torch.gru, "tanh": torch.rnn_tanh, "relu": torch.rnn_relu}[kind(module)]
    first = [state.contiguous() for state in before]
    return call(x, tuple(first) if len(first) > 1 else first[0], flat, module.bias, 1, 0.0, False, module.bidirectional, False)[0]


def _names(module: nn.Module, layer: int) -> list[str]:
    names = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if module.bias else []), *(["weight_hr"] if module.proj_size else [])]
    suffixes = [f"_l{layer}", *([f"_l{layer}_reverse"] if module.bidirectional else [])]
    return [name + suffix for suffix in suffixes for name in names]
