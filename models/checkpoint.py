"""Checkpoints: one safetensors file that rebuilds its model alone; the header's metadata holds the card as JSON.

Nothing is ever unpickled: a file is parsed, compared with what its card promises, and only then becomes a module.
"""

import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import CheckpointError
from models.family import Family, kinds, named

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

FORMAT = 1
LARGEST_HEADER = 4_000_000  # bytes; ours have some 20,000
PICKLES = {b"PK": "a zip archive, such as torch.save writes", b"\x80\x02": "a pickle", b"\x80\x04": "a pickle", b"\x80\x05": "a pickle"}
FLOATS = ("F16", "BF16", "F32", "F64")
AGAIN = "Copy or download it again."


@dataclass(frozen=True, eq=False)
class Loaded:
    """A trained model, ready to read: `module` in eval mode without gradients, `vocab`, and the `card` of its file."""

    name: str
    module: "nn.Module"
    vocab: Any  # what its family names as its vocabulary
    card: dict[str, Any]


def one_thread() -> None:
    """Let torch compute with one thread: one text is read step by step, where more threads wait for each other (4 times the time)."""
    import torch

    torch.set_num_threads(1)


def write_atomically(path: str | os.PathLike, *parts: bytes | memoryview) -> None:
    """Write bytes to a file so that a crash leaves the old file or the new one, never half of one.

    Raises:
        OSError: the folder cannot be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def save(module: "nn.Module", card: dict[str, Any], path: str | os.PathLike) -> None:
    """Write a module's weights and its card as one file; float32 weights are stored as float16.

    Args:
        module: The trained network.
        card: At least `kind`, `arguments` (of the constructor) and `vocabulary`; whatever else a reader should know.
        path: Where to; ends in .safetensors.

    Raises:
        CheckpointError: the card is of no known kind, or lacks something that `load` needs.
    """
    from safetensors.torch import save as as_bytes
    from torch import float32

    lacking = [name for name in ("kind", "arguments", "vocabulary") if name not in card]
    if lacking or card["kind"] not in kinds():
        got = f"lacks {', '.join(lacking)}" if lacking else f"is of kind {card['kind']!r}"
        raise CheckpointError(f"The card {got}; expected kind ({', '.join(sorted(kinds()))}), arguments and vocabulary.")
    tensors = {}
    for name, tensor in module.state_dict().items():
        half = tensor.half() if tensor.dtype == float32 else tensor
        tensors[name] = (half if half.isfinite().all() else tensor).cpu().contiguous()
    write_atomically(path, as_bytes(tensors, {"card": json.dumps({"format": FORMAT} | card)}))


def write_arrays(arrays: dict[str, "np.ndarray"], card: dict[str, Any], path: str | os.PathLike) -> None:
    """Write plain arrays, of any axes [...], with a card: for what is counted, not trained."""
    from safetensors.numpy import save as as_bytes

    write_atomically(path, as_bytes(arrays, {"card": json.dumps(card)}))


def read_arrays(path: str | os.PathLike) -> dict[str, "np.ndarray"]:
    """The arrays of a file by name; torch is not needed.

    Raises:
        CheckpointError: the file is missing, damaged or foreign.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    read_card(path)
    try:
        return from_bytes(Path(path).read_bytes())
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is damaged ({error}). {AGAIN}") from None


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The header of a safetensors file and where its data begins; refuses what is none, or is cut short."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
            size = os.fstat(file.fileno()).st_size
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            text = file.read(length) if 2 <= length <= min(LARGEST_HEADER, size - 8) else None
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist. Expected a .safetensors checkpoint.") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}).") from None
    if text is None or not text.startswith(b"{"):
        raise CheckpointError(f"{path} {_foreign(start, size, length)}")
    try:
        header = json.loads(text)
        ends = [int(about["data_offsets"][1]) for name, about in header.items() if name != "__metadata__"]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        raise CheckpointError(f"{path} has a damaged header; expected a safetensors file. {AGAIN}") from None
    promised = 8 + length + max(ends, default=0)
    if promised != size:
        raise CheckpointError(f"{path} has {size:,} bytes; its header promises {promised:,}. It is cut short or damaged. {AGAIN}")
    return header, 8 + length


def _foreign(start: bytes, size: int, length: int) -> str:
    """What a file is that does not begin like safetensors, by its first bytes."""
    for magic, what in PICKLES.items():
        if start.startswith(magic):
            advice = "Nothing is unpickled here: save its state dict with safetensors instead, or train it with `python -m models train`."
            return f"is {what}; expected a .safetensors checkpoint. {advice}"
    why = "is empty" if size == 0 else f"is not a safetensors file, or one cut short (its header would have {length:,} bytes of {size:,})"
    return f"{why}. Expected a checkpoint written by models.checkpoint.save. {AGAIN}"


