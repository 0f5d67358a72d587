"""A recurrent module run step by step by its own equations, so that a state or a gate can be changed at any step.

torch's kernels read a whole text in one call and cannot be entered. Here each step is a few tensor operations, of which autograd
gives the gradient. Most of the time goes into the matrix products, as in the kernels.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, linear
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from explorer.errors import InterventionError
from explorer.recording.calls import Ran, directions, layers
from explorer.recording.cells import GATES, is_cell, kind
from explorer.recording.listener import is_recording

State = tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class Edit:
    """What is done to one part of one layer and direction: value = scale * value + shift.

    Args:
        layer: Counted from 0.
        reverse: Whether it is the direction that reads from the end.
        part: "cell", "hidden" or a gate.
        scale, shift: [time or 1, batch or 1, unit] each: for each step or for all, for each row of a batch or for all.
        steps: Steps at which it is done, counted from 0 over all calls; None: all.
        holds: Whether it is one value at all steps, which the first state has too.
        name: What the shift is called in errors, "value" or "shift".
    """

    layer: int
    reverse: bool
    part: str
    scale: Tensor
    shift: Tensor
    steps: frozenset[int] | None = None
    holds: bool = False
    name: str = "shift"

    def acts(self, step: int) -> bool:
        """Whether something is done at a step."""
        return self.steps is None or step in self.steps

    def of(self, values: Tensor, step: int) -> Tensor:
        """The changed values of a step, [batch, unit]; a gate stays in its range."""
        if not self.acts(step):
            return values
        changed = values * self._at("scale", self.scale, step) + self._at(self.name, self.shift, step)
        return changed if self.part in ("cell", "hidden") else changed.clamp(-1.0 if self.part == "candidate" else 0.0, 1.0)

    @staticmethod
    def _at(name: str, rows: Tensor, step: int) -> Tensor:
        if len(rows) > 1 and step >= len(rows):
            raise InterventionError(f"{name} has {len(rows)} rows, one for each step, but step {step} was read. Give a row for it too.")
        return rows[step if len(rows) > 1 else 0]


class _PerThread(threading.local):
    """Values of each thread alone; a copy starts empty."""

    def __reduce__(self) -> tuple:
        return _PerThread, ()


class Edited:
    """What the copy of a recurrent module has beside the class of the module: edits, and a forward that carries them out."""

    edits: tuple[Edit, ...]
    clock: int  # steps read so far
    ran: _PerThread  # what the last call held, where a recording listens

    def forward(self, input: Any, hx: Any = None) -> Any:
        """As torch's own."""
        given = _Given.of(self, input, hx)
        output, last, ran = _run(self, given)
        self.clock += len(given.x)
        self.ran.last = ran if is_recording() else None
        return given.as_torch(output, last)


@cache
def _edited_class(own: type) -> type:
    return type(own.__name__, (Edited, own), {"__module__": own.__module__})  # a recording finds it at the path of its own class


def edit(twin: Any, added: Edit) -> None:
    """Let a copy of a recurrent module run with one more edit.

    Raises:
        InterventionError: the module has a forward of its own.
    """
    if isinstance(twin, Edited):
        twin.edits = (*twin.edits, added)
    elif type(twin).forward in {family.forward for family in (nn.LSTM, nn.GRU, nn.RNN, nn.LSTMCell, nn.GRUCell, nn.RNNCell)}:
        twin.__class__ = _edited_class(type(twin))
        twin.edits = (added,)
    else:
        raise InterventionError(f"{type(twin).__name__} has a forward of its own; only torch's own equations can be run with a change.")
    twin.clock, twin.ran = 0, _PerThread()


