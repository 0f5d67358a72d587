"""The Trace of a cell that torch does not know: states as it returned them, gates and parts by its registered step, compared with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.errors import RecordingError
from explorer.recording.calls import Reading
from explorer.recording.cells import GATE_NAMES
from explorer.recording.custom_cells import CustomCell
from explorer.recording.replay import Distance
from explorer.recording.replay_check import ReplayError, limit, reason

States = tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class Held:
    """What a cell held over one sequence: each state and part [time, ...], and the states before its first step.

    output: what the module returned beside its states, [time, ...]: no gate, though a gate may have its name.
    """

    states: States
    initial: States
    parts: dict[str, Tensor]
    output: Tensor | None = None


def custom_fields(cell: CustomCell, reading: Reading) -> dict[str, Any]:
    """States, gates and parts of a Trace of one layer, by field.

    Raises:
        RecordingError: the registered step does not reproduce what the module returned.
    """
    held = held_by(cell, reading)
    names = state_names(cell, len(held.states))
    values = {name: _array(state) for name, state in zip(names, held.states, strict=True)}
    first = {name: _array(state)[:, 0] for name, state in zip(names, held.initial, strict=True)}
    parts = {name: _array(part) for name, part in held.parts.items()}
    gates = {name: parts.pop(name) for name in list(parts) if cell.step is not None and name in GATE_NAMES}
    if held.output is not None and "output" not in gates:
        parts = {"output": _array(held.output)} | parts
    return {
        "hidden": values.pop("hidden"),
        "cell": values.pop("cell", None),
        "gates": gates,
        "initial_hidden": first["hidden"],
        "initial_cell": first.get("cell"),
        "carried": reading.carried,
        "parts": values | parts,
    }


def state_names(cell: CustomCell, count: int) -> tuple[str, ...]:
    """Names of the states of a cell: those of its step, else "hidden", "state[1]" and so on."""
    return cell.step.states if cell.step is not None else ("hidden", *(f"state[{index}]" for index in range(1, count)))


def _array(values: Tensor) -> np.ndarray:
    """[time, ...] as [time, layer, ...], float32 or complex64."""
    return values.detach().cpu().to(torch.complex64 if values.is_complex() else torch.float32).numpy()[:, None]


def held_by(cell: CustomCell, reading: Reading) -> Held:
    """States and parts over one sequence, replayed by the registered step where there is one.

    Raises:
        RecordingError: the step does not reproduce what the module returned, or is no such function.
    """
    (piece,) = reading.stretches
    if cell.reads is not None:
        return _sequence(cell, reading)
    states, before = (tuple(cell.numbers(index, state[:, 0]) for index, state in enumerate(ends)) for ends in (piece.after, piece.before))
    initial = tuple(state[:1] for state in before)
    output = piece.output if cell.first else None
    if cell.step is None:
        return Held(states, initial, {}, output)
    new, parts, shown = taken(cell, piece.input, before)
    check(cell, reading, dict(zip(cell.step.states, zip(new, states, strict=True), strict=True)), 1)
    if shown is not None:
        check(cell, reading, {"output": (shown, piece.output)}, 1)
    return Held(states, initial, parts, output)


def taken(cell: CustomCell, x: Tensor, before: States) -> tuple[States, dict[str, Tensor], Tensor | None]:
    """One step by the registered equation: the states after it, its parts, and the output where it is not the hidden state.

    x [batch, feature], before: each [batch, unit], as the module's own precision and device want them.

    Raises:
        RecordingError: the function returned something else.
    """
    assert cell.step is not None
    weight = next((p for p in cell.module.parameters() if p.is_floating_point()), None)
    if weight is not None:
        x, before = x.to(weight.device if x.is_complex() else weight), tuple(_like(state, weight) for state in before)
    result = cell.step.equation(cell.module, x, before[0] if len(before) == 1 else before)
    states = result[0] if isinstance(result[0], tuple | list) else (result[0],)
    if len(states) != len(cell.step.states) or not isinstance(result[1], dict) or len(result) > 3:
        name = getattr(cell.step.equation, "__name__", "the step")
        raise RecordingError(
            f"{name}, the step of {type(cell.module).__name__}, returned {len(states)} states and {len(result)} values; expected "
            f"({', '.join(cell.step.states)}), a dict of parts, and the output where it is not the hidden state."
        )
    return tuple(states), result[1], result[2] if len(result) == 3 else None


def _like(state: Tensor, weight: Tensor) -> Tensor:
    return state.to(weight.device) if state.is_complex() else state.to(weight.device, weight.real.dtype)


def _sequence(cell: CustomCell, reading: Reading) -> Held:
    """A layer that reads whole sequences, step by step, each call from the state that it was given."""
    states, outputs, parts, first = [], [], [], None
    for start, stop, state in calls_of(cell, reading):
        first = first or state
        for time in range(start, stop):
            state, part, output = taken(cell, reading.stretches[0].input[time : time + 1], state)
            states.append(state)
            parts.append(part)
            outputs.append(state[0] if output is None else output)
    assert first is not None
    (piece,) = reading.stretches
    check(cell, reading, {"output": (torch.cat(outputs), piece.output)}, piece.longest)
    ends = np.array([*piece.starts[1:], len(piece)]) - 1
    held = tuple(torch.cat(of_all) for of_all in zip(*states, strict=True))
    if not piece.after[0].isnan().all():
        pairs = zip(held, (cell.numbers(index, state[:, 0]) for index, state in enumerate(piece.after)), strict=True)
        names = cell.step.states if cell.step is not None else ()
        check(cell, reading, {name: (own[ends], end) for name, (own, end) in zip(names, pairs, strict=True)}, piece.longest)
    return Held(held, first, {name: torch.cat([part[name] for part in parts]) for name in parts[0]})


def calls_of(cell: CustomCell, reading: Reading) -> Iterator[tuple[int, int, States]]:
    """First step of each call, one past its last, and the states before it, each [1, unit].

    Raises:
        RecordingError: neither was a state given, nor is one returned, nor does the step name the first.
    """
    (piece,) = reading.stretches
    assert cell.step is not None
    for index, (start, stop) in enumerate(zip(piece.starts, (*piece.starts[1:], len(piece)), strict=True)):
        if reading.calls[index].before is not None or (cell.step.initial is None and not piece.after[0].isnan().all()):
            yield start, stop, tuple(cell.numbers(part, state[index]) for part, state in enumerate(piece.before))
            continue
        if cell.step.initial is None:
            name = type(cell.module).__name__
            raise RecordingError(f"{name} returns no state, so that its first one is not known. Register its step with initial=.")
        state = cell.step.initial(cell.module, piece.input[start : start + 1])
        yield start, stop, tuple(state) if isinstance(state, tuple | list) else (state,)


def check(cell: CustomCell, reading: Reading, pairs: dict[str, tuple[Tensor, Tensor]], steps: int) -> None:
    """Refuse a registered step that does not reproduce what the module returned: by name, what it gives and the module's own.

    Each [time, unit]. The limit is that of torch's own cells, with one rounding more for each step that is taken in a row.

    Raises:
        RecordingError: they differ.
    """
    for name, (replayed, own) in pairs.items():
        if replayed.shape != own.shape:
            _refuse(cell, reading, f"gives {name} of shape {tuple(replayed.shape)}; the module's own has {tuple(own.shape)} = [time, unit]")
        distance = Distance()
        distance.add(_real(replayed), _real(own))
        most = limit(reading.calls, steps, distance.largest)
        if not distance.error <= most:
            is_finite = bool(torch.isfinite(own).all())
            _refuse(cell, reading, f"differs from the module's own {name} by {distance.error:.1e} (limit {most:.1e})", is_finite)


def _real(values: Tensor) -> Tensor:
    values = values.detach().cpu()
    return torch.view_as_real(values).double() if values.is_complex() else values.double()


def _refuse(cell: CustomCell, reading: Reading, why: str, is_finite: bool = True) -> None:
    name = getattr(cell.step.equation, "__name__", "the step") if cell.step is not None else "the step"
    step = f"{name}, the step of {type(cell.module).__name__}, {why} at '{reading.path}'."
    has_dropout = any(isinstance(part, torch.nn.Dropout) and part.p for part in cell.module.modules())
    raise ReplayError(step, reason(reading.calls, is_finite, has_dropout), "Its forward computes something else.")