def _card(path: Path, header: dict[str, Any]) -> dict[str, Any]:
    try:
        card = json.loads(header["__metadata__"]["card"])
    except (KeyError, TypeError, ValueError, RecursionError):
        card = None
    if not isinstance(card, dict):
        raise CheckpointError(f"{path} is a safetensors file without a card; expected one written by models.checkpoint.save.")
    if not isinstance(card.get("format"), int) or not 1 <= card["format"] <= FORMAT:
        raise CheckpointError(f"{path} is of format {card.get('format')!r}; this version reads 1 to {FORMAT}. Update the project.")
    return card


def read_card(path: str | os.PathLike) -> dict[str, Any]:
    """The card of a checkpoint: only the header is read, and torch is not needed.

    Raises:
        CheckpointError: the file is missing, damaged, foreign, or of a later format; the message says which.
    """
    return _card(Path(path), _header(Path(path))[0])


def update_card(path: str | os.PathLike, **fields: Any) -> dict[str, Any]:
    """Put fields into the card of a file, for example `units`; the weights stay byte for byte. Gives the new card.

    Raises:
        CheckpointError: as `read_card`.
    """
    path = Path(path)
    header, begin = _header(path)
    card = _card(path, header) | fields
    header["__metadata__"]["card"] = json.dumps(card)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors stay aligned, as safetensors wants
    write_atomically(path, struct.pack("<Q", len(text)), text, path.read_bytes()[begin:])
    return card


def _weights(path: Path) -> dict[str, Any]:
    """The tensors of a checkpoint by name, in memory; floating ones as float32."""
    from safetensors import SafetensorError
    from safetensors.torch import load as from_bytes

    try:
        tensors = from_bytes(path.read_bytes())
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is damaged ({error}). {AGAIN}") from None
    tensors = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    broken = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
    if broken:
        raise CheckpointError(f"{path} holds values that are no numbers in {broken[0]}. It is damaged, or its training failed.")
    return tensors


def load(path: str | os.PathLike) -> Loaded:
    """The model of a checkpoint, rebuilt from the file alone: eval mode, float32, no gradients.

    Raises:
        CheckpointError: the file is damaged, foreign, of an unknown kind, or its weights do not fit its card.
    """
    path = Path(path)
    header, _ = _header(path)
    card = _card(path, header)
    header.pop("__metadata__", None)
    if not isinstance(card.get("kind"), str) or card["kind"] not in kinds():
        raise CheckpointError(f"{path} is of kind {card.get('kind')!r}. Known kinds: {', '.join(sorted(kinds()))}.")
    family = kinds()[card["kind"]]
    vocab = _vocabulary(path, card, family)
    _check(path, card, family)
    module = _empty_module(path, card, len(vocab), len(header))
    _check_fit(path, {name: list(t.shape) for name, t in module.state_dict().items()}, header)
    module.load_state_dict(_weights(path), assign=True)
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
    """A card holds what its family needs beside the vocabulary."""
    try:
        if family.check is not None:
            named(family.check)(card)
    except ValueError as error:
        raise CheckpointError(f"The card of {path} {error}") from None


def _empty_module(path: Path, card: dict[str, Any], vocab_size: int, tensors: int) -> "nn.Module":
    """The module without memory for its weights: a card that asks for too much is found out before it costs anything."""
    import torch

    arguments = card.get("arguments")
    if not isinstance(arguments, dict) or arguments.get("vocab_size", vocab_size) != vocab_size:
        raise CheckpointError(f"The card of {path} names other sizes than its vocabulary of {vocab_size}. It is damaged.")
    layers = arguments.get("layers", 1)
    if not isinstance(layers, int) or layers > tensors:
        raise CheckpointError(f"The card of {path} asks for {layers!r} layers; the file holds {tensors} tensors. It is damaged.")
    try:
        with torch.device("meta"):
            return named(kinds()[card["kind"]].network)(**arguments)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        advice = "It is damaged, or of a later version."
        raise CheckpointError(f"The card of {path} describes no {card['kind']} that can be built ({reason}). {advice}") from None


def _check_fit(path: Path, expected: dict[str, list[int]], header: dict[str, Any]) -> None:
    """The tensors of the file are those of the module, by name and shape."""
    missing, unexpected = sorted(expected.keys() - header.keys()), sorted(header.keys() - expected.keys())
    if missing or unexpected:
        got = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"holds {', '.join(unexpected)} too"] * bool(unexpected)
        raise CheckpointError(f"{path} {' and '.join(got)}; its card promises {len(expected)} tensors, those of the network it describes.")
    for name, shape in expected.items():
        if header[name].get("shape") != shape:
            raise CheckpointError(f"{name} in {path} has shape {header[name].get('shape')}; its card promises {shape}. It is damaged.")
        if header[name].get("dtype") not in FLOATS:
            raise CheckpointError(f"{name} in {path} is of type {header[name].get('dtype')}; expected one of {', '.join(FLOATS)}.")
