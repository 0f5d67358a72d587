"""Registry of step equations: one function makes the gates and parts of a cell that torch does not know recordable."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from explorer.errors import RecordingError

AXES = ("batch time", "time batch")

Equation = TypeVar("Equation", bound=Callable[..., Any])


@dataclass(frozen=True)
class Layout:
    """How a layer that reads a whole sequence in one call takes and returns it, where `reads` cannot say it by its axes.

    Args:
        given: (module, all that its forward was given, in order) -> (x [batch, time, feature], state before it or None).
        returned: (module, what its forward returned) -> (output [batch, time, feature], state after it or None). The states
            are tuples of tensors, each [batch, ...].
    """

    given: Callable[..., Any]
    returned: Callable[..., Any]


@dataclass(frozen=True)
class Step:
    """How one class of cells is computed: what `step` was given."""

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

    A recording computes each step again with this function and compares the state, and what the module returned, with its own;
    a function that does not reproduce them is refused. It holds for subclasses too, unless they have one of their own.

    Args:
        cell: The class, or its qualified name, "package.module.Class", so that the package need not be imported.
        states: Name of each tensor of its state. The first is "hidden"; "cell" is a cell as that of an LSTM, which gates are
            shaped like; any other is found in `Trace.parts`.
        reads: For a layer that reads a whole sequence in one call: its axes, "batch time" or "time batch"; or a Layout, where
            its states have axes of their own. None for a cell, which takes one step a call.
        initial: (module, x) -> its state before the first step where it was given none, x [batch, feature]. None for zeros
            shaped like the state that it returns.

    Returns:
        A decorator for `(module, x, state) -> (state, {name: part})`: x [batch, feature] is what the cell reads at a step, and
        the state, a tensor [batch, unit] or a tuple of them, is that before and after it. Parts named "input", "forget",
        "output", "reset", "update" (1 keeps) or "candidate" become gates; all others go to `Trace.parts`. A layer whose output is not its
        hidden state returns the output at this step, [batch, feature], as third value.

    Raises:
        RecordingError: the first state is not hidden, a name occurs twice, or `reads` names other axes.
    """
    if not states or states[0] != "hidden" or len(set(states)) < len(states):
        raise RecordingError(f"states is {states!r}; expected different names, the first of them 'hidden'.")
    if isinstance(reads, str) and reads not in AXES:
        raise RecordingError(f"reads is {reads!r}; expected {AXES[0]!r}, {AXES[1]!r}, or None for a cell that takes one step a call.")
    layout = _by_axes(reads, len(states)) if isinstance(reads, str) else reads

    def register(equation: Equation) -> Equation:
        _STEPS[cell if isinstance(cell, str) else qualified_name(cell)] = Step(equation, states, layout, initial)
        return equation

    return register


def _by_axes(axes: str, states: int) -> Layout:
    """A layer called as those of torch are: (sequence, state) -> sequence, or (sequence, state); without a batch if it has two axes."""

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
    """States as [batch, ...], from tensors [batch, ...] or [1, batch, ...] in any nesting; None where there is none."""
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
    """The registered step of an instance, or of the nearest class that it is derived from; None where there is none."""
    names = map(qualified_name, type(module).__mro__)
    return next((_STEPS[name] for name in names if name in _STEPS), None)
