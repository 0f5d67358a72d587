"""Calls of cells that torch does not know: modules that get a state and return it, and classes whose step is registered.

A module that is called with (input, state), returns a state of the same shapes and gets it back the next time is a cell.
Its calls are kept like those of nn.GRUCell, each state [batch, unit] with further axes flattened; those of a layer that reads
a whole sequence like those of nn.GRU.
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from explorer.recording.autograd_edges import Edges, anchor
from explorer.recording.calls import Call, autocast_of
from explorer.recording.layouts import CellLayout, SequenceLayout
from explorer.recording.used_weights import of_parameters
from explorer.steps import Layout, Step

# Names that people give to the parameter that holds the state.
STATE_NAMES = {"h", "hx", "hc", "h_0", "h_prev", "h_t", "hidden", "hidden_state", "prev_hidden", "prev_state", "state", "states", "carry"}

Leaves = list[Tensor | None]  # the tensors of nested tuples in order, None for anything else in them


@dataclass(frozen=True, eq=False)
class _WaitingCall:
    """One call of one step: its input, copies of all that it returned, and where they lie in autograd's graph."""

    input: Tensor
    returned: Leaves
    places: "_Places"
    settings: tuple


@dataclass(eq=False)
class CustomCell:
    """The calls of one module of an unknown class.

    Args:
        module: The module.
        step: Its registered step, or None.
        calls: What was heard.
        edges: Places of the states of each call in the graph, where gradients are wanted.
        unseen: Why autograd does not see the state that a call returned, by the number of the call.
        refused: Why a call could not be kept.
        is_cell: Whether it got back a state that it had returned, or its step is registered.
        first: Index of the first state among the tensors that it returns; None while that is not known.
        batches: Axis of the batch in each state, None where there is no batch.
        is_complex: Whether each state is complex.
    """

    module: nn.Module
    step: Step | None
    calls: list[Call] = field(default_factory=list)
    edges: list[Edges] = field(default_factory=list)
    unseen: dict[int, str] = field(default_factory=dict)
    refused: str = ""
    is_cell: bool = False
    first: int | None = None
    batches: tuple[int | None, ...] = ()
    is_complex: tuple[bool, ...] = ()
    _waiting: _WaitingCall | None = None
    _results: list[Any] = field(default_factory=list)

    @property
    def reads(self) -> Layout | None:
        """The axes of the sequences it reads; None where it takes one step a call."""
        return None if self.step is None else self.step.reads

    @property
    def layout(self) -> nn.Module:
        """Stands for the module where the axes of its calls are read."""
        return CellLayout() if self.reads is None else SequenceLayout()

    def add(self, args: tuple, kwargs: dict, result: Any, gradients: bool) -> Any:
        """Keep one call if it may be that of a cell; returns what the caller shall see instead of the result, None for the same.

        Raises:
            ValueError: a layer with a registered step was called in a way that the step does not know.
        """
        given = [*args, *kwargs.values()]
        if self.reads is not None:
            return self._add_sequence(self.reads, given, result, gradients)
        if not given or not isinstance(given[0], Tensor):
            return None
        state = [value for value in given[1:] if value is not None and not isinstance(value, bool | int | float | str)]
        first = self._first_state(given[0], leaves(state), result)
        if first is None and (state or all(batch_axis(leaf, given[0]) == NO_STATE for leaf in leaves(result))):
            return None
        before = self.flat(copies(leaves(state))) if first is not None and leaves(state) else None
        if first is not None:
            if self._waiting is not None:
                self._keep(self._waiting, first, None)
            self._waiting = None
            self.is_cell = self.is_cell or self._is_fed(before)
        shown, places = self._anchored(given, result) if gradients else (None, _Places())
        heard = _WaitingCall(given[0].detach().clone(), copies(leaves(result)), places, settings(self.module, result))
        if first is None:
            self._waiting = heard  # the first step, from no state: the next one shows which of the results it is
        else:
            self._keep(heard, first, before)
        return shown

    def _anchored(self, given: Sequence[Any], result: Any) -> tuple[Any, "_Places"]:
        """The result as the caller shall see it, and its places in the graph.

        A state that shares its memory with the one before is handed on itself: a copy would part what the caller changes in place.
        What may be no cell after all is left alone wherever it returns what it was given or keeps, or what has no graph.
        """
        if self.is_cell or self.step is not None or STATE_NAMES.intersection(parameters(self.module)[1:2]):
            shared = memory_of(leaves(given[1:]))
            return _anchored(result, lambda leaf: not memory_of([leaf]) & shared, GIVEN_BACK)
        shared = memory_of(leaves(given)) | memory_of(kept_by(self.module))
        return _anchored(result, lambda leaf: leaf.requires_grad and not memory_of([leaf]) & shared, UNKNOWN)

    def _first_state(self, x: Tensor, state: Leaves, result: Any) -> int | None:
        """Where the states begin among the tensors of a result: at the first, or after the output; None where they are not there."""
        returned = leaves(result)
        after_output = len(leaves(result[0])) if isinstance(result, tuple | list) and len(result) > 1 else None
        for first in (0, after_output):
            last = returned[first:] if first is not None else []
            count = len(self.step.states) if self.step is not None else 0
            fits = shapes(last) == shapes(state) if state else first == self.first or len(last) == count
            if last and fits and NO_STATE not in (axes := [batch_axis(leaf, x) for leaf in last]):
                self.batches, self.is_complex = tuple(axes), tuple(leaf is not None and leaf.is_complex() for leaf in last)
                return first
        return None

    def _keep(self, heard: _WaitingCall, first: int, before: tuple[Tensor, ...] | None) -> None:
        after = self.flat(heard.returned[first:])
        self.is_cell = self.is_cell or self.step is not None
        self.first = first if self.is_cell else None
        shown = heard.returned[0]
        output = after[0] if not first or shown is None else shown.reshape((*after[0].shape[:-1], -1))
        x = heard.input.flatten() if after[0].ndim == 1 else heard.input.reshape(len(after[0]), -1)
        self.calls.append(Call(x, before, output, after, *heard.settings))
        if heard.places.left_alone.intersection(range(first, len(heard.returned))):
            self.unseen[len(self.edges)] = heard.places.why
        self.edges.append(Edges(None, heard.places.edges(first)))

    def flat(self, states: Leaves) -> tuple[Tensor, ...]:
        """Each state as [batch, unit], or [unit] without a batch; a complex number becomes two real ones side by side."""
        return tuple(flat(state, axis) for state, axis in zip(states, self.batches, strict=True) if state is not None)

    def numbers(self, index: int, state: Tensor) -> Tensor:
        """One state [..., unit] as the module has it: where it is complex, made of its pairs again."""
        is_complex = self.is_complex[index : index + 1] == (True,)
        return torch.view_as_complex(state.unflatten(-1, (-1, 2)).contiguous()) if is_complex else state

    def _is_fed(self, before: tuple[Tensor, ...] | None) -> bool:
        """Whether a state that was returned is given back, in the rows that both calls have; or its parameter is named after it."""
        if before is None or not self.calls:
            return False
        last, now = self.calls[-1].after[0], before[0]
        rows = slice(None if now.ndim == 1 else min(len(now), len(last)))
        is_same = now[rows].shape == last[rows].shape and torch.equal(now[rows], last[rows])
        return is_same or (now.ndim <= 2 and bool(STATE_NAMES.intersection(parameters(self.module)[1:2])))

    def _add_sequence(self, reads: Layout, given: Sequence[Any], result: Any, gradients: bool) -> Any:
        x, before = reads.given(self.module, given)
        output, after = reads.returned(self.module, result)
        unknown = output.new_full((1, len(x), 1), float("nan"))  # a state that was not returned

        def kept(state: Sequence[Tensor]) -> tuple[Tensor, ...]:
            return tuple(flat(part, 0).detach().clone().unsqueeze(0) for part in state)

        self.is_complex = tuple(part.is_complex() for part in after or before or ())
        ends = kept(after) if after else (unknown,) * len(self.step.states if self.step is not None else ())
        start = kept(before) if before else None
        self.is_cell = True
        self.calls.append(Call(x.detach().clone(), start, output.detach().clone(), ends, *settings(self.module, result)))
        shown, places = self._anchored(given, result) if gradients else (None, _Places())
        self.edges.append(Edges(None, tuple(places.own)))
        self._results.append(mapped(result, lambda leaf: leaf.detach().to("meta")) if gradients else None)
        return shown

    def rebuilt(self, call: int, values: Sequence[Tensor | None]) -> Any:
        """The result of a call of a layer, made of other tensors of the same shapes, zeros for None."""
        in_order = iter(values)

        def other(leaf: Tensor) -> Tensor:
            value = next(in_order)
            return torch.zeros_like(leaf, device="cpu") if value is None else value

        return mapped(self._results[call], other)


