"""Recording: listen to a module while it runs, and read what its recurrent parts held.

>>> with record(module) as recording:
...     out = module(x)
>>> trace = recording.trace(tokens)
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explorer.errors import RecordingError
from explorer.recording.arrays import Rows, Tokens, array, logits_of, names_of
from explorer.recording.autograd_edges import Edges, anchored, without_cudnn
from explorer.recording.calls import Call, Reading, batch_size, layers, no_row
from explorer.recording.cells import TOLERANCE, is_cell, kind
from explorer.recording.circumstances import CHECKPOINTED, TRANSFORMED, is_checkpointed, is_recomputing, is_transformed
from explorer.recording.custom_cells import CustomCell
from explorer.recording.custom_trace import custom_fields
from explorer.recording.modules import RECURRENT, REVERSE, custom_cells, innermost, listened_to, nothing_recurrent, recurrent_paths
from explorer.recording.replay import Distances, States, replay
from explorer.recording.sequences import Calls, RecordedCall, RecordedSequence, calls_of, reading_of, row_in, sequences_of
from explorer.recording.taps import Heard, Part, alignment, state_paths, state_taps, tapped
from explorer.recording.used_weights import UnseenWeightsError, used_weights, watched
from explorer.records import Alignment, Trace
from explorer.tap import Tap

# Recordings open in this thread or task; a hook of another's recording stays silent here.
_open: ContextVar[tuple["Recording", ...]] = ContextVar("open recordings", default=())

# torch numbers its hooks with a counter that two threads may read at once: one hook would replace the other.
registering = threading.Lock()

# What a module with the name and the class of torch's own, but other arguments, results or weights, makes of a hook.
ODD = (AttributeError, KeyError, TypeError, ValueError, UnseenWeightsError)

NOT_CALLED = "'{path}' was not called inside this recording. Call the model in the `with` block, not its forward()."
COPIED = (
    "'{path}' was not called inside this recording; copies of it were, as nn.DataParallel on several devices, copy.deepcopy and "
    "explorer.intervene make them. Record the copy."
)


@contextmanager
def record(module: nn.Module, gradients: bool = False) -> Iterator["Recording"]:
    """Listen to every recurrent module and every Tap inside `module` while the block runs.

    Afterwards `Recording.trace` gives what torch does not return: the hidden state of every layer, the cell state and every
    gate. Hooks are removed when the block ends, even by an error; several threads may record one module at once.

    Args:
        module: Any nn.Module that contains nn.RNN, nn.LSTM, nn.GRU, one of their cells, or a Tap.
        gradients: Also keep what `gradient_flow` needs: the node of each output in autograd's graph. Parameters may be
            frozen, and the module may be in eval mode: neither is changed.

    Yields:
        The Recording; it fills as the module is called.

    Raises:
        RecordingError: nothing recurrent is inside, or it is scripted, quantised or compiled; the message says what was found.
    """
    recording = Recording(module, gradients)
    handles = []
    try:
        with registering:
            for path, cell in recording.cells.items():
                handles.append(cell.module.register_forward_hook(recording.cell_hook(path), with_kwargs=True, prepend=True))
            for path, part in recording.modules.items():
                # Before the user's own hooks, which may change what the module returned.
                handles.append(part.register_forward_hook(recording.hook(path), with_kwargs=True, prepend=True))
                handles += watched(part, recording.computed[path])
        _open.set((*_open.get(), recording))
        with without_cudnn() if gradients else nullcontext():
            yield recording
    finally:
        _open.set(tuple(other for other in _open.get() if other is not recording))
        with registering:
            for handle in handles:
                handle.remove()


class Recording:
    """Everything recorded while a module ran: made by `record`, read with `trace`, `alignment` and `gradient_flow`.

    Every call is kept as a copy, so later changes of the model's outputs do not reach it.
    """

    def __init__(self, module: nn.Module, gradients: bool = False):
        self.cells = custom_cells(module)
        self.modules = listened_to(module, may_be_none=bool(self.cells))
        self.gradients, self.root = gradients, module
        self.edges: dict[str, list[Edges]] = {path: [] for path, part in self.modules.items() if isinstance(part, RECURRENT)}
        self._calls: dict[str, list[Call]] = {path: [] for path, part in self.modules.items() if isinstance(part, RECURRENT)}
        self.computed: dict[str, dict[str, Tensor]] = {path: {} for path in self.modules}  # weights that parametrisations gave last
        self.without_graph: dict[str, str] = {}  # why a module had no graph, where it is not torch.no_grad()
        self._odd: dict[str, str] = {}
        self._refused: dict[str, str] = {}
        self._copied: set[str] = set()
        self._heard: dict[str, Heard] = {path: Heard(part) for path, part in self.modules.items() if isinstance(part, Tap)}

    @property
    def paths(self) -> tuple[str, ...]:
        """Names of all that can be traced: "rnn", "rnn[reverse]", a cell that was called, or the parent of taps named after states."""
        known = recurrent_paths(self.modules)
        return (*known, *(path for path in innermost(self.cells) if path not in known), *state_paths(self._heard))

    def hook(self, path: str):
        """The forward hook of one module; silent outside the context in which this recording is open, and in copies."""

        # *rest: while another thread removes its hook, torch may call this without the keyword arguments.
        def hook(module: nn.Module, args: tuple, *rest):
            if self not in _open.get() or is_recomputing():
                return None
            if module is not self.modules[path]:  # a copy, as interventions make, brings its hooks along
                self._copied.add(path)
                return None
            kwargs = rest[0] if len(rest) == 2 else {}
            try:
                return self._hear(path, module, args, kwargs, rest[-1])
            except ODD as error:  # reported when a trace is taken, not inside the model's forward
                self._odd[path] = f"{type(error).__name__}: {error}"
            return None

        return hook

    def cell_hook(self, path: str):
        """The forward hook of a module that is, or may turn out to be, a cell of an unknown class."""

        def hook(module: nn.Module, args: tuple, *rest):
            if self not in _open.get() or module is not self.cells[path].module or is_recomputing() or is_transformed(args, rest[-1]):
                return None
            try:
                return self.cells[path].add(args, rest[0] if len(rest) == 2 else {}, rest[-1], self.gradients)
            except (IndexError, RuntimeError, TypeError, ValueError) as error:  # reported when a trace is taken
                self._odd.setdefault(path, f"{type(error).__name__}: {error}")
            return None

        return hook

    @property
    def all_edges(self) -> list[Edges]:
        """Places in autograd's graph of everything that was recorded."""
        taps = [Edges(None, tuple(behind for _, behind in heard.edges)) for heard in self._heard.values()]
        return [edges for of_path in (*self.edges.values(), *(cell.edges for cell in self.cells.values()), taps) for edges in of_path]

    def custom(self, path: str, time: int, index: Rows, calls: Calls = None) -> tuple[CustomCell, Reading] | None:
        """The cell of an unknown class at a path, and what it read; None where torch's own equations hold, or Taps.

        A class derived from torch's is read by torch's equations where they reproduce it.
        """
        if path not in innermost(self.cells):
            return None
        cell = self.cells[path]
        if path in self.modules and path not in self._odd:
            try:
                reading = self.reading(path, time, index, calls)
                self.states(reading, reading.reverse, range(layers(reading.module)))
                return None
            except RecordingError:
                pass
        return cell, self._reading(path, cell.layout, cell.calls, time, index, calls)

    def _hear(self, path: str, module: nn.Module, args: tuple, kwargs: dict, result):
        """Keep one call of a module or a Tap; what takes the place of its result, if anything does."""
        if is_transformed(args, tuple(kwargs.values()), result):
            self._refused[path] = TRANSFORMED.format(path=path)
            if path in self._heard:
                self._heard[path].refused = self._refused[path]
            return None
        if self.gradients and not torch.is_grad_enabled() and is_checkpointed():
            self.without_graph[path] = CHECKPOINTED
        if path in self._heard:
            return self._heard[path].add(result, self.gradients)
        calls = self._calls[path]
        weights = used_weights(module, self.computed[path], calls[-1].weights if calls else None)
        calls.append(Call.heard(module, args, kwargs, result, weights))
        if not self.gradients:
            return None
        shown, edges = anchored(result, is_cell(module))
        self.edges[path].append(edges)
        return shown  # takes the place of the module's own

    def trace(
        self,
        tokens: Tokens,
        path: str | None = None,
        index: Rows = 0,
        logits: Tensor | np.ndarray | None = None,
        vocab: Sequence[str] | None = None,
        layer: int | None = None,
        calls: Calls = None,
    ) -> Trace:
        """Hidden state, cell state and every gate of one path over one sequence.

        What torch does not return is computed again from the recorded inputs, and refused if it does not reproduce the output.

        Args:
            tokens: What was read, one for each step, [time]: characters, words, or the numbers of a time series.
            path: One of `paths`; needed where there are several.
            index: Row of the batch, or one row for each token where rows moved, as in beam search, [time].
            logits: The model's output at each step, [time, vocab], or with a batch axis before or after time.
            vocab: Names of the columns of logits, [vocab].
            layer: Only this layer, counted from 0, which saves memory for a long text. None takes all.
            calls: Which calls of the module the tokens are: one of `sequences()`, a number, a slice or a list of numbers, counted
                from 0 as in `calls()`. Needed where it read several sequences. Several of them make one trace, whose `carried`
                says where a state was reset.

        Returns:
            A Trace of numpy float32, independent of the model.

        Raises:
            RecordingError: the path is unclear, was not called, or read several sequences; the tokens do not fit its steps; the
                replay differs from the module's own output by more than the tolerance of its precision.
            RecordError: the vocab does not fit the logits, or a tapped gate leaves its range.
        """
        path = self.chosen(path)
        names, rows = names_of(tokens), row_in(calls, index, path)
        with torch.inference_mode():
            values = None if logits is None else self._logits(logits, path, rows, len(names))
            if path in state_paths(self._heard):
                held = tapped(self._heard, path, len(names), Part(rows, calls))
            elif (custom := self.custom(path, len(names), rows, calls)) is not None:
                held = custom_fields(*custom)
            else:
                held = self._held(self.reading(path, len(names), rows, calls), layer)
        return Trace(tokens=names, logits=values, vocab=None if vocab is None else tuple(vocab), source=path, **held)

    def _held(self, reading: Reading, layer: int | None) -> dict[str, Any]:
        """The states and gates of a Trace, by field, of one layer or all."""
        states = self.states(reading, reading.reverse, range(layers(reading.module)) if layer is None else [layer])
        hidden = _array(states.hidden)
        # What a plain tanh network proposes is its new state: one array, two names.
        own = {"candidate": hidden} if kind(reading.module) == "tanh" else {}
        return {
            "hidden": hidden,
            "cell": None if states.cell is None else _array(states.cell),
            "gates": own or {name: _array(values) for name, values in states.gates.items()},
            "initial_hidden": states.initial[0].numpy(),
            "initial_cell": states.initial[1].numpy() if len(states.initial) > 1 else None,
            "carried": reading.carried,
        }

    def calls(self, path: str | None = None, index: int = 0) -> tuple[RecordedCall, ...]:
        """Every call of one path: how many steps and rows it read, and from which state the row `index` began.

        Args:
            path: One of `paths`; needed where there are several.
            index: Row of the batch.

        Raises:
            RecordingError: the path is unclear, was not called, or is made of Taps.
        """
        path = self.chosen(path)
        module, heard = self._module(path)
        return calls_of(path.removesuffix(REVERSE), module, heard, index)

    def sequences(self, path: str | None = None, index: int = 0) -> tuple[RecordedSequence, ...]:
        """What one row of the batch read without a reset: episodes of a rollout, sentences of a loop, both readings of an encoder.

        Give one of them to `calls=` of `trace`, `alignment` or `gradient_flow`; its `len()` is the number of its steps.

        Args:
            path: One of `paths`; needed where there are several. A direction that reads from the end has one for each call.
            index: Row of the batch.

        Raises:
            RecordingError: the path is unclear, was not called, is made of Taps, or no batch had this row.
        """
        path = self.chosen(path)
        name, (module, heard) = path.removesuffix(REVERSE), self._module(path)
        here = [call for call in calls_of(name, module, heard, index) if call.began is not None]
        if not here:
            raise RecordingError(no_row(index, max(batch_size(module, call) for call in heard), f"'{name}'"))
        return sequences_of(path, index, here, len(heard))

    def alignment(
        self,
        source: Sequence[str],
        target: Sequence[str],
        name: str = "attention",
        rows: Rows = 0,
        calls: Calls = None,
        head: int | str | None = None,
    ) -> Alignment:
        """Attention weight of each source token when each target token was chosen.

        Args:
            source: Every column of the weights, end mark and padding too, [in].
            target: What was written, [out].
            name: Name of the Tap, or its path where several have the name.
            rows: Row of the batch, or one row for each target token where rows moved, as in beam search, [out].
            calls: Which of the values that the Tap received the target is: a number, a slice or a list of numbers, counted from 0;
                or one of `sequences()` of a module that was called once for each of them. None takes all that have the row.
            head: Which head of attention, counted from 0, or "mean" for the mean of all; needed where there are several.

        Returns:
            An Alignment whose rows are the weights in float64, each made to sum to 1.

        Raises:
            RecordingError: no such tap or head, it received nothing, its shapes do not fit, or its rows are not attention weights.
        """
        return alignment(self._heard, source, target, name, Part(row_in(calls, rows, name), calls, head))

    def taps(self, path: str) -> dict[str, Heard]:
        """What the taps of a path heard, by name; empty where the path is a recurrent module.

        Raises:
            RecordingError: none of them is named hidden.
        """
        return state_taps(self._heard, path) if path in state_paths(self._heard) else {}

    def chosen(self, path: str | None) -> str:
        """The path that was named, or the only one.

        Raises:
            RecordingError: there is no such path, or there are several and none was named.
        """
        if path is None and len(self.paths) == 1:
            return self.paths[0]
        if path in self.paths:
            return str(path)
        known = ", ".join(f"'{name}'" for name in self.paths)
        if not known and not self._heard:
            raise RecordingError(f"{nothing_recurrent(self.root)} None of its modules got back a state that it had returned.")
        if not known:
            raise RecordingError("This model has taps, but none named hidden, cell or after a gate: there is no path to trace.")
        if path is None:
            raise RecordingError(f"This model has several paths: {known}. Choose one: trace(tokens, path={self.paths[0]!r}).")
        raise RecordingError(f"There is no path '{path}'. Paths: {known}.")

    def _logits(self, logits: Tensor | np.ndarray, path: str, index: Rows, time: int) -> np.ndarray:
        module = self.modules.get(path.removesuffix(REVERSE))
        batch_first = getattr(module, "batch_first", None)
        return logits_of(logits, index, time, None if batch_first is None else not batch_first)

    def states(self, reading: Reading, reverse: bool, chosen: Sequence[int], bare: bool = False) -> States:
        """The replayed states of some layers of one direction, [layer, time, unit], compared with the module's own.

        They are what a record holds, float32 and every gate; `bare`: in the precision of the replay, without gates.

        Raises:
            RecordingError: there is no such layer, or the replay differs from the module by more than its tolerance.
        """
        count = layers(reading.module)
        if not all(0 <= layer < count for layer in chosen):
            raise RecordingError(f"layer is {chosen[0]}, but '{reading.path}' has {count}: choose from 0 to {count - 1}.")
        states, distances = replay(reading.module, reading.stretches, reverse, chosen, bare)
        path = reading.name + (REVERSE if reverse else "")
        _check(path, reading.module, reading.calls, distances, max(piece.longest for piece in reading.stretches))
        return states

    def reading(self, path: str, time: int, index: Rows, calls: Calls = None) -> Reading:
        """One sequence as it was read: one stretch, or one for each call where the directions cannot be joined.

        Raises:
            RecordingError: the module was not called, read several sequences, or read another number of steps than `time`.
        """
        return self._reading(path, *self._module(path), time, index, calls)

    def _reading(self, path: str, module: nn.Module, heard: list[Call], time: int, index: Rows, calls: Calls) -> Reading:
        name = path.removesuffix(REVERSE)
        if isinstance(calls, RecordedSequence) and calls.path != name:
            got = f"calls is a sequence of '{calls.path}'; expected one of '{name}'"
            raise RecordingError(f"{got}: take it from recording.sequences('{name}').")
        return reading_of(path, module, heard, time, row_in(calls, index, name), calls)

    def _module(self, path: str) -> tuple[nn.Module, list[Call]]:
        """The recurrent module of a path and all its calls."""
        name = path.removesuffix(REVERSE)
        cell = self.cells.get(name)
        if cell is not None and name in innermost(self.cells) and (name not in self._calls or name in self._odd):
            return cell.layout, cell.calls
        if name not in self._calls:
            raise RecordingError(
                f"'{path}' is made of Taps: only nn.RNN, nn.LSTM, nn.GRU and their cells have calls that begin from a state."
            )
        module, heard = self.modules[name], self._calls[name]
        if name in self._refused:
            raise RecordingError(self._refused[name])
        if name in self._odd:
            raise RecordingError(
                f"'{name}' is a {type(module).__name__} whose arguments or results differ from those of torch's own ({self._odd[name]}). "
                "Put Taps on the values it computes instead."
            )
        if not heard:
            raise RecordingError((COPIED if name in self._copied else NOT_CALLED).format(path=name))
        return module, heard


