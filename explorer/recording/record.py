"""Recording: listen to a module while it runs, and read what its recurrent parts held.

>>> with record(module) as recording:
...     out = module(x)
>>> trace = recording.trace(tokens)
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from explorer.errors import RecordingError
from explorer.recording.arrays import Rows, Tokens, array, logits_of, names_of, whole
from explorer.recording.attention_weights import alignment
from explorer.recording.axis_readings import Selection
from explorer.recording.calls import Call, Reading, batch_size, layers, no_row
from explorer.recording.cells import kind
from explorer.recording.changed_runs import ran
from explorer.recording.custom_cells import CustomCell
from explorer.recording.custom_trace import custom_fields
from explorer.recording.listener import Listener
from explorer.recording.modules import REVERSE, nothing_recurrent, recurrent_paths
from explorer.recording.replay import Distances, States, replay
from explorer.recording.replay_check import ReplayError, limit, reason
from explorer.recording.sequences import Calls, RecordedCall, RecordedSequence, calls_of, reading_of, row_in, sequences_of
from explorer.recording.tapped_states import tapped
from explorer.recording.taps import Heard, state_paths, state_taps
from explorer.records import Alignment, Trace

Result = TypeVar("Result")

NOT_CALLED = "'{path}' was not called inside this recording. Call the model in the `with` block, not its forward()."
OTHER_FORWARD = "Its forward is not the equation of its class, or a hook changes what it returns: put a Tap on the values instead."
COARSE = "It ran on a GPU: set torch.backends.cudnn.allow_tf32 = False, which rounds to 10 bits, or move it to the CPU."
CHANGED = (
    "'{path}' ran with an intervention that changes states or gates on the way: its trace is complete, but it cannot be replayed for more. "
    "Gradients of such a run are those of autograd."
)
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
    with recording.listening():
        yield recording


class Recording(Listener):
    """Everything recorded while a module ran: made by `record`, read with `trace`, `alignment` and `gradient_flow`.

    Every call is kept as a copy, so later changes of the model's outputs do not reach it.
    """

    @property
    def paths(self) -> tuple[str, ...]:
        """Names of all that can be traced: "rnn", "rnn[reverse]", a cell that was called, or the parent of taps named after states."""
        known = recurrent_paths(self.modules)
        return (*known, *(path for path in self.known_cells if path not in known), *state_paths(self._heard))

    def either(self, path: str, by_torch: Callable[[], Result], by_itself: Callable[[CustomCell], Result]) -> Result:
        """What torch's equations give at a path; at a cell of an unknown class, which they do not reproduce, what the cell itself gives.

        A class derived from torch's is read by torch's equations, unless its forward computes something else.

        Raises:
            RecordingError: what either of them refuses.
        """
        cell = self.cells[path] if path in self.known_cells else None
        if cell is not None and (path not in self.modules or path in self._odd):
            return by_itself(cell)
        try:
            return by_torch()
        except ReplayError as error:
            if cell is None or not error.may_be_other_equation:
                raise
        return by_itself(cell)

    def custom_reading(self, cell: CustomCell, path: str, time: int, index: Rows, calls: Calls = None) -> Reading:
        """What a cell of an unknown class read; as `reading`.

        Raises:
            RecordingError: one of its calls could not be kept, or as `reading`.
        """
        if cell.refused:
            raise RecordingError(cell.refused)
        return self._reading(path, cell.layout, cell.calls, time, index, calls)

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
                check_layer(layer, 1, path)
                held = tapped(self._heard, path, len(names), Selection(rows, calls))
            else:
                held = self.either(
                    path,
                    by_torch=lambda: self._held(self._reading(path, *self._module(path), len(names), rows, calls), layer),
                    by_itself=lambda cell: self._held_by(cell, self.custom_reading(cell, path, len(names), rows, calls), layer),
                )
        return Trace(tokens=names, logits=values, vocab=None if vocab is None else tuple(vocab), source=path, **held)

    def _held(self, reading: Reading, layer: int | None) -> dict[str, Any]:
        """The states and gates of a Trace, by field, of one layer or all."""
        count = layers(reading.module)
        check_layer(layer, count, reading.path)
        chosen = range(count) if layer is None else [layer]
        changed = any(call.ran is not None for call in reading.calls)
        states, carried = ran(reading, chosen) if changed else (self.states(reading, reading.reverse, chosen), reading.carried)
        hidden = _array(states.hidden)
        # What a plain tanh network proposes is its new state: one array, two names.
        own = {"candidate": hidden} if kind(reading.module) == "tanh" else {}
        return {
            "hidden": hidden,
            "cell": None if states.cell is None else _array(states.cell),
            "gates": own or {name: _array(values) for name, values in states.gates.items()},
            "initial_hidden": states.initial[0].numpy(),
            "initial_cell": states.initial[1].numpy() if len(states.initial) > 1 else None,
            "carried": carried,
        }

    def _held_by(self, cell: CustomCell, reading: Reading, layer: int | None) -> dict[str, Any]:
        check_layer(layer, 1, reading.path)
        return custom_fields(cell, reading)

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
        return alignment(self._heard, source, target, name, Selection(row_in(calls, rows, name), calls, head))

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
        if path in self.cells and self.cells[path].refused:
            raise RecordingError(self.cells[path].refused)
        known = ", ".join(f"'{name}'" for name in self.paths)
        if not known and not self._heard:
            refused = [cell.refused for cell in self.cells.values() if cell.refused][:1]
            nothing = f"{nothing_recurrent(self.root)} None of its modules got back a state that it had returned."
            raise RecordingError(" ".join([nothing, *refused]))
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
        for layer in chosen:
            check_layer(layer, layers(reading.module), reading.path)
        states, distances = replay(reading.module, reading.stretches, reverse, chosen, bare)
        path = reading.name + (REVERSE if reverse else "")
        _check(path, reading.module, reading.calls, distances, max(piece.longest for piece in reading.stretches))
        return states

    def reading(self, path: str, time: int, index: Rows, calls: Calls = None) -> Reading:
        """One sequence as it was read: one stretch, or one for each call where the directions cannot be joined.

        Raises:
            RecordingError: the module was not called, read several sequences, or read another number of steps than `time`.
        """
        reading = self._reading(path, *self._module(path), time, index, calls)
        if any(call.ran is not None for call in reading.calls):
            raise RecordingError(CHANGED.format(path=reading.name))
        return reading

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
        if cell is not None and name in self.known_cells and (name not in self._calls or name in self._odd):
            if cell.refused:
                raise RecordingError(cell.refused)
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
    """Refuse a replay that does not reproduce what the module returned; steps: those of the longest call."""
    for what, distance in zip(("output", "cell state"), distances, strict=True):
        most = limit(calls, steps, distance.largest)
        if not distance.error <= most:
            apart = f"Replaying '{path}' differs from the module's own {what} by {distance.error:.1e} (limit {most:.1e})."
            is_coarse = any(call.is_cuda for call in calls) and torch.backends.cudnn.allow_tf32
            why = reason(calls, distance.error < float("inf"), bool(getattr(module, "dropout", 0)))
            raise ReplayError(apart, why, COARSE if is_coarse else OTHER_FORWARD)


def check_layer(layer: int | None, count: int, path: str) -> None:
    """Refuse a layer that a path does not have; None is all of them.

    Raises:
        RecordingError: it is no whole number, or there are only `count`.
    """
    try:
        is_one = layer is None or 0 <= whole(layer) < count
    except TypeError:
        raise RecordingError(f"layer is {layer!r}; expected the number of a layer, counted from 0.") from None
    if not is_one:
        raise RecordingError(f"layer is {layer}, but '{path}' has {count}: choose from 0 to {count - 1}.")


def _array(states: Tensor) -> np.ndarray:
    """[layer, time, unit] as [time, layer, unit], the same memory."""
    return array(states).swapaxes(0, 1)
