"""Checkpoints: safetensors whose header holds the card, from which a model is rebuilt alone. Nothing is ever unpickled."""

import importlib
import json
import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import CheckpointError

if TYPE_CHECKING:
    from torch import nn

    from models.vocab import Vocabulary

FORMAT = 1
KINDS = {"char_lm": "models.char_lm:CharLM"}
LARGEST_HEADER = 16 << 20
NEEDED = ("format", "kind", "arguments", "vocabulary", "data", "parameters")


@dataclass(frozen=True, eq=False)
class Loaded:
    """A trained network, ready to run.

    Args:
        name: Name of the checkpoint.
        module: The network, in eval mode, float32, no gradients.
        vocab: What it reads.
        card: What it is: kind, arguments, data, licence, recipe, seed, scores, curve, measured units.
    """

    name: str
    module: "nn.Module"
    vocab: "Vocabulary"
    card: dict[str, Any] = field(repr=False)


def read_card(path: str | os.PathLike) -> dict[str, Any]:
    """The card of a checkpoint, read from the header alone: no torch, no weights.

    Raises:
        CheckpointError: the file is missing, no checkpoint of this project, damaged, or of an unknown kind.
    """
    card = _checked(_header(Path(path)), path)
    if not isinstance(card.get("arguments"), dict) or not isinstance(card.get("vocabulary"), list):
        raise CheckpointError(f"{path} has a damaged card: arguments and vocabulary are not what they should be. Train or fetch it anew.")
    return card


def _header(path: Path) -> dict:
    try:
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            body = file.read(length) if 0 < length <= LARGEST_HEADER else b""
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from None
    if start[:2] == b"PK" or start[:1] == b"\x80":
        raise CheckpointError(f"{path} is a pickle or a torch file; expected safetensors. Pickles can run code and are never opened here.")
    try:
        header = json.loads(body)
    except ValueError:  # also bytes that are no text
        raise CheckpointError(f"{path} is no checkpoint: expected a safetensors file with a card, as `python -m models train` writes.") from None
    if len(body) != length or not isinstance(header, dict):
        raise CheckpointError(f"{path} is no checkpoint: its header is cut short. Get the file once more.")
    return header


def _checked(header: dict, path: str | os.PathLike) -> dict[str, Any]:
    try:
        card = json.loads(header["__metadata__"]["card"])
    except (KeyError, TypeError, ValueError):
        raise CheckpointError(f"{path} holds tensors but no card; expected one written by `python -m models train`.") from None
    missing = [name for name in NEEDED if name not in card] if isinstance(card, dict) else list(NEEDED)
    if missing:
        raise CheckpointError(f"{path} has a card without {', '.join(missing)}; expected one written by `python -m models train`.")
    if card["format"] != FORMAT:
        raise CheckpointError(f"{path} is of format {card['format']}; this version reads format {FORMAT}.")
    if card["kind"] not in KINDS:
        raise CheckpointError(f"{path} is of kind {card['kind']!r}. Known kinds: {', '.join(sorted(KINDS))}.")
    return card


def load(path: str | os.PathLike) -> Loaded:
    """Open a checkpoint.

    Raises:
        CheckpointError: as `read_card`; or the weights are cut short or do not fit the card.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from models.vocab import Vocabulary

    card = read_card(path)
    module_name, class_name = KINDS[card["kind"]].split(":")
    try:
        vocab = Vocabulary(tuple(card["vocabulary"]))
        module = getattr(importlib.import_module(module_name), class_name)(len(vocab), **card["arguments"])
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} has a card that builds no {card['kind']}: {error}") from None
    try:
        weights = {name: tensor.float() for name, tensor in load_file(path).items()}
        module.load_state_dict(weights)
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{path} is damaged: its weights are cut short or do not fit its card. Get the file once more. ({_first_line(error)})") from None
    return Loaded(Path(path).stem, module.eval().requires_grad_(False), vocab, card)


def load_file_named(name: str, where: Path) -> Loaded:
    """A checkpoint by its name inside a folder, or by its path.

    Raises:
        CheckpointError: as `load`; an unknown name lists the known ones.
    """
    path = Path(name) if name.endswith(".safetensors") else where / f"{name}.safetensors"
    if not path.exists() or Path(name).name != name and not name.endswith(".safetensors"):
        names = ", ".join(sorted(p.stem for p in where.glob("*.safetensors"))) or "none"
        raise CheckpointError(f"There is no network {name!r}; there are: {names}.")
    return load(path)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]


def save(path: str | os.PathLike, module: "nn.Module", card: dict[str, Any]) -> None:
    """Write a network with its card; weights as float16. A crash leaves the old file or the new one.

    Raises:
        CheckpointError: the card lacks something that a reader needs.
    """
    import torch

    card = {"format": FORMAT, "parameters": sum(p.numel() for p in module.parameters()), **card}
    _checked({"__metadata__": {"card": json.dumps(card)}}, path)
    weights = {name: tensor.detach().cpu().to(torch.float16).contiguous() for name, tensor in module.state_dict().items()}
    _write(Path(path), weights, card)


def update_card(path: str | os.PathLike, **fields: Any) -> None:
    """Change fields of a checkpoint's card; the weights stay as they are, to the bit."""
    from safetensors.torch import load_file

    card = read_card(path)
    _write(Path(path), load_file(path), card | fields)


def _write(path: Path, weights: dict, card: dict[str, Any]) -> None:
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    save_file(weights, partial, metadata={"card": json.dumps(card, ensure_ascii=False)})
    os.replace(partial, path)
