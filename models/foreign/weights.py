"""Tensors by name from the files in which people keep networks: safetensors, torch.save, npz and Keras.

safetensors and npz are parsed here, all else in a child process. Importing this module does not import torch.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from explorer.errors import CheckpointError
from models import checkpoint
from models.foreign import child
from models.foreign.archives import arrays_of_npz, names_in_zip
from models.foreign.described import Described
from models.foreign.parametrized import effective
from models.foreign.tokens import metadata_tokens

MOST_TENSORS = 3_000
LONGEST_NAME = 300  # characters of the name of a tensor
ENDINGS = ("safetensors", "pt", "pth", "ckpt", "net", "tar", "bin", "npz", "h5", "hdf5", "keras")
HDF5 = b"\x89HDF\r\n\x1a\n"
PICKLED = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
TAR = (257, b"ustar")
# What stands before all names of a state dict because of how it was saved, and says nothing of the network.
WRAPPERS = re.compile(r"^(module|_orig_mod|state_dict|model_state_dict|model_state|model|net|network|weights|params|_model|ema)\.")


@dataclass(frozen=True, eq=False)
class Weights:
    """What a file holds of a network.

    Args:
        file: Name of the file.
        form: What the file is, for a sentence: "a safetensors file".
        tensors: Arrays of any axes [...] by name, floating ones float32, in the order of the file.
        settings: Numbers, switches and short texts beside them, by name.
        tokens: Lists of tokens beside them, by name.
        notes: Sentences on what was not read, or was assumed.
        described: What the file says of its network; None if it holds weights alone.
    """

    file: str
    form: str
    tensors: dict[str, np.ndarray]
    settings: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    described: Described | None = None


def read(content: bytes, file: str) -> Weights:
    """The tensors of a file, whatever its ending says; its first bytes say what it is.

    Args:
        content: The bytes of the file.
        file: Its name, for errors.

    Raises:
        CheckpointError: it is none of the formats, is damaged, too large, or holds no tensor.
    """
    name = repr(Path(file).name[:100])
    weights = _reader(content, name)(content, name)
    tensors = {key: value for key, value in weights.tensors.items() if value.size}
    tensors = tensors if weights.described else effective(_without_wrappers(tensors))
    if not tensors:
        raise CheckpointError(f"{name} is {weights.form} without a tensor. Expected the weights of a network.")
    if len(tensors) > MOST_TENSORS:
        raise CheckpointError(f"{name} holds {len(tensors):,} tensors; at most {MOST_TENSORS:,} can be shown.")
    if longest := [key for key in tensors if len(key) > LONGEST_NAME]:
        raise CheckpointError(f"{name} has a tensor with a name of {len(longest[0]):,} characters; at most {LONGEST_NAME} can be shown.")
    return replace(weights, file=name, tensors=tensors)


def _reader(content: bytes, name: str) -> Callable[[bytes, str], Weights]:
    if content[4:9] == b"\0\0\0\0{":  # before all others: the length of its header may begin as a pickle or a zip archive does
        return _safetensors
    if content.startswith(HDF5):
        return _keras
    if content.startswith(b"PK"):
        inside = names_in_zip(content, name)
        if any(one.endswith("data.pkl") for one in inside):
            return _torch
        return _npz if all(one.endswith(".npy") for one in inside) else _keras
    if content.startswith(PICKLED) or content[TAR[0] : TAR[0] + 5] == TAR[1]:
        return _torch
    if content[8:9] == b"{":
        return _safetensors
    got = "is empty" if not content else "is none of the formats that are read here"
    raise CheckpointError(f"{name} {got}. Expected weights as safetensors, torch.save, npz or Keras write them: .{', .'.join(ENDINGS)}.")


def _safetensors(content: bytes, name: str) -> Weights:
    shapes = checkpoint.shapes_of(io.BytesIO(content), Path(name))  # checks header and length
    from safetensors import SafetensorError

    try:
        tensors = _numpy_of(content)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{name} is damaged ({error}). {checkpoint.AGAIN}") from None
    tokens = metadata_tokens(checkpoint.metadata_of(io.BytesIO(content), Path(name)))
    return Weights(name, "a safetensors file", {key: _number(tensors[key]) for key in shapes if key in tensors}, {}, tokens)


def _numpy_of(content: bytes) -> dict[str, np.ndarray]:
    """The arrays [...] of a safetensors file by name; numpy has none of bfloat16 and of 8 bits, torch does."""
    from safetensors.numpy import load

    try:
        return load(content)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if not re.search("bf16|bfloat16|F8_E", str(error), re.IGNORECASE):
            raise
    from safetensors.torch import load as load_torch

    return {key: (value.float() if value.is_floating_point() else value).numpy() for key, value in load_torch(content).items()}


def _npz(content: bytes, name: str) -> Weights:
    tensors, tokens, notes = arrays_of_npz(content, name)
    return Weights(name, "an .npz file", {key: _number(value) for key, value in tensors.items()}, {}, tokens, tuple(notes))


def _torch(content: bytes, name: str) -> Weights:
    said, tensors = _in_child("models.foreign.torch_file:read", content, name)
    notes = []
    if classes := said["classes"]:
        listed = ", ".join(_clipped(classes)) + (f" and {len(classes) - 4} more" if len(classes) > 4 else "")
        notes.append(f"The file names classes ({listed}). Empty ones took their place, and nothing of them was imported or run.")
    if left := said["left"]:
        notes.append(f"Left out, because they are sparse, quantised, complex or empty: {', '.join(_clipped(left))}.")
    form = "a whole module, written by torch.save" if said["classes"] else "a file written by torch.save"
    tokens = {key: tuple(listed) for key, listed in said["tokens"].items()}
    return Weights(name, form, {key: tensors[key] for key in said["order"]}, said["settings"], tokens, tuple(notes))


def _clipped(names: list[str]) -> list[str]:
    """The first names of a list, none of them long."""
    return [name[:80] for name in names[:4]]


def _keras(content: bytes, name: str) -> Weights:
    said, tensors = _in_child("models.foreign.keras_file:read", content, name)
    tokens = {key: tuple(listed) for key, listed in said["tokens"].items()}
    described = Described.of_answer(said["described"]) if said["described"] else None
    ordered = {key: tensors[key] for key in said["order"]}
    return Weights(name, said["form"], ordered, said["settings"], tokens, tuple(said["notes"]), described)


def _in_child(reader: str, content: bytes, name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Answer and arrays of a reader in a child process."""
    with TemporaryDirectory(prefix="recurrent-explorer-file-") as folder:
        file = Path(folder, "file")
        file.write_bytes(content)
        said, arrays = child.run(reader, file, name)
    if not arrays:
        return said, {}
    return said, _safetensors(arrays, name).tensors


def _number(array: np.ndarray) -> np.ndarray:
    """An array [...] as float32; integers stay as they are."""
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _without_wrappers(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same tensors without a wrapper's name before all of theirs, such as "module." of DataParallel."""
    while len({first[0] for name in tensors if (first := WRAPPERS.match(name))}) == 1 and all(map(WRAPPERS.match, tensors)):
        tensors = {WRAPPERS.sub("", name): value for name, value in tensors.items()}
    return tensors
