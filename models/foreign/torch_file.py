"""Files of torch.save, read in a child process by torch's own restricted reader; nothing that a file names is imported or called.

A whole saved module names its class and those of its parts. Each unknown name is mapped to an empty class, so that what remains
of the module are its dictionaries: parameters, buffers, submodules and settings.
"""

import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from explorer.errors import CheckpointError
from models.foreign.archives import most_bytes
from models.foreign.child import ARRAYS
from models.foreign.tokens import token_list

MOST_NAMES = 300  # unknown classes in one file
MOST_VALUES = 200_000  # values that are looked at
DEEPEST = 60
UNKNOWN = re.compile(r"Unsupported global: GLOBAL (\S+) was not an allowed global")
FILLED = re.compile(r"Can only (SETITEMS?|append|extend) .*\.Stub(\d+)'>")
BLOCKED = re.compile(r"unsupported GLOBAL (\S+) whose module (\S+) is blocked")
OTHERS = re.compile(r"optim|sched|scaler|(^|\.)(callbacks|loops|rng)", re.IGNORECASE)  # parts of a training, not of a network
AGAIN = "Save it again with `torch.save(model.state_dict(), 'weights.pt')`."


class Stub:
    """Stands for an object of an unknown class: it keeps the object's dictionary, or the values that it was saved as, and does nothing."""

    def __new__(cls, *_: Any, **__: Any) -> "Stub":
        """An object without content, whatever the file would hand to the class."""
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        """Keep what the file calls the object's attributes; other values, as those of a class written in C++, under the name "state"."""
        parts = state if isinstance(state, tuple) else (state,)
        for part in parts:
            if isinstance(part, dict):
                self.__dict__.update({key: value for key, value in part.items() if isinstance(key, str)})
        if others := [part for part in parts if isinstance(part, list | tuple)]:
            self.__dict__.setdefault("state", others)


class Filled:
    """Stands for a class of dictionaries or lists: the object is a plain one, which torch's reader lets a file fill."""

    content: type = dict

    def __new__(cls, *_: Any, **__: Any) -> Any:
        """An empty dictionary or list."""
        return cls.content()


def read(path: Path, folder: Path) -> dict[str, Any]:
    """Tensors, settings and lists of tokens of a file of torch.save. The tensors are written into the folder.

    Raises:
        CheckpointError: the end of a sentence on why it cannot be read.
    """
    from safetensors.torch import save_file

    whole, classes = _restricted(path)
    tensors, settings, tokens = {}, {}, {}
    for name, value in _values(whole):
        if _is_tensor(value):
            tensors[name] = value
        elif (listed := token_list(value)) is not None:
            tokens[name] = list(listed)
        elif isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) < 100):
            settings[name] = value
    kept = _kept(tensors, most_bytes(path.stat().st_size))
    save_file(kept, folder / ARRAYS)
    left = sorted(tensors.keys() - kept.keys())
    return {"classes": classes, "settings": settings, "tokens": tokens, "order": list(kept), "left": left}


def _restricted(path: Path) -> tuple[Any, list[str]]:
    """What the file holds, and the names of classes for which an empty one stands.

    torch's reader names one class that it does not know at a time, so it reads until it knows all of them.
    """
    import torch

    warnings.simplefilter("ignore")
    classes: dict[str, type] = {}
    for _ in range(2 * MOST_NAMES):
        try:
            with torch.serialization.safe_globals([(stub, name) for name, stub in classes.items()]):
                return torch.load(path, map_location="cpu", weights_only=True), list(classes)
        except MemoryError:
            raise
        except Exception as error:  # whatever a damaged file makes of torch's reader; this process reads this file alone
            reason = str(error)
        unknown, filled = UNKNOWN.search(reason), FILLED.search(reason)
        if unknown is not None and _full(unknown[1]) not in classes:
            classes[_full(unknown[1])] = type(f"Stub{len(classes)}", (Stub,), {})
        elif filled is not None:
            content = list if filled[1].startswith("a") or filled[1].startswith("ex") else dict
            name = list(classes)[int(filled[2])]
            classes[name] = type(f"Filled{filled[2]}", (Filled,), {"content": content})
        else:
            raise CheckpointError(_refusal(reason))
    raise CheckpointError(f"names more than {MOST_NAMES} classes that are not torch's. {AGAIN}")


def _full(name: str) -> str:
    """The name under which torch looks for it: its message leaves out the module of built-in ones."""
    return name if "." in name else f"builtins.{name}"


def _refusal(reason: str) -> str:
    if blocked := BLOCKED.search(reason):
        return f"asks for {blocked[1]}, which no saved network needs; it may be made to do harm. Nothing of it was run."
    if "TorchScript" in reason:
        return (
            "is a TorchScript archive, which holds code. Save its weights: `torch.save(torch.jit.load(file).state_dict(), 'weights.pt')`."
        )
    lines = [line for line in reason.splitlines() if "WeightsUnpickler error:" in line] or reason.splitlines() or ["no reason given"]
    first = re.sub(r"\s+", " ", lines[0].rpartition("WeightsUnpickler error:")[2]).strip()[:200].rstrip(".")
    return f"cannot be read by torch's restricted reader ({first}). It is damaged, or no file of torch.save. {AGAIN}"


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _values(whole: Any) -> Iterator[tuple[str, Any]]:
    """Every value in nested dictionaries, lists and modules with its dotted name, each object once; parts of a training are left out."""
    seen: set[int] = set()
    waiting = [("", whole, 0)]
    looked = 0
    while waiting and looked < MOST_VALUES:
        name, value, depth = waiting.pop()
        looked += 1
        yield name, value
        if depth > DEEPEST or id(value) in seen or token_list(value) is not None:
            continue
        seen.add(id(value))
        parts = [(f"{name}.{key}" if name and key else f"{name}{key}", part) for key, part in _parts(value)]
        waiting += [(part_name, part, depth + 1) for part_name, part in reversed(parts) if not OTHERS.search(part_name)]


def _parts(value: Any) -> list[tuple[str, Any]]:
    """The named parts of a value; those of a module have the names that its state dict would give them."""
    if isinstance(value, Stub):
        own = vars(value)
        inner = [own[kind] for kind in ("_parameters", "_buffers", "_modules") if isinstance(own.get(kind), Mapping)]
        named = [(str(key), part) for group in inner for key, part in group.items()]
        return named + [(key, part) for key, part in own.items() if not key.startswith("_")]
    if isinstance(value, Mapping):
        return [(str(key), part) for key, part in value.items()]
    if isinstance(value, list | tuple) and len(value) <= 1_000:
        return [(str(index), part) for index, part in enumerate(value)]
    return []


def _kept(tensors: dict[str, Any], most: int) -> dict[str, Any]:
    """The tensors that can be numbers of a network, as contiguous float32 or integers, of so many bytes at most.

    A tensor can claim one stored number many times over, so a small file may ask for much memory.
    """
    import torch

    if sum(t.numel() * max(4, t.element_size()) for t in tensors.values() if t.layout == torch.strided) > most:
        raise CheckpointError(f"holds more than {most // 1_000_000:,} MB of tensors, the most that a file of its size can hold here.")
    kept = {}
    for name, tensor in tensors.items():
        plain = tensor.layout == torch.strided and not tensor.is_quantized and not tensor.is_complex() and tensor.device.type == "cpu"
        if plain and tensor.numel():
            values = tensor.detach().float() if tensor.is_floating_point() else tensor.detach()
            kept[name] = values.contiguous().clone()  # tied weights are kept under both names
    return kept