def _check(path: str, module: nn.Module, calls: Sequence[Call], distances: Distances, steps: int) -> None:
    """Refuse a replay that does not reproduce what the module returned.

    A forget gate near 1 is rounded at every step, differently in torch's run and in ours: over 10,000 steps this alone makes
    two cells of size 10,000 differ by 1. So every step of the longest call adds one rounding to the limit.
    """
    dtype = calls[0].computed_in
    rounding = torch.finfo(torch.promote_types(dtype, torch.float32)).eps
    for what, distance in zip(("output", "cell state"), distances, strict=True):
        limit = (TOLERANCE[dtype] + rounding * steps) * max(1.0, distance.largest)
        if not distance.error <= limit:
            apart = f"differs from the module's own {what} by {distance.error:.1e} (limit {limit:.1e})"
            raise RecordingError(f"Replaying '{path}' {apart}. {_why(module, calls, distance.error)}")


def _why(module: nn.Module, calls: Sequence[Call], apart: float) -> str:
    """The most likely reason for the difference."""
    if apart == float("inf"):
        return "It holds nan or inf: look for them in its input, its initial state and its weights."
    if any(call.training for call in calls) and getattr(module, "dropout", 0):
        return "It is in training mode with dropout: call module.eval() first."
    if any(call.weights.is_changed for call in calls):
        return "Its weights were changed after it ran: take the trace before the next step of training."
    if any(call.is_cuda for call in calls):
        return "It ran on a GPU: set torch.backends.cudnn.allow_tf32 = False, which rounds to 10 bits, or move it to the CPU."
    return "Its forward is not the equation of its class, or a hook changes what it returns: put a Tap on the values instead."


def _array(states: Tensor) -> np.ndarray:
    """[layer, time, unit] as [time, layer, unit], the same memory."""
    return array(states).swapaxes(0, 1)