@dataclass(frozen=True, eq=False)
class _Given:
    """Arguments of a call, in one layout: x [time, batch, feature], states [layer * direction, batch, width] each."""

    x: Tensor
    states: State
    lengths: Tensor | None
    as_torch: Callable[[Tensor, State], Any]

    @classmethod
    def of(cls, module: Any, values: Any, hx: Any) -> "_Given":
        state = () if hx is None else tuple(hx) if isinstance(hx, tuple | list) else (hx,)
        if is_cell(module):
            x = values.reshape(1, -1, values.shape[-1])
            states = tuple(part.reshape(1, -1, part.shape[-1]) for part in state)
            return cls(x, states or _zeros(module, x), None, lambda output, last: _of_cell(module, last, values.ndim))
        if isinstance(values, PackedSequence):
            x, lengths = pad_packed_sequence(values)
            is_sorted = values.sorted_indices is None

            def packed(output: Tensor, last: State) -> Any:
                return pack_padded_sequence(output, lengths, enforce_sorted=is_sorted), _of_layers(module, last)

            return cls(x, state or _zeros(module, x), lengths, packed)
        if values.ndim == 2:
            x = values.unsqueeze(1)
            states = tuple(part.unsqueeze(1) for part in state) or _zeros(module, x)
            alone = lambda output, last: (output.squeeze(1), _of_layers(module, tuple(part.squeeze(1) for part in last)))  # noqa: E731
            return cls(x, states, None, alone)
        x = values.transpose(0, 1) if module.batch_first else values
        batch = lambda output, last: (output.transpose(0, 1) if module.batch_first else output, _of_layers(module, last))  # noqa: E731
        return cls(x, state or _zeros(module, x), None, batch)


def _of_layers(module: nn.Module, last: State) -> Any:
    return last if isinstance(module, nn.LSTM) else last[0]


def _of_cell(module: nn.Module, last: State, axes: int) -> Any:
    parts = tuple(part[0, 0] if axes == 1 else part[0] for part in last)
    return parts if isinstance(module, nn.LSTMCell) else parts[0]


def _zeros(module: Any, x: Tensor) -> State:
    rows, widths = layers(module) * directions(module), [getattr(module, "proj_size", 0) or module.hidden_size]
    widths += [module.hidden_size] if kind(module) == "lstm" else []
    return tuple(x.new_zeros(rows, x.shape[1], width) for width in widths)


def _run(module: Any, given: _Given) -> tuple[Tensor, State, Ran]:
    """Output [time, batch, direction * width], last states [layer * direction, batch, width] each, and what every layer held."""
    x, last, ran = given.x, [], Ran(given.lengths)
    for layer in range(layers(module)):
        if layer and module.training:
            x = dropout(x, module.dropout)
        outputs = []
        for way in range(directions(module)):
            one = _Layer(module, layer, bool(way), module.clock)
            state = one.first(tuple(part[layer * directions(module) + way] for part in given.states))
            hidden, after = one.read_once(x, state, ran) if given.lengths is None else one.read(x, state, given.lengths, ran)
            outputs.append(hidden)
            last.append(after)
        x = torch.cat(outputs, -1)
    return x, tuple(torch.stack(parts) for parts in zip(*last, strict=True)), ran


