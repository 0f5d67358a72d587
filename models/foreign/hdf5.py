"""Numbers and texts of an HDF5 file, read in a child process: nothing outside the file is followed, sizes are checked before reading.

Soft and external links are not followed, data sets whose values lie in other files are refused, and no plug-in is loaded for a filter.
"""

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import CheckpointError

LARGEST = 1_000_000_000  # bytes of all arrays together
LARGEST_ATTRIBUTE = 64_000_000  # bytes; a configuration with its vocabulary has a few million
MOST_OBJECTS = 50_000
DEEPEST = 60
ATTRIBUTES = re.compile(r"(layer_names|weight_names|model_config)\d*|keras_version|name")
TRAINING = re.compile(r"(^|/)_?optimizer(_weights)?(/|$)")  # state of a training, which no prediction needs


@dataclass(frozen=True, eq=False)
class Contents:
    """What a file holds.

    Args:
        arrays: Numbers [...] by their path in the file, "layers/lstm/cell/vars/0".
        texts: Attributes that Keras writes, by path of the group and name of the attribute: a text, or a list of texts.
        left: Paths that were not followed or read.
    """

    arrays: dict[str, np.ndarray]
    texts: dict[tuple[str, str], str | list[str]]
    left: tuple[str, ...]


def contents(path: Path) -> Contents:
    """Everything in a file but the state of an optimizer.

    Raises:
        CheckpointError: the end of a sentence on why it cannot be read.
    """
    os.environ["HDF5_PLUGIN_PRELOAD"] = "::"  # HDF5 loads no plug-in then
    import h5py

    try:
        with h5py.File(path, "r") as file:
            sets, texts, left = {}, {}, []
            for name, item in _items(file, left):
                if isinstance(item, h5py.Dataset):
                    sets[name] = item
                else:
                    texts |= {(name, key): value for key, value in _attributes(item)}
            kept = {name: item for name, item in sets.items() if item.dtype.kind in "fiub" and item.size}
            left += sorted(sets.keys() - kept.keys())
            _check_sizes(kept)
            return Contents({name: _values(item) for name, item in kept.items()}, texts, tuple(left))
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:  # whatever a damaged file makes of HDF5; this process reads this file alone
        first = (str(error).splitlines() or ["no reason given"])[0][:150].rstrip(".")
        raise CheckpointError(f"is a damaged HDF5 file ({first}). Copy or download it again.") from None


def _items(file: Any, left: list[str]) -> Iterator[tuple[str, Any]]:
    """Every group and data set by its path, the file itself first; what only a link leads to is left out."""
    import h5py

    waiting, groups, count = [("", file, 0)], set(), 0
    while waiting:
        path, item, depth = waiting.pop()
        count += 1
        if count > MOST_OBJECTS or depth > DEEPEST:
            raise CheckpointError(f"has more than {MOST_OBJECTS:,} parts, or more than {DEEPEST} groups inside each other.")
        yield path, item
        if not isinstance(item, h5py.Group):
            continue
        address = h5py.h5g.get_objinfo(item.id).objno
        if address in groups:  # a group inside itself
            continue
        groups.add(address)
        inside = [f"{path}/{name}".lstrip("/") for name in item]
        for name in [name for name in reversed(inside) if not TRAINING.search(name)]:
            if isinstance(item.get(name.rpartition("/")[2], getlink=True), h5py.HardLink):
                waiting.append((name, item[name.rpartition("/")[2]], depth + 1))
            else:
                left.append(name)


def _attributes(item: Any) -> Iterator[tuple[str, str | list[str]]]:
    """The attributes of a group that Keras writes."""
    import h5py

    for name in item.attrs:
        if not ATTRIBUTES.fullmatch(name):
            continue
        stored = h5py.h5a.open(item.id, name.encode())
        if math.prod(stored.shape) * stored.dtype.itemsize > LARGEST_ATTRIBUTE:
            raise CheckpointError(f"has an attribute {name!r} of more than {LARGEST_ATTRIBUTE // 1_000_000} MB.")
        value = item.attrs[name]
        if isinstance(value, bytes | str):
            yield name, _text(value)
        elif isinstance(value, np.ndarray) and value.ndim == 1 and all(isinstance(one, bytes | str) for one in value.tolist()):
            yield name, [_text(one) for one in value.tolist()]


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _check_sizes(sets: dict[str, Any]) -> None:
    """Refuse values outside the file, and more bytes than may be read, packed or not."""
    total = 0
    for name, item in sets.items():
        if item.external or item.is_virtual:
            raise CheckpointError(f"keeps the values of {name[:100]!r} in another file, which is not read. Save the model as one file.")
        block = math.prod(item.chunks) * item.dtype.itemsize if item.chunks else 0
        total += max(math.prod(item.shape) * max(4, item.dtype.itemsize), block)
    if total > LARGEST:
        raise CheckpointError(f"holds more than {LARGEST // 1_000_000:,} MB of arrays, the most that can be opened here.")


def _values(item: Any) -> np.ndarray:
    """The values [...] of a data set, floating ones as float32."""
    values = item[()]
    return np.asarray(values, np.float32) if item.dtype.kind == "f" else np.asarray(values)
