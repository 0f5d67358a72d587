"""Checkpoints: a model in one safetensors file, with its card as JSON in the metadata of the header.

Nothing is ever unpickled. A file is parsed and compared with its card before a module is built from it.
"""

import hashlib
import io
import json
import math
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as short
from typing import TYPE_CHECKING, Any, BinaryIO

from pydantic_core import from_json

from explorer.errors import CheckpointError
from models.family import PROGRAM, Family, kinds, named
from models.files import alone, opened, write_atomically

if TYPE_CHECKING:
    import numpy as np
    from torch import nn
    from torch.overrides import TorchFunctionMode

FORMAT = 1
LARGEST_HEADER = 4_000_000  # bytes; those of this project have about 20,000
LARGEST = 1_000_000_000  # bytes of a file; those of this project have at most 11 million
BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2}
BYTES |= {"I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8, "F8_E4M3FNUZ": 1, "F8_E5M2FNUZ": 1}  # bytes per value
MOST_AXES = 8  # maximum number of axes of a tensor
PICKLES = {b"PK": "a zip archive, such as torch.save writes", b"\x80\x02": "a pickle", b"\x80\x04": "a pickle", b"\x80\x05": "a pickle"}
UNREAD = ("F4", "F6_E2M3", "F6_E3M2", "F8_E8M0", "C64")  # types that safetensors has, and that are not read here
FLOATS = ("F16", "BF16", "F32", "F64")
AGAIN = "Copy or download it again."


@dataclass(frozen=True, eq=False)
class Loaded:
    """A trained model ready for use: `module` in eval mode without gradients, `vocab`, and the `card` of its file."""

    name: str
    module: "nn.Module"
    vocab: Any  # of the class that its family names as `vocabulary`
    card: dict[str, Any]


def one_thread() -> None:
    """Limits torch to one thread: a single text is read step by step, and more threads make this 4 times slower."""
    import torch

    torch.set_num_threads(1)


def fingerprint(loaded: Loaded) -> str:
    """A checksum of a network's weights, for which alone a measurement is valid, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, values in sorted(loaded.module.state_dict().items()):
        digest.update(name.encode() + values.numpy().tobytes())
    return digest.hexdigest()[:16]


def save(module: "nn.Module", card: dict[str, Any], path: str | os.PathLike) -> None:
    """Writes a module's weights and its card as one file; float32 weights are stored as float16.

    Args:
        module: The trained network.
        card: At least `kind`, `arguments` (of the constructor) and `vocabulary`; further fields are optional.
        path: File to write, ending in .safetensors.

    Raises:
        CheckpointError: the kind of the card is unknown, the card lacks a field that `load` needs, or `load` would refuse its
            vocabulary.
        OSError: the folder cannot be written.
    """
    content = as_file(module, card)
    with alone(path):
        write_atomically(path, content)


def as_saved(module: "nn.Module", card: dict[str, Any], path: str | os.PathLike) -> Loaded:
    """The network as `load` would return it after `save`, with weights rounded to float16; nothing is written.

    Raises:
        CheckpointError: as `save` and `load`.
    """
    return _loaded(io.BytesIO(as_file(module, card)), Path(path))


def as_file(module: "nn.Module", card: dict[str, Any], exact: bool = False) -> bytes:
    """The bytes of a checkpoint, see `save`.

    Args:
        module, card: As for `save`.
        exact: Whether float32 weights are stored as they are; else as float16.

    Raises:
        CheckpointError: as `save`.
    """
    from safetensors.torch import save as as_bytes
    from torch import float32

    lacking = [name for name in ("kind", "arguments", "vocabulary") if name not in card]
    if lacking or card["kind"] not in kinds():
        got = f"lacks {', '.join(lacking)}" if lacking else f"is of kind {card['kind']!r}"
        raise CheckpointError(f"The card {got}; expected kind ({', '.join(sorted(kinds()))}), arguments and vocabulary.")
    vocabulary = kinds()[card["kind"]].vocabulary
    if vocabulary is not None:
        try:
            named(vocabulary).of_card(card | {"vocabulary": list(card["vocabulary"])})
        except ValueError as error:
            raise CheckpointError(f"`load` would not open this card: {error}") from None
    tensors = {}
    for name, tensor in module.state_dict().items():
        half = tensor.half() if tensor.dtype == float32 and not exact else tensor
        tensors[name] = (half if half.isfinite().all() else tensor).cpu().contiguous()
    return as_bytes(tensors, {"card": json.dumps({"format": FORMAT} | card)})


def write_arrays(arrays: dict[str, "np.ndarray"], card: dict[str, Any], path: str | os.PathLike) -> None:
    """Writes arrays of any axes [...] with a card, for models that are counted and not trained."""
    from safetensors.numpy import save as as_bytes

    content = as_bytes(arrays, {"card": json.dumps(card)})
    with alone(path):
        write_atomically(path, content)


def read_arrays(path: str | os.PathLike) -> tuple[dict[str, "np.ndarray"], dict[str, Any]]:
    """The arrays of a file by name, of any axes [...], and its card; torch is not needed.

    Raises:
        CheckpointError: the file is missing, damaged or foreign.
    """
    from safetensors.numpy import load as from_bytes

    path = Path(path)
    with _opened(path) as file:
        header, _ = _header(file, path)
        card = _card(path, header)
        return _tensors(file, path, from_bytes), card


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file of a checkpoint, open for reading; errors become a CheckpointError."""
    try:
        with opened(path) as file:
            yield file
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist. Expected a .safetensors checkpoint.") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}).") from None


