"""Registry of step equations: one function for each class of cells that torch does not know makes its gates and other parts recordable."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from explorer.errors import RecordingError

AXES = ("batch time", "time batch")

Equation = TypeVar("Equation", bound=Callable[..., Any])


@dataclass(frozen=True)
class Layout:
    """Arguments and results of a layer that reads a whole sequence in one call, where naming the axes is not enough.

    Args:
        given: Function (module, arguments of its forward, in order) -> (x [batch, time, feature], state before it or None).
        returned: Function (module, result of its forward) -> (output [batch, time, feature], state after it or None). States
            are tuples of tensors, each [batch, ...].
    """

    given: Callable[..., Any]
    returned: Callable[..., Any]


@dataclass(frozen=True)
class Step:
    """The step equation of one class of cells, with the other arguments of `step`."""

    equation: Callable[..., Any]
    states: tuple[str, ...] = ("hidden",)
    reads: Layout | None = None
    initial: Callable[..., Any] | None = None


_STEPS: dict[str, Step] = {}


def step(
    cell: type | str,
    states: tuple[str, ...] = ("hidden",),
    reads: str | Layout | None = None,
    initial: Callable[..., Any] | None = None,
) -> Callable[[Equation], Equation]:
    """Register the step equation of a class of cells, so that its gates are recorded: `@explorer.step(MyCell)`.

    A recording computes every step with this function and compares the state and the returned value with those of the module. If
    they differ, the trace is refused. Subclasses use the same equation, unless one of their own is registered.

    Args:
        cell: The class, or its qualified name, "package.module.Class"; given a name, the package need not be imported.
        states: Names of the tensors that make up its state, in order. The first must be "hidden". A state named "cell" is a cell
            state like that of an LSTM, and gates have its shape. All others go to `Trace.parts`.
        reads: None for a cell, which takes one step per call. For a layer that reads a whole sequence in one call: the order of
            its axes, "batch time" or "time batch"; or a Layout if the axes of its states differ from those of torch's own layers.
        initial: Function (module, x) -> state before the first step, for calls without a state; x [batch, feature]. None means
            zeros in the shape of the returned state.

    Returns:
        A decorator for a function `(module, x, state) -> (state, {name: part})`. x [batch, feature] is the input of one step. The
        state, a tensor [batch, unit] or a tuple of tensors, is the one before the step; the function returns the one after it.
        Parts named "input", "forget", "output", "reset", "update" (as in PyTorch: 1 keeps the old state) or "candidate" become
        gates; all others go to `Trace.parts`. If the output of a layer is not its hidden state, the function returns the output of
        the step, [batch, feature], as a third value.

    Raises:
        RecordingError: the first state is not hidden, a name occurs twice, or `reads` names other axes.
    """
    if not states or states[0] != "hidden" or len(set(states)) < len(states):
        raise RecordingError(f"states is {states!r}; expected different names, the first of them 'hidden'.")
    if isinstance(reads, str) and reads not in AXES:
        raise RecordingError(f"reads is {reads!r}; expected {AXES[0]!r}, {AXES[1]!r}, or None for a cell that takes one step per call.")
    layout = _by_axes(reads, len(states)) if isinstance(reads, str) else reads

    def register(equation: Equation) -> Equation:
        _STEPS[cell if isinstance(cell, str) else qualified_name(cell)] = Step(equation, states, layout, initial)
        return equation

    return register


def _by_axes(axes: str, states: int) -> Layout:
    """The layout of a layer that is called like torch's own: (sequence, state) -> sequence or (sequence, state).

    A sequence of two axes has no batch.
    """

    def steps(values: Any) -> Any:
        if values.ndim == 2:
            return values.unsqueeze(0)
        return values.swapaxes(0, 1) if axes == "time batch" else values

    def given(module: Any, values: Any) -> tuple[Any, Any]:
        x = steps(values[0])
        return x, _states([value for value in values[1:] if hasattr(value, "ndim") or isinstance(value, tuple | list)], len(x), states)

    def returned(module: Any, result: Any) -> tuple[Any, Any]:
        if not isinstance(result, tuple | list):
            return steps(result), None
        output = steps(result[0])
        return output, _states(result[1:], len(output), states)

    return Layout(given, returned)


def _states(values: Any, batch: int, count: int) -> tuple | None:
    """States as [batch, ...], from tensors [batch, ...] or [1, batch, ...] however nested; None where there is none."""
    parts = [part for value in values for part in (value if isinstance(value, tuple | list) else (value,)) if part is not None]
    if not parts:
        return None
    if len(parts) != count:
        raise ValueError(f"{len(parts)} tensors as its state; its step names {count}")
    parts = [part.unsqueeze(0) if part.ndim == 1 else part for part in parts]
    return tuple(part.swapaxes(0, 1) if len(part) != batch and part.shape[1] == batch else part for part in parts)


def qualified_name(cell: type) -> str:
    """Name under which a class is registered: "package.module.Class"."""
    return f"{cell.__module__}.{cell.__qualname__}"


def step_of(module: object) -> Step | None:
    """The step registered for the class of a module, or else for the nearest of its base classes; None where there is none."""
    names = map(qualified_name, type(module).__mro__)
    return next((_STEPS[name] for name in names if name in _STEPS), None)
