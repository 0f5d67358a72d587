"""A list of tokens in any of the files in which people keep one, and what splits a text into them."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from explorer.errors import CheckpointError
from models.foreign import child
from models.foreign.subwords import SubwordFile
from models.foreign.tokens import read_tokens

ENDINGS = ("json", "txt", "vocab", "model", "pt", "pth")
MODELS = ("BPE", "WordPiece", "Unigram", "WordLevel")  # of a tokenizer.json
SAVED = (b"PK", b"\x80")  # a file of torch.save begins with one of these
PROTOBUF = b"\n"  # begins a model of SentencePiece


@dataclass(frozen=True)
class Listed:
    """A list of tokens that fits a file.

    Args:
        source: Where it comes from, for a menu.
        tokens: The tokens by their ids.
        sure: Whether it is the file's own.
        file: What splits a text into them; None: the text is split by its characters, bytes or words.
    """

    source: str
    tokens: tuple[str, ...] = field(repr=False)
    sure: bool = False
    file: SubwordFile | None = field(default=None, repr=False)


def read_list(content: bytes, name: str) -> Listed:
    """The list of a file: JSON, one token per line, a vocabulary of torch.save, a tokenizer.json, or a model of SentencePiece.

    Args:
        content: The bytes of the file.
        name: Its name.

    Raises:
        CheckpointError: it is no list of tokens.
    """
    if content.startswith(SAVED):
        return Listed(name, _saved(content, name), True)
    if _is_tokenizer(content) or name.endswith(".model") or (content.startswith(PROTOBUF) and not _is_text(content)):
        file = SubwordFile(content, name)
        return Listed(name, file.tokens(), True, file)
    return Listed(name, read_tokens(content, name), True)


def _saved(content: bytes, name: str) -> tuple[str, ...]:
    """The longest list in a file of torch.save, such as a vocabulary of torchtext; nothing of its classes is run."""
    with TemporaryDirectory(prefix="recurrent-explorer-list-") as folder:
        file = Path(folder, "file")
        file.write_bytes(content)
        said, _ = child.run("models.foreign.torch_file:read", file, name)
    if not said["tokens"]:
        raise CheckpointError(f"{name} is a file of torch.save without a list of tokens. Save the list itself: `torch.save(list, file)`.")
    return tuple(max(said["tokens"].values(), key=len))


def _is_tokenizer(content: bytes) -> bool:
    """Whether a file is a tokenizer.json."""
    if content.lstrip()[:1] != b"{" or b'"model"' not in content:
        return False
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return False
    model = value.get("model")
    return isinstance(model, dict) and "vocab" in model and (model.get("type") in MODELS or "merges" in model)


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
