"""What subword files give, read in a child process by the C code of two libraries: their tokens by id, and the ids of a text.

tokenizer.json is that of Hugging Face's `tokenizers`; a model of SentencePiece is a protocol buffer. Tokens get names in which a space is
a space and a byte that is no character is a byte; see models.foreign.tokens for its name.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from explorer.errors import CheckpointError
from models.foreign.tokens import BYTES, MOST

BLANK = "\u2581"  # represents a space in SentencePiece and its relatives
TEXT = "text"  # name of the file beside a subword file that holds the text to encode
# How GPT-2 writes the bytes that no letter stands for: by the letters from U+0100 on.
_OWN = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_OTHERS = [byte for byte in range(256) if byte not in _OWN]
LETTERS = {chr(byte): byte for byte in _OWN} | {chr(0x100 + index): byte for index, byte in enumerate(_OTHERS)}


def tokens(path: Path, folder: Path) -> dict[str, Any]:
    """The readable names of all tokens by id.

    Raises:
        CheckpointError: the end of a sentence on why the file cannot be read.
    """
    return {"tokens": _opened(path)[0]}


def encode(path: Path, folder: Path) -> dict[str, Any]:
    """The ids of the text in the file beside it, and the part of the text that each stands for.

    Raises:
        CheckpointError: the end of a sentence on why the file cannot be read.
    """
    ids, surfaces = _opened(path)[1](path.with_name(TEXT).read_text(encoding="utf-8"))
    return {"ids": list(ids), "surfaces": list(surfaces)}


Encoder = Callable[[str], tuple[Sequence[int], Sequence[str]]]


def _opened(path: Path) -> tuple[list[str], Encoder]:
    """The names of all tokens, and what encodes a text."""
    content = path.read_bytes()
    try:
        return _of_json(content) if content.lstrip().startswith(b"{") else _of_sentencepiece(content)
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:  # whatever a damaged file makes of a library
        first = (str(error).splitlines() or ["no reason given"])[0][:150].rstrip(".")
        raise CheckpointError(
            f"cannot be read as a file of subwords ({first}). Expected a tokenizer.json or a SentencePiece model."
        ) from None


def _of_json(content: bytes) -> tuple[list[str], Encoder]:
    from tokenizers import Tokenizer

    text = content.decode("utf-8")
    tokenizer: Any = Tokenizer.from_str(text)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    raw = _by_id(tokenizer.get_vocab(with_added_tokens=True))
    special = set(tokenizer.get_added_tokens_decoder())
    settings = json.loads(text)
    named = _unique([token if index in special else _readable(token, settings) for index, token in enumerate(raw)], raw)

    def encoded(text: str) -> tuple[Sequence[int], Sequence[str]]:
        said = tokenizer.encode(text, add_special_tokens=False)
        return said.ids, [text[begin:end] for begin, end in said.offsets]

    return named, encoded


def _of_sentencepiece(content: bytes) -> tuple[list[str], Encoder]:
    from sentencepiece import SentencePieceProcessor

    processor: Any = SentencePieceProcessor(model_proto=content)
    if not 0 < processor.get_piece_size() <= MOST:
        raise CheckpointError(f"lists {processor.get_piece_size():,} subwords; expected 1 to {MOST:,}.")
    raw = [processor.id_to_piece(index) for index in range(processor.get_piece_size())]
    names = [piece.replace(BLANK, " ") for piece in raw]
    if processor.unk_id() >= 0:
        names[processor.unk_id()] = "<unk>"
    encoded = lambda text: (processor.encode(text), [piece.replace(BLANK, " ") for piece in processor.encode(text, out_type=str)])  # noqa: E731
    return _unique(names, raw), encoded


def _by_id(table: Mapping[str, int]) -> list[str]:
    """The tokens of a table by id; ids that no token has get a name that no text contains."""
    last = max(table.values(), default=-1)
    if last >= MOST:
        raise CheckpointError(f"has the id {last:,}; expected ids below {MOST:,}.")
    listed = [f"<id {index}>" for index in range(last + 1)]
    for token, index in table.items():
        listed[index] = token
    return listed


def _readable(token: str, settings: Mapping[str, Any]) -> str:
    """A token as it stands in a text: with spaces as spaces."""
    kinds = set(_values(settings, "type"))
    if "ByteLevel" in kinds:
        return _of_bytes(token)
    if "Metaspace" in kinds:
        return token.replace(BLANK, " ")
    suffix = settings["model"].get("end_of_word_suffix")
    return token.removesuffix(suffix) + " " if suffix and token.endswith(suffix) else token


def _of_bytes(token: str) -> str:
    """The text of a token that is written in the letters of GPT-2; a byte that is no character gets its name."""
    if not all(letter in LETTERS for letter in token):
        return token
    spelt = bytes(LETTERS[letter] for letter in token)
    try:
        return spelt.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(BYTES[byte] for byte in spelt)


def _values(settings: Any, key: str, depth: int = 6) -> Iterator[Any]:
    """The values of a key in the steps of a tokenizer; its vocabulary is not searched."""
    if isinstance(settings, Mapping):
        if isinstance(settings.get(key), str):
            yield settings[key]
        parts = [part for name, part in settings.items() if name not in ("vocab", "merges", "added_tokens")]
    else:
        parts = settings if isinstance(settings, list) else []
    for part in parts if depth else ():
        yield from _values(part, key, depth - 1)


def _unique(names: Sequence[str], raw: Sequence[str]) -> list[str]:
    """Names of which none occurs twice: a second token of a name keeps the one that it has in the file, or gets its id."""
    used: set[str] = set()
    unique = []
    for index, (name, own) in enumerate(zip(names, raw, strict=True)):
        name = next(one for one in (name, own, f"{own} <id {index}>") if one not in used)
        used.add(name)
        unique.append(name)
    return unique