def shapes_of(file: BinaryIO, path: Path) -> dict[str, list[int]]:
    """Names and shapes of the tensors in an open safetensors file; `path` is its name in errors.

    Raises:
        CheckpointError: the file is damaged or no safetensors file.
    """
    return {name: about["shape"] for name, about in _header(file, path)[0].items() if name != "__metadata__"}


def metadata_of(file: BinaryIO, path: Path) -> dict[str, Any]:
    """The metadata in the header of an open safetensors file, texts by name; `path` is its name in errors.

    Raises:
        CheckpointError: the file is damaged or no safetensors file.
    """
    metadata = _header(file, path)[0].get("__metadata__")
    return metadata if isinstance(metadata, dict) else {}


def _header(file: BinaryIO, path: Path) -> tuple[dict[str, Any], int]:
    """The header of a safetensors file and the start of its data; refuses other files, truncated files and far too large ones."""
    size, start = file.seek(0, os.SEEK_END), (file.seek(0), file.read(8))[1]
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    text = file.read(length) if 2 <= length <= min(LARGEST_HEADER, size - 8) else None
    if text is None or not text.startswith(b"{"):
        raise CheckpointError(f"{path} {_foreign(start, size, length)}")
    try:
        header = from_json(text)
        if unread := sorted({about["dtype"] for about in header.values() if about.get("dtype") in UNREAD}):
            raise CheckpointError(f"{path} has tensors of type {unread[0]}, which is not read here. Save them as float32 or float16.")
        promised = 8 + length + _promised(header)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise CheckpointError(f"{path} has a damaged header; expected a safetensors file. {AGAIN}") from None
    if promised != size:
        raise CheckpointError(f"{path} has {size:,} bytes; its header promises {promised:,}. It is cut short or damaged. {AGAIN}")
    if size > LARGEST:
        raise CheckpointError(f"{path} has {size:,} bytes; expected at most {LARGEST:,}. It is larger than any network that opens here.")
    return header, 8 + length


def _promised(header: dict[str, Any]) -> int:
    """Number of bytes of tensors according to a header.

    Raises:
        ValueError, TypeError, KeyError: a number is not an integer or out of range, or tensors overlap or leave gaps.
    """
    spans = sorted(_span(**about) for name, about in header.items() if name != "__metadata__")
    ends = [0, *(end for _, end in spans)]
    if any(begin != end for (begin, _), end in zip(spans, ends, strict=False)):
        raise ValueError("the tensors overlap or leave gaps")
    return ends[-1]


def _span(dtype: str, shape: list[int], data_offsets: list[int]) -> tuple[int, int]:
    """Start and end of the bytes of a tensor."""
    begin, end = data_offsets
    are_whole = all(type(length) is int and 0 <= length < 2**63 for length in (*shape, begin, end))
    if not isinstance(shape, list) or not are_whole or len(shape) > MOST_AXES or math.prod(shape) * BYTES[dtype] != end - begin:
        raise ValueError("the numbers of a tensor do not fit together")
    return begin, end