def parameters(module: nn.Module) -> list[str]:
    """Names of what a module's forward takes; empty where Python cannot say."""
    try:
        return list(inspect.signature(module.forward).parameters)
    except (TypeError, ValueError):
        return []


def leaves(value: Any) -> Leaves:
    """The tensors in nested tuples and lists, in order; anything else in them is None."""
    if isinstance(value, tuple | list):
        return [leaf for part in value for leaf in leaves(part)]
    return [value if isinstance(value, Tensor) else None]


def mapped(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """The same nested tuples and lists with every tensor [...] changed."""
    if isinstance(value, tuple | list):
        parts = [mapped(part, change) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return change(value) if isinstance(value, Tensor) else value


def copies(values: Leaves) -> Leaves:
    """Copies, each [...], that share nothing with the model."""
    return [None if value is None else value.detach().clone() for value in values]


def shapes(values: Leaves) -> list[torch.Size | None]:
    """Shape of each tensor [...]."""
    return [None if value is None else value.shape for value in values]


NO_STATE = -1

# Why autograd does not see a state.
GIVEN_BACK = "it is the very tensor that the module was given, which has no graph. Return a new one"
UNKNOWN = "it had no graph, and nothing showed yet that the module is a cell. Name its second argument state, or register its step"


def batch_axis(value: Tensor | None, x: Tensor) -> int | None:
    """Axis of the batch in what may be a state after one step that read x; None for a state without a batch, NO_STATE if it is none.

    States are numbers with a gradient, [unit] or [batch, ...]; where x is a sequence of one step, [1, batch, feature] or
    [batch, 1, feature], also [layer, batch, unit].
    """
    if value is None or not (value.is_floating_point() or value.is_complex()) or not value.ndim:
        return NO_STATE
    if value.ndim == 1:
        return None
    if x.ndim != 3:
        return 0 if x.ndim and len(value) == len(x) else NO_STATE
    if 1 not in x.shape[:2]:
        return NO_STATE
    batch = x.shape[1] if len(x) == 1 else len(x)
    return 1 if value.ndim == 3 and value.shape[1] == batch else 0 if len(value) == batch else NO_STATE


def flat(state: Tensor, axis: int | None) -> Tensor:
    """[unit] or [batch, unit] of a state whose batch lies on some axis."""
    state = torch.view_as_real(state) if state.is_complex() else state
    return state.flatten() if axis is None else state.movedim(axis, 0).flatten(1)


def settings(module: nn.Module, result: Any) -> tuple:
    """What a Call keeps besides tensors: its weights, whether it was in training mode, precision of autocast."""
    device = next((leaf.device.type for leaf in leaves(result) if leaf is not None), "cpu")
    return of_parameters(module), module.training, autocast_of(device)


@dataclass(frozen=True, eq=False)
class _Places:
    """Where the tensors of a result lie in the graph: each by itself, and the one that several are copies of."""

    own: list[GradientEdge | None] = field(default_factory=list)
    shared: list[GradientEdge | None] = field(default_factory=list)
    left_alone: set[int] = field(default_factory=set)  # tensors that have no place, though torch kept a graph
    why: str = ""

    def edges(self, first: int) -> tuple[GradientEdge | None, ...]:
        """Place of each tensor where the states begin with the first: a state that is also the output has what reaches both.

        Two states that are one tensor are two all the same: the next step is given both.
        """
        outputs = [edge for edge in self.shared[:first] if edge is not None]
        pairs = zip(self.own, self.shared, strict=True)
        return tuple(shared if index >= first and shared in outputs else own for index, (own, shared) in enumerate(pairs))


def memory_of(values: Iterable[Tensor | None]) -> set[int]:
    """Where the memory of some tensors, each [...], begins; a sparse one has no memory of its own that another could share."""
    return {value.untyped_storage().data_ptr() for value in values if value is not None and value.layout == torch.strided} - {0}


def kept_by(module: nn.Module) -> list[Tensor]:
    """The tensors, each [...], that a module and those inside it hold as attributes."""
    kept = [value for part in module.modules() for value in vars(part).values() if isinstance(value, Tensor)]
    return [*kept, *module.parameters(), *module.buffers()]


def _anchored(result: Any, is_copied: Callable[[Tensor], bool], why: str) -> tuple[Any, _Places]:
    """The result with a node of its own for every tensor that may be copied, and where these are; others are handed on themselves.

    why: the reason that is kept with those which have no graph of their own either.
    """
    tensors = leaves(result)
    if not torch.is_grad_enabled():
        return None, _Places([None] * len(tensors), [None] * len(tensors))
    differentiable = {id(leaf): leaf for leaf in tensors if leaf is not None and (leaf.is_floating_point() or leaf.is_complex())}
    copied = {key: anchor(leaf) for key, leaf in differentiable.items() if is_copied(leaf)}
    itself = {key: (leaf, get_gradient_edge(leaf) if leaf.requires_grad else None) for key, leaf in differentiable.items()}
    shown, places = [], _Places(why=why)
    for at, leaf in enumerate(tensors):
        value, shared = copied.get(id(leaf)) or itself.get(id(leaf)) or (leaf, None)
        is_again = id(leaf) in copied and sum(other is leaf for other in tensors) > 1
        value, own = anchor(value) if is_again and value is not None else (value, shared)
        shown.append(value)
        places.own.append(own)
        places.shared.append(shared)
        if id(leaf) in differentiable and own is None:
            places.left_alone.add(at)
    in_order = iter([value for value in shown if value is not None])
    return mapped(result, lambda leaf: next(in_order)), places