@dataclass
class _Layer:
    """One layer of one direction, with its weights and edits."""

    module: Any
    layer: int
    reverse: bool
    clock: int
    edits: list[Edit] = field(init=False)
    weights: Mapping[str, Tensor | None] = field(init=False)

    def __post_init__(self) -> None:
        self.kind = kind(self.module)
        self.edits = [one for one in self.module.edits if (one.layer, one.reverse) == (self.layer, self.reverse)]
        suffix = "" if is_cell(self.module) else f"_l{self.layer}{'_reverse' if self.reverse else ''}"
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        self.weights = {name: getattr(self.module, name + suffix, None) for name in names}

    def first(self, state: State) -> State:
        """The first state, with what is held from the beginning."""
        for one in self.edits:
            if one.holds and one.part in ("cell", "hidden"):
                index = int(one.part == "cell")
                state = tuple(part * one.scale[0] + one.shift[0] if where == index else part for where, part in enumerate(state))
        return state

    def read_once(self, x: Tensor, state: State, ran: Ran) -> tuple[Tensor, State]:
        """As `read`. A layer without an edit that reads the same in every row, from the same state, reads it once."""
        if self.edits or is_recording() or not _are_alike(x, *state):
            return self.read(x, state, None, ran)
        hidden, after = self.read(x[:, :1], tuple(part[:1] for part in state), None, ran)
        return hidden.expand(-1, x.shape[1], -1), tuple(part.expand(x.shape[1], -1) for part in after)

    def read(self, x: Tensor, state: State, lengths: Tensor | None, ran: Ran) -> tuple[Tensor, State]:
        """Hidden states [time, batch, width] and the last state of x [time, batch, feature]; what was held is added to `ran`."""
        w = self.weights
        rows: Any = linear(x[:, :1] if _are_alike(x) else x, w["weight_ih"], w["bias_ih"]) if w["weight_ih"] is not None else None
        held: list[tuple[State, dict[str, Tensor]]] = []
        before = state
        for time in range(len(x))[:: -1 if self.reverse else 1]:
            new, gates = self.step(rows[time], state, self.clock + time)
            if lengths is not None:  # a row that has ended, or has not begun from the end, waits
                alive = (lengths > time).to(x.device).unsqueeze(1)
                new = tuple(torch.where(alive, now, old) for now, old in zip(new, state, strict=True))
            state = new
            held.append((state, gates))
        held = held[::-1] if self.reverse else held
        hidden = torch.stack([states[0] for states, _ in held]) if held else x.new_zeros(0, x.shape[1], before[0].shape[-1])
        changed = [any(one.part in ("cell", "hidden") and one.acts(self.clock + time) for one in self.edits) for time in range(len(x))]
        if is_recording():
            ran.add(before, held, changed)
        if lengths is not None:
            alive = torch.arange(len(x))[:, None] < lengths
            hidden = hidden * alive.to(hidden).unsqueeze(2)
        return hidden, state

    def step(self, row: Tensor, state: State, step: int) -> tuple[State, dict[str, Tensor]]:
        """State after one step and its gates, each [batch, unit]; row [batch, gate * unit] is what the input adds inside the gates."""
        h, back = state[0], linear(state[0], self.weights["weight_hh"], self.weights["bias_hh"])  # type: ignore[arg-type]
        names = GATES[self.kind]
        gate: dict[str, Tensor] = {}
        sums = dict(zip(names, (row if self.kind == "gru" else row + back).chunk(len(names), -1), strict=True))
        fed = dict(zip(names, back.chunk(len(names), -1), strict=True)) if self.kind == "gru" else {}
        for name in names:
            if name == "candidate":
                inside = sums[name] + gate["reset"] * fed[name] if fed else sums[name]
                gate[name] = torch.relu(inside) if self.kind == "relu" else torch.tanh(inside)
            else:
                gate[name] = torch.sigmoid(sums[name] + fed[name] if fed else sums[name])
            gate[name] = self.changed(name, gate[name], step)
        if self.kind == "lstm":
            cell = self.changed("cell", gate["forget"] * state[1] + gate["input"] * gate["candidate"], step)
            shown, projection = gate["output"] * torch.tanh(cell), self.weights["weight_hr"]
            h = shown if projection is None else linear(shown, projection)
            return (self.changed("hidden", h, step), cell), gate
        new = torch.lerp(gate["candidate"], h, gate["update"]) if self.kind == "gru" else gate["candidate"]
        return (self.changed("hidden", new, step),), gate

    def changed(self, part: str, values: Tensor, step: int) -> Tensor:
        """Values [batch, unit] of a part, after the edits of it."""
        for one in self.edits:
            if one.part == part:
                values = one.of(values, step)
        return values


def _are_alike(*parts: Tensor) -> bool:
    """Whether all rows of a batch [..., batch, width] are the same, so that one stands for all: many interventions on one text.

    Not where gradients are recorded, which each row has of its own.
    """
    return not torch.is_grad_enabled() and parts[0].shape[-2] > 1 and all(bool((part == part[..., :1, :]).all()) for part in parts)


def steps_of(steps: slice | Sequence[int] | int | None, path: str) -> frozenset[int] | None:
    """Steps as a set.

    Raises:
        InterventionError: one is negative, or a slice has no end.
    """
    if steps is None:
        return None
    if isinstance(steps, slice):
        if steps.stop is None or steps.stop < 0 or (steps.start or 0) < 0:
            raise InterventionError(
                f"steps is {steps}; the number of steps is not known before '{path}' is called: give both ends, from 0."
            )
        return frozenset(range(*steps.indices(steps.stop)))
    chosen = [steps] if isinstance(steps, int) else list(steps)
    if any(step < 0 for step in chosen):
        raise InterventionError(f"steps has {min(chosen)}; steps are counted from 0.")
    return frozenset(map(int, chosen))