def _foreign(start: bytes, size: int, length: int) -> str:
    """Description of a file that is not safetensors, by its first bytes."""
    for magic, what in PICKLES.items():
        if start.startswith(magic):
            advice = f"Nothing is unpickled here: save its state dict with safetensors instead, or train it with `{PROGRAM} train`."
            return f"is {what}; expected a .safetensors checkpoint. {advice}"
    why = "is empty" if size == 0 else f"is not a safetensors file, or one cut short (its header would have {length:,} bytes of {size:,})"
    return f"{why}. Expected a checkpoint written by models.checkpoint.save. {AGAIN}"


def _card(path: Path, header: dict[str, Any]) -> dict[str, Any]:
    metadata = header.get("__metadata__")
    text, why, card = metadata.get("card") if isinstance(metadata, dict) else None, "", None
    if isinstance(text, str):
        try:
            card = from_json(text)
        except ValueError as error:
            why = f" that can be read ({error})"
    if not isinstance(card, dict):
        raise CheckpointError(f"{path} is a safetensors file without a card{why}; expected one written by models.checkpoint.save.")
    if not isinstance(card.get("format"), int) or not 1 <= card["format"] <= FORMAT:
        got = f"{path} is of format {short(card.get('format'))}; this version reads 1 to {FORMAT}."
        raise CheckpointError(f"{got} Update the project.")
    return card


def read_card(path: str | os.PathLike) -> dict[str, Any]:
    """The card of a checkpoint: only the header is read, and torch is not needed.

    Raises:
        CheckpointError: the file is missing, damaged, foreign, or of a later format; the message says which.
    """
    path = Path(path)
    with _opened(path) as file:
        return _card(path, _header(file, path)[0])


def update_card(path: str | os.PathLike, measured: Loaded | None = None, /, **fields: Any) -> dict[str, Any]:
    """Adds fields to the card of a file, for example `units`; the weights do not change. Returns the new card.

    Args:
        path: The file.
        measured: The network whose measurements the fields are: they belong to its weights alone.

    Raises:
        CheckpointError: as `read_card`, or the file has other weights than the network that was measured.
        BusyError: another process has been writing the file for a minute.
        OSError: the folder cannot be written.
    """
    path = Path(path)
    with alone(path):
        with _opened(path) as file:  # header and data of one version, even if the file is replaced meanwhile
            header, begin = _header(file, path)
            card = _card(path, header) | fields
            if measured is not None and not _has_weights(measured, _weights(file, path)):
                raise CheckpointError(
                    f"{path} was trained again during the measurement, so nothing was written into its card. Measure again."
                )
            file.seek(begin)
            data = file.read()
        header["__metadata__"]["card"] = json.dumps(card)
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)  # keeps tensors aligned, as safetensors requires
        write_atomically(path, struct.pack("<Q", len(text)), text, data)
    return card


def _tensors(file: BinaryIO, path: Path, from_bytes: Callable[[bytes], dict[str, Any]]) -> dict[str, Any]:
    """The tensors of an open file whose header was checked."""
    from safetensors import SafetensorError

    file.seek(0)
    try:
        return from_bytes(file.read())
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} is damaged ({error}). {AGAIN}") from None


def _weights(file: BinaryIO, path: Path) -> dict[str, Any]:
    """The tensors of a checkpoint by name, in memory; floating ones as float32."""
    from safetensors.torch import load as from_bytes

    tensors = _tensors(file, path, from_bytes)
    tensors = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    broken = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
    if broken:
        raise CheckpointError(f"{path} has values in {broken[0]} that are not finite numbers. It is damaged, or its training failed.")
    return tensors


def _has_weights(network: Loaded, tensors: dict[str, Any]) -> bool:
    """Whether a network was loaded from these tensors."""
    own = network.module.state_dict()
    return own.keys() == tensors.keys() and all(tensor.cpu().equal(tensors[name]) for name, tensor in own.items())


