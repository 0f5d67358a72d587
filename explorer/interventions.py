"""Interventions on a network: hold, scale or shift the states or gates of some units, at all steps or some, and see what changes.

>>> with intervene(module, units=3) as changed:
...     out = changed(x)

The module itself is never changed: the block receives a copy to call. In the copy the recurrent module has its own weights,
the modules that contain it are new, and everything else is shared with the original. So there is nothing to undo, even after
an error, and threads that share one module never see each other's interventions. (`torch.func.functional_call` swaps the
weights of the shared module, which every thread would see while the swap lasts.)
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from explorer.edited_run import Edit, Edited, steps_of
from explorer.edited_run import edit as run_edited
from explorer.errors import InterventionError
from explorer.recording.calls import directions, layers
from explorer.recording.cells import GATE_NAMES, GATES, STATES, is_cell, kind
from explorer.recording.modules import REVERSE, listened_to, recurrent_paths
from explorer.tap import Tap

Units = int | Sequence[int]
Value = float | int | Sequence[Any] | np.ndarray | Tensor
Module = TypeVar("Module", bound=nn.Module)

SHUT = -1000.0  # inside a gate: sigmoid gives exactly 0 there, and exactly 1 at +1000, in every precision
CARRIES = {"lstm": "forget", "gru": "update"}  # the gate that carries a unit's state to the next step

# Names of the dicts and sets in which torch keeps a module's submodules, parameters, buffers and hooks.
_CONTAINERS = [name for name, value in vars(nn.Module()).items() if isinstance(value, dict | set)]


@contextmanager
def intervene(
    module: Module,
    path: str | None = None,
    layer: int | None = None,
    *,
    units: Units,
    value: Value | None = None,
    scale: Value | None = None,
    shift: Value | None = None,
    part: str | None = None,
    steps: slice | Sequence[int] | int | None = None,
) -> Iterator[Module]:
    """A copy of the module in which a part of some units is another: held at a value, scaled, or shifted, at all steps or some.

    What a network loses without a unit is what it used the unit for: run both and compare. Blocks nest, so that several
    interventions act together: pass the copy of the outer block to the inner one. Recordings of the copy see what happened.

    Args:
        module: Any nn.Module with an nn.RNN, nn.LSTM, nn.GRU or one of their cells inside, or one of these itself; or with Taps
            named hidden, cell or after a gate, whose forward goes on with what each Tap returns, h = self.hidden(h).
        path: Which of them, as in `Recording.paths`: "rnn", or "rnn[reverse]" for the direction that reads from the end.
            Needed where there are several.
        layer: Counted from 0. Needed where there are several.
        units: One unit or several, counted from 0.
        value: What the part becomes: a number, one for each unit, [unit], or one for each step and unit, [time, unit], such as
            values of the unit at other places. [time, batch, unit] gives every row of a batch its own: many interventions in one
            run. 0 if nothing is given.
        scale, shift: Instead of a value: the part becomes scale x part + shift, in the same forms. A shift of all units by one
            vector steers the network along a direction. Gates stay in their range.
        part: What is changed. None: the state that the units carry from step to step, c of an LSTM, h otherwise. "cell" or
            "hidden": of an LSTM these are two different interventions. h follows a changed c; but where h alone is changed, c
            runs on. Or a gate: "input", "forget" or "output" of an LSTM; "reset" or "update" of a GRU; or "candidate".
        steps: Which steps, counted from 0 over all calls of the module in the block: a slice, numbers, or one. None: all, and
            the first state as well if one value is held.

    Yields:
        The copy: call it like the module, or record it. See `silenced` and `clamped` for what it shares with the module.

    Raises:
        InterventionError: the path or the layer is unclear or does not exist; there is no such unit, part or gate; a gate's
            value is outside its range; the weights are computed anew at each call; the module has a forward of its own; or it
            is also referred to outside torch's submodules.
        RecordingError: nothing recurrent is inside, or it is compiled.
    """
    path = _chosen_path(module, path)
    taps = _taps(module).get(path)
    recurrent = None if taps else _recurrent(module, path)
    layer = _chosen_layer(1 if recurrent is None else layers(recurrent), path, layer)
    if value is not None and (scale is not None or shift is not None):
        raise InterventionError("value comes with scale or shift. Give the value that the part becomes, or what its own is changed by.")
    value = 0 if value is None and scale is None and shift is None else value
    known = [name for name in GATE_NAMES if name in taps] if taps else GATES[kind(recurrent)] if recurrent is not None else ()
    has_cell = "cell" in taps if taps else isinstance(recurrent, nn.LSTM | nn.LSTMCell)
    state = "cell" if has_cell else "hidden"
    part = _checked_part(known, has_cell, path, part or state)
    constant = value if steps is None and isinstance(value, int | float) and not isinstance(recurrent, Edited) else None
    if constant == 0 and part == state:
        changed = silenced(module, path, layer, units)
    elif constant is not None and part in known and part != "candidate":
        changed = clamped(module, path, layer, units, part, constant)
    elif taps:
        changed = _at_taps(module, path, units, part, constant)
    else:
        changed = _edited(module, path, _Edit(module, path, layer, units, part), part, _Change(value, scale, shift, steps))
    with changed as copied:
        yield copied


@contextmanager
def _at_taps(module: Module, path: str, units: Units, part: str, constant: float | None) -> Iterator[Module]:
    """A copy of a network written by hand in which the Tap of a state returns a value for some units."""
    if constant is None or part not in _taps(module)[path]:
        raise InterventionError(f"'{path}' is made of Taps: what has a Tap there can be held at one value at all steps, and no more.")
    yield _held_at_taps(module, path, 0, units, {part: float(constant)})


@dataclass(frozen=True)
class _Change:
    """What a part becomes: a value, or scale x part + shift, and at which steps."""

    value: Any
    scale: Any
    shift: Any
    steps: Any


@contextmanager
def _edited(module: Module, path: str, edit: "_Edit", part: str, change: _Change) -> Iterator[Module]:
    """A copy of the module that runs step by step and is changed on the way."""
    holds = change.value is not None
    like = next(edit.copy.parameters())
    given = {"scale": 0 if holds else change.scale, "value" if holds else "shift": change.value if holds else change.shift}
    (_, scale), (name, shift) = ((name, _per_unit(name, values, edit.units).to(like)) for name, values in given.items())
    if holds and part in GATES[edit.kind]:
        _check_range(part, shift)
    steps, width = steps_of(change.steps, path), edit.width(part)
    if steps is None or steps:  # without any step torch's own kernel runs, and gives the same bits
        whole = [_whole(values, edit.units, width, neutral) for values, neutral in ((scale, 1.0), (shift, 0.0))]
        is_constant = holds and steps is None and len(shift) == 1
        run_edited(edit.copy, Edit(edit.layer, path.endswith(REVERSE), part, whole[0], whole[1], steps, is_constant, name))
    yield edit.copy_of(module)


def _per_unit(name: str, values: Any, units: Sequence[int]) -> Tensor:
    """A number, [unit], [time, unit] or [time, batch, unit] as a tensor [time or 1, batch or 1, unit or 1]."""
    if values is None:
        values = 1.0 if name == "scale" else 0.0
    tensor = torch.as_tensor(values, dtype=None if isinstance(values, Tensor) else torch.float64)
    if tensor.ndim > 3 or (tensor.ndim and tensor.shape[-1] != len(units)):
        size = len(units)
        forms = f"a number, [{size}] = [unit], [steps, {size}] = [time, unit] or [steps, rows, {size}] = [time, batch, unit]"
        raise InterventionError(f"{name} has shape {list(tensor.shape)}; expected {forms}.")
    if not tensor.isfinite().all():
        raise InterventionError(f"{name} holds NaN or infinity; expected finite numbers.")
    return tensor.unsqueeze(1) if tensor.ndim == 2 else tensor.reshape(*[1] * (3 - tensor.ndim), *tensor.shape)


def _whole(values: Tensor, units: Sequence[int], width: int, neutral: float) -> Tensor:
    """Values of some units [time, batch, unit] as those of all, with a neutral one for the others."""
    every = values.new_full((*values.shape[:2], width), neutral)
    every[..., list(units)] = values
    return every


def _check_range(gate: str, values: Tensor) -> None:
    low = -1 if gate == "candidate" else 0
    if values.numel() and not (low <= float(values.min()) and float(values.max()) <= 1):
        outside = float(values.min()) if float(values.min()) < low else float(values.max())
        kind = "a candidate lies between -1 and 1" if gate == "candidate" else "a gate lies between 0 and 1"
        raise InterventionError(f"value is {outside:g}; {kind}.")


@contextmanager
def silenced(module: Module, path: str, layer: int, unit: Units) -> Iterator[Module]:
    """A copy of the module in which some units are exactly 0 at every step, for any input and any initial state.

    Comparing the two shows how much the network depends on those units. In the copy a unit's candidate weights are 0; its
    forget gate (LSTM) or update gate (GRU) is shut, so the first step drops the initial state; and its column of the
    recurrent weights is 0, so no unit reads that state. The network runs as if the unit had always been 0.

    Where an LSTM projects its state (proj_size), units are those of the cell: c and the unit's part of each new hidden
    state are 0. An initial hidden state is a sum over all units there and is read unchanged.

    Of a network written by hand, the Taps named hidden and cell return 0 for the units. An initial state that passes no Tap is
    read unchanged.

    Args:
        module: As for `intervene`.
        path: Which of them, as in `Recording.paths`: "rnn", or "rnn[reverse]" for the direction that reads from the end.
        layer: Counted from 0.
        unit: One unit or several, counted from 0.

    Yields:
        The copy: call it like the module, or record it. It has the weights that the module had when the block began. Those
        of the recurrent module are copies with the same requires_grad; all others are shared, so gradients reach them.

    Raises:
        InterventionError: there is no such path, layer or unit; the weights are computed anew at each call; or the module
            is also referred to outside torch's submodules.
        RecordingError: nothing recurrent is inside, or it is compiled.
    """
    if taps := _taps(module).get(path):
        states = [name for name in STATES if name in taps]
        if "hidden" not in taps:
            has = f"'{path}' has taps {', '.join(taps)}, but none named hidden"
            raise InterventionError(f"{has}. Add Tap('hidden') where the state is made.")
        yield _held_at_taps(module, path, layer, unit, dict.fromkeys(states, 0.0))
        return
    edit = _Edit(module, path, layer, unit)
    edit.fix("candidate", 0.0)
    if edit.kind in CARRIES:
        edit.fix(CARRIES[edit.kind], SHUT)
    edit.cut()
    yield edit.copy_of(module)


@contextmanager
def clamped(module: Module, path: str, layer: int, unit: Units, gate: str, value: float | int) -> Iterator[Module]:
    """A copy of the module in which one gate of some units has the same value at every step, for any input.

    Comparing the two shows what the gate decides. In the copy its weights are 0 and its bias is the logit of the value; of a
    network written by hand, the Tap of the gate returns the value.

    Args:
        module: As for `silenced`.
        path: As for `silenced`.
        layer: As for `silenced`.
        unit: As for `silenced`.
        gate: "input", "forget" or "output" of an LSTM; "reset" or "update" of a GRU.
        value: 0..1; 0 and 1 are exact, others to the last digits of the weights' precision.

    Yields:
        The copy, as `silenced` does.

    Raises:
        InterventionError: as for `silenced`; or there is no such gate, or the value is outside 0..1.
        RecordingError: nothing recurrent is inside, or it is compiled.
    """
    taps = _taps(module).get(path)
    edit = None if taps else _Edit(module, path, layer, unit)
    _check_gate([name for name in GATE_NAMES if name in taps] if taps else GATES[edit.kind] if edit else (), path, gate)
    if not 0 <= value <= 1:
        raise InterventionError(f"value is {value}; a gate lies between 0 and 1.")
    if edit is None:
        yield _held_at_taps(module, path, layer, unit, {gate: float(value)})
        return
    edit.fix(gate, math.log(value / (1 - value)) if 0 < value < 1 else SHUT * (1 - 2 * value))
    yield edit.copy_of(module)


class _Edit:
    """Changed weights of some units of one layer and direction, in a copy of the recurrent module."""

    def __init__(self, module: nn.Module, path: str, layer: int, unit: Units, part: str = "cell"):
        self.original, self.layer = _recurrent(module, path), layer
        self.kind, count, size = kind(self.original), layers(self.original), self.width(part)
        self.units = [unit] if isinstance(unit, int) else list(unit)
        if not 0 <= layer < count:
            raise InterventionError(f"layer is {layer}, but '{path}' has {count}: choose from 0 to {count - 1}.")
        _check_units(self.units, size, path)
        self.suffix = _suffix(self.original, layer, path.endswith(REVERSE))
        self.copy = _with_own_weights(self.original, path)

    def width(self, part: str) -> int:
        """Values of a part: a projected hidden state has fewer than there are units."""
        projected = getattr(self.original, "proj_size", 0) if part == "hidden" else 0
        return projected or self.original.hidden_size

    def fix(self, gate: str, inside: float) -> None:
        """Give one gate of the units the same sum before its sigmoid or tanh at every step."""
        first = GATES[self.kind].index(gate) * self.original.hidden_size
        rows = [first + unit for unit in self.units]
        with torch.no_grad():
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                self._weight(name)[rows] = 0
            self._weight("bias_ih")[rows] = inside

    def cut(self) -> None:
        """Stop all units of the layer from reading the previous state of these; a projected state mixes all units and stays."""
        if not getattr(self.original, "proj_size", 0):
            with torch.no_grad():
                self._weight("weight_hh")[:, self.units] = 0

    def copy_of(self, module: Module) -> Module:
        """The module, with the copy in place of its recurrent module."""
        return _replaced(module, self.original, self.copy)

    def _weight(self, name: str) -> Tensor:
        return getattr(self.copy, name + self.suffix)


class _HeldTap(Tap):
    """A Tap that returns what it is given with some units at a value of their own."""

    def __init__(self, tap: Tap, path: str, units: Sequence[int], value: float):
        super().__init__(tap.name, tap.axes)
        self.path, self.units, self.held = path, list(units), value

    def forward(self, value: Tensor) -> Tensor:
        axes = (self.axes or "").split()
        axis = axes.index("unit") - len(axes) if "unit" in axes else -1
        _check_units(self.units, value.shape[axis], self.path)
        units = torch.zeros(value.shape[axis], dtype=torch.bool, device=value.device)
        units[self.units] = True
        return value.masked_fill(units.reshape(-1, *[1] * (-1 - axis)), self.held)


def _taps(module: nn.Module) -> dict[str, dict[str, Tap]]:
    """The Taps named hidden, cell or after a gate by the path of the module that holds them, as in `Recording.paths`, and by name."""
    parts: dict[str, dict[str, Tap]] = {}
    for path, part in listened_to(module).items():
        if isinstance(part, Tap) and part is not module and part.name in (*STATES, *GATE_NAMES):
            parts.setdefault(path.rpartition(".")[0] or "taps", {})[part.name] = part
    return parts


def _held_at_taps(module: Module, path: str, layer: int, unit: Units, values: Mapping[str, float]) -> Module:
    """A copy of the module whose Taps of these names, under one path, return a value for some units."""
    units = [unit] if isinstance(unit, int) else list(unit)
    if layer:
        raise InterventionError(f"layer is {layer}, but '{path}' has 1: choose from 0 to 0.")
    _check_units(units, None, path)
    for name, value in values.items():
        tap = _taps(module)[path][name]
        module = _replaced(module, tap, _HeldTap(tap, path, units, value))
    return module


def _check_units(units: Sequence[int], size: int | None, path: str) -> None:
    """Refuse units that do not exist; a size of None is known only when the module runs."""
    wrong = [index for index in units if index < 0 or (size is not None and index >= size)]
    if wrong or not units:
        got, most = wrong[0] if wrong else "an empty list", "" if size is None else f" to {size - 1}"
        has = "units, counted" if size is None else f"{size} units: choose"
        raise InterventionError(f"unit is {got}, but '{path}' has {has} from 0{most}.")


def _recurrent(module: nn.Module, path: str) -> Any:
    modules = listened_to(module)
    paths = recurrent_paths(modules)
    if path not in paths:
        known = ", ".join(f"'{name}'" for name in (*paths, *_taps(module)))
        raise InterventionError(f"There is no path '{path}'. " + (f"Paths: {known}." if known else "This model has Taps alone."))
    return modules[path.removesuffix(REVERSE)]


def _chosen_path(module: nn.Module, path: str | None) -> str:
    """The path that was named, or the only one."""
    paths = (*recurrent_paths(listened_to(module)), *_taps(module))
    if not paths:
        raise InterventionError(
            "This model has Taps alone; an intervention needs an nn.RNN, nn.LSTM, nn.GRU or one of their cells, or Taps named hidden, "
            "cell or after a gate inside a module."
        )
    first, *others = paths
    if path is None and others:
        known = ", ".join(f"'{name}'" for name in paths)
        raise InterventionError(f"This model has several paths: {known}. Choose one: intervene(module, {first!r}, units=...).")
    return first if path is None else path


def _chosen_layer(count: int, path: str, layer: int | None) -> int:
    """The layer that was named, or the only one."""
    if layer is None and count > 1:
        raise InterventionError(f"'{path}' has {count} layers. Choose one from 0 to {count - 1}: layer={count - 1} is the last.")
    return layer or 0


def _checked_part(known: Sequence[str], has_cell: bool, path: str, part: str) -> str:
    """A part of the states, or one of the known gates."""
    if part == "cell" and not has_cell:
        raise InterventionError(f"'{path}' has no cell state; its state is hidden. Leave part out, or choose part='hidden'.")
    if part not in ("cell", "hidden", "candidate"):
        _check_gate(known, path, part)
    return "hidden" if part == "candidate" and tuple(known) == ("candidate",) else part  # a plain RNN writes its whole state


def _check_gate(known: Sequence[str], path: str, gate: str) -> None:
    gates = [name for name in known if name != "candidate"]
    if not gates:
        raise InterventionError(f"'{path}' is a plain RNN, which has no gates.")
    if gate == "candidate":
        raise InterventionError(f"The candidate of '{path}' is not a gate: it is the value to be written. Its gates: {', '.join(gates)}.")
    if gate not in gates:
        raise InterventionError(f"'{path}' has no gate '{gate}'. Its gates: {', '.join(gates)}.")


def _suffix(part: nn.Module, layer: int, reverse: bool) -> str:
    """Suffix that torch gives the names of the weights of one layer and direction."""
    return "" if is_cell(part) else f"_l{layer}{'_reverse' if reverse else ''}"


def _with_own_weights(part: Any, path: str) -> nn.Module:
    """A copy of a recurrent module with its own weights, and with biases of 0 where the module has none.

    Raises:
        InterventionError: a weight is not a parameter but computed at each call: weight norm, a parametrisation.
    """
    twin: Any = _shallow(part)
    ways = range(directions(part))
    suffixes = [_suffix(part, layer, bool(way)) for layer in range(layers(part)) for way in ways]
    last = ["weight_hr"] if getattr(part, "proj_size", 0) else []
    names = [[name + suffix for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", *last)] for suffix in suffixes]
    with torch.inference_mode(False), torch.no_grad():
        for name in (name for of_layer in names for name in of_layer):
            weight = part._parameters.get(name)
            if weight is None and (part.bias or not name.startswith("bias")):
                raise InterventionError(f"'{path}' computes its {name} anew at each call. Remove weight norm or parametrisations first.")
            rows = part._parameters["weight_ih" + name[len("bias_ih") :]] if weight is None else weight
            values = rows.new_zeros(len(rows)) if weight is None else weight.clone()
            twin._parameters[name] = nn.Parameter(values, requires_grad=rows.requires_grad)
    twin.bias = True
    if not is_cell(part):  # nn.RNNBase calls its kernel with lists of its own
        twin._all_weights, twin._flat_weights_names = names, [name for of_layer in names for name in of_layer]
        twin._init_flat_weights()
        twin.flatten_parameters()
    return twin


def _replaced(module: Any, original: nn.Module, twin: nn.Module) -> Any:
    """The module with `twin` in place of `original`: modules that contain it are copied, all others are shared."""
    around = [part for part in module.modules() if part is not original and any(inner is original for inner in part.modules())]
    copies = {original: twin} | {part: _shallow(part) for part in around}
    for part in around:
        _check_references(part, copies)
        copies[part]._modules.update({name: copies[child] for name, child in part._modules.items() if child in copies})
    return copies[module]


def _check_references(part: nn.Module, copies: Mapping[nn.Module, nn.Module]) -> None:
    """Refuse a module whose copy would still call an original, through a reference that is not a submodule."""
    for name, value in vars(part).items():
        values = value if isinstance(value, list | tuple) else value.values() if isinstance(value, dict) else [value]
        owners = [getattr(held, "__self__", held) for held in values if name not in _CONTAINERS]
        if any(isinstance(owner, nn.Module) and owner in copies for owner in owners):
            raise InterventionError(
                f"{type(part).__name__}.{name} refers to a module that has to be copied, but is not a submodule: the copy would call "
                "the original. Make it a submodule, or an nn.ModuleList."
            )


def _shallow(module: nn.Module) -> nn.Module:
    """A copy that shares every value; submodules, parameters and hooks can be replaced in it without changing the original."""
    twin = object.__new__(type(module))
    twin.__dict__.update(vars(module))
    twin.__dict__.update({name: copy(getattr(module, name)) for name in _CONTAINERS})
    return twin
