"""Search for the modules inside a model that can be recorded, and the error message where there is none."""

from collections import Counter
from collections.abc import Mapping

import torch
from torch import nn

from explorer.errors import RecordingError
from explorer.recording import published  # noqa: F401, registers the steps of published cells
from explorer.recording.calls import directions
from explorer.recording.cells import GATE_NAMES, STATES
from explorer.recording.custom_cells import CustomCell, parameters
from explorer.steps import step_of
from explorer.tap import Tap

RECURRENT = (nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell)

REVERSE = "[reverse]"  # ends the path of a direction that reads from the end

ADVICE = "Record a module that contains nn.RNN, nn.LSTM, nn.GRU, one of their cells, or a Tap."


def listened_to(module: nn.Module, may_be_none: bool = False) -> dict[str, nn.Module]:
    """All recurrent modules of torch and all Taps inside a module, by path.

    If the module itself is recurrent, its path is the name of its class in lower case. Classes with a registered step are left
    out: `custom_cells` lists them.

    Args:
        module: Where to look.
        may_be_none: Return an empty dict where there are none, instead of raising an error.

    Raises:
        RecordingError: it is not a module, nothing in it can be recorded, or it is compiled; the message says what was found.
    """
    if not isinstance(module, nn.Module):
        raise RecordingError(f"record was given {_a(module)}; expected a torch.nn.Module. {ADVICE}")
    _refuse_compiled(module)
    parts: dict[str, nn.Module] = {
        path or _class(part).lower(): part
        for path, part in module.named_modules()
        if isinstance(part, (*RECURRENT, Tap)) and step_of(part) is None
    }
    if not parts and not may_be_none:
        raise RecordingError(nothing_recurrent(module))
    return parts


def recurrent_paths(modules: Mapping[str, nn.Module]) -> tuple[str, ...]:
    """Paths of the recurrent modules; a reverse direction is a path of its own."""
    paths: list[str] = []
    for path, part in modules.items():
        if isinstance(part, RECURRENT):
            paths += [path, path + REVERSE] if directions(part) == 2 else [path]
    return tuple(paths)


def _class(module: nn.Module) -> str:
    return type(module).__name__


def _a(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__} itself, not an instance of it"
    return f"a value of type {type(value).__name__}"


def _called(path: str, module: nn.Module) -> str:
    return f"'{path}'" if path else f"The module ({_class(module)})"


def _refuse_compiled(module: nn.Module) -> None:
    for path, part in module.named_modules():
        compiled = hasattr(part, "_orig_mod") or getattr(part, "_compiled_call_impl", None) is not None
        if compiled and any(isinstance(inner, (*RECURRENT, Tap)) for inner in part.modules()):
            raise RecordingError(
                f"{_called(path, part)} is compiled by torch.compile, and compiled code bypasses hooks. "
                "Record the module as it was before it was compiled."
            )


def custom_cells(module: nn.Module) -> dict[str, CustomCell]:
    """All modules with a registered step, and all others that may turn out to be cells, by path.

    A module may be a cell if its class is not one of torch's, its forward takes at least two arguments, and it contains nothing
    that is known to be recurrent. A class derived from one of torch's recurrent classes may be one if it has its own forward.
    """
    if not isinstance(module, nn.Module):
        return {}
    cells = {}
    for path, part in module.named_modules():
        step = step_of(part)
        if step is not None or _may_be_cell(part):
            cells[path or _class(part).lower()] = CustomCell(part, step)
    return cells


def _may_be_cell(part: nn.Module) -> bool:
    if isinstance(part, RECURRENT):
        return type(part).forward not in {kind.forward for kind in RECURRENT}
    if type(part).__module__.split(".")[0] == "torch" or isinstance(part, (Tap, torch.jit.ScriptModule)):
        return False
    inside = [inner for inner in part.modules() if inner is not part]
    is_outer = any(isinstance(inner, RECURRENT) or step_of(inner) is not None or _is_state(inner) for inner in inside)
    return not is_outer and len(parameters(part)) > 1


def _is_state(part: nn.Module) -> bool:
    return isinstance(part, Tap) and part.name in (*STATES, *GATE_NAMES)


def innermost(cells: Mapping[str, CustomCell]) -> tuple[str, ...]:
    """Paths of the modules that have turned out to be cells and contain no other cell."""
    cells = {path: cell for path, cell in cells.items() if cell.is_cell}
    return tuple(
        path
        for path, cell in cells.items()
        if cell.step is not None or not any(other is not cell and other.module in set(cell.module.modules()) for other in cells.values())
    )


def nothing_recurrent(module: nn.Module) -> str:
    """The error message for a model in which nothing can be recorded: it says what was found instead."""
    for path, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            name = getattr(part, "original_name", "module")
            return f"{_called(path, part)} is a scripted {name}, and scripted code cannot be recorded. Record the module it was made from."
        if "quantized" in type(part).__module__:
            return (
                f"{_called(path, part)} is a quantised {_class(part)} ({type(part).__module__}): its weights are packed whole numbers. "
                "Record the float module it was made from."
            )
    kinds = Counter(_class(part) for _, part in module.named_modules() if part is not module)
    inside = ", ".join(name if count == 1 else f"{count} x {name}" for name, count in kinds.items())
    return f"Nothing recurrent in {_class(module)}: found {inside or 'no modules inside'}. {ADVICE}"