def load(path: str | os.PathLike) -> Loaded:
    """The model of a checkpoint, rebuilt from the file alone: eval mode, float32, no gradients.

    Raises:
        CheckpointError: the file is damaged, foreign, of an unknown kind, or its weights do not fit its card.
    """
    path = Path(path)
    with _opened(path) as file:
        return _loaded(file, path)


def _loaded(file: BinaryIO, path: Path) -> Loaded:
    header, _ = _header(file, path)
    card = _card(path, header)
    header.pop("__metadata__", None)
    if not isinstance(card.get("kind"), str) or card["kind"] not in kinds():
        raise CheckpointError(f"{path} is of kind {short(card.get('kind'))}. Known kinds: {', '.join(sorted(kinds()))}.")
    family = kinds()[card["kind"]]
    vocab = _vocabulary(path, card, family)
    _check(path, card, family)
    module = _empty_module(path, card, len(vocab), len(header))
    _check_fit(path, {name: list(t.shape) for name, t in module.state_dict().items()}, header)
    module.load_state_dict(_weights(file, path), assign=True)
    return Loaded(path.stem, module.eval().requires_grad_(False), vocab, card)


def _vocabulary(path: Path, card: dict[str, Any], family: Family) -> Any:
    tokens = card.get("vocabulary")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise CheckpointError(f"The card of {path} lists no vocabulary. Expected one written by models.checkpoint.save.")
    if family.vocabulary is None:
        return ()
    try:
        return named(family.vocabulary).of_card(card)
    except ValueError as error:
        raise CheckpointError(f"The card of {path} is damaged. {error}") from None


def _check(path: Path, card: dict[str, Any], family: Family) -> None:
    """Checks that a card has the fields that its family needs besides the vocabulary."""
    try:
        if family.check is not None:
            named(family.check)(card)
    except ValueError as error:
        raise CheckpointError(f"The card of {path} {error}") from None


def _without_draws() -> "TorchFunctionMode":
    """Context in which no normal numbers are drawn: for weights without memory, torch would import its compiler to draw them."""
    import torch
    from torch.overrides import TorchFunctionMode

    class WithoutDraws(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            if func in (torch.nn.init.normal_, torch.Tensor.normal_):
                return args[0] if args else (kwargs or {})["tensor"]
            return func(*args, **(kwargs or {}))

    return WithoutDraws()


def _empty_module(path: Path, card: dict[str, Any], vocab_size: int, tensors: int) -> "nn.Module":
    """The module without memory for its weights, so that a card with far too large sizes is refused before memory is allocated."""
    import torch

    arguments = card.get("arguments")
    if not isinstance(arguments, dict) or arguments.get("vocab_size", vocab_size) != vocab_size:
        raise CheckpointError(f"The sizes in the card of {path} do not fit its vocabulary of {vocab_size}. It is damaged.")
    layers = arguments.get("layers", 1)
    if not isinstance(layers, int) or layers > tensors:
        raise CheckpointError(f"The card of {path} asks for {short(layers)} layers; the file holds {tensors} tensors. It is damaged.")
    try:
        with torch.device("meta"), _without_draws():
            return named(kinds()[card["kind"]].network)(**arguments)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        advice = "It is damaged, or of a later version."
        raise CheckpointError(f"The card of {path} is not a valid {card['kind']} configuration ({reason}). {advice}") from None


def _check_fit(path: Path, expected: dict[str, list[int]], header: dict[str, Any]) -> None:
    """Checks that the tensors of the file are those of the module, by name and shape."""
    missing, unexpected = sorted(expected.keys() - header.keys()), sorted(header.keys() - expected.keys())
    if missing or unexpected:
        got = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"holds {', '.join(unexpected)} too"] * bool(unexpected)
        raise CheckpointError(f"{path} {' and '.join(got)}; its card promises {len(expected)} tensors, those of the network it describes.")
    for name, shape in expected.items():
        if header[name].get("shape") != shape:
            raise CheckpointError(
                f"{name} in {path} has shape {short(header[name].get('shape'))}; its card promises {shape}. It is damaged."
            )
        if header[name].get("dtype") not in FLOATS:
            raise CheckpointError(f"{name} in {path} is of type {header[name].get('dtype')}; expected one of {', '.join(FLOATS)}.")
