"""Lists of tokens as people save them: JSON lists and tables, one token per line, Keras tokenizers, and standard alphabets."""

import json
import re
import string
from collections import Counter
from collections.abc import Mapping
from typing import Any

from explorer.errors import CheckpointError
from models.vocabulary.characters import check_whole

MOST = 1_000_000  # tokens of a list
LONGEST = 200  # characters of a token
PADDING = "<pad>"
ESCAPED = re.compile(r"\\[nt\\]|.")  # a character of a typed line
ESCAPES = {r"\n": "\n", r"\t": "\t", "\\\\": "\\"}

BYTE = "<0x{:02X}>"  # name of a byte that is no character by itself, as SentencePiece has it
BYTES = tuple(chr(byte) if byte < 128 else BYTE.format(byte) for byte in range(256))
SPECIAL = tuple(f"<special {index + 1}>" for index in range(3))  # such as padding and the two ends of a text

# Orders in which character networks number their characters, or their bytes, by the name that a menu shows.
ALPHABETS: dict[str, str | tuple[str, ...]] = {
    "string.printable": string.printable,
    "ASCII": "".join(map(chr, range(128))),
    "UTF-8 bytes": BYTES,
    "Latin-1": "".join(map(chr, range(256))),
    "printable ASCII": "".join(map(chr, range(32, 127))),
    'string.ascii_letters and " .,;\'"': string.ascii_letters + " .,;'",
    'string.ascii_letters and " .,;\'-"': string.ascii_letters + " .,;'-",
    "Tiny Shakespeare, sorted": "\n !$&',-.3:;?" + string.ascii_uppercase + string.ascii_lowercase,
    "a to z": string.ascii_lowercase,
    "a to z and a space": string.ascii_lowercase + " ",
    "a space and a to z": " " + string.ascii_lowercase,
    "UTF-8 bytes, then 1 special token": (*BYTES, *SPECIAL[:1]),
    "1 special token, then UTF-8 bytes": (*SPECIAL[:1], *BYTES),
    "UTF-8 bytes, then 2 special tokens": (*BYTES, *SPECIAL[:2]),
    "2 special tokens, then UTF-8 bytes": (*SPECIAL[:2], *BYTES),
    "UTF-8 bytes, then 3 special tokens": (*BYTES, *SPECIAL),
    "3 special tokens, then UTF-8 bytes": (*SPECIAL, *BYTES),
}


def token_list(value: Any) -> tuple[str, ...] | None:
    """The tokens that a value lists in the order of their ids; None if it is no list of tokens.

    A list of texts, a text of different characters, or a table from token to id or from id to token. Ids may start at 1: id 0 is
    then padding.
    """
    if isinstance(value, str):
        tokens = list(value) if 20 <= len(value) == len(set(value)) else []
    elif isinstance(value, Mapping):
        tokens = _of_table(value)
    elif isinstance(value, list | tuple):
        tokens = list(value)
    else:
        return None
    if not 2 <= len(tokens) <= MOST or not all(isinstance(token, str) and len(token) <= LONGEST for token in tokens):
        return None
    try:
        check_whole(tokens)
    except ValueError:
        return None
    return tuple(tokens) if len(set(tokens)) == len(tokens) else None


def _of_table(table: Mapping) -> list[Any]:
    """Tokens of a table by id; empty if its ids are not all the integers from 0 or 1."""
    if not 2 <= len(table) <= MOST:
        return []
    pairs = [(_id(key), value) for key, value in table.items()]
    if not all(isinstance(token, str) and index is not None for index, token in pairs):
        pairs = [(_id(value), key) for key, value in table.items()]
    by_id = sorted((index, token) for index, token in pairs if index is not None and isinstance(token, str))
    first = by_id[0][0] if by_id else -1
    if len(by_id) < len(pairs) or first not in (0, 1) or [index for index, _ in by_id] != list(range(first, first + len(pairs))):
        return []
    return [PADDING] * first + [token for _, token in by_id]


def _id(value: Any) -> int | None:
    """A value as an id; JSON turns the integer keys of a table into texts."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_tokens(content: bytes, name: str) -> tuple[str, ...]:
    """The tokens of a vocabulary file: JSON (a list, a table either way round, a Keras tokenizer), or one token per line.

    Args:
        content: The bytes of the file, UTF-8.
        name: Its name in errors.

    Raises:
        CheckpointError: the file is no list of tokens.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{name} is not UTF-8 at byte {error.start:,}. Save the list of tokens as UTF-8 text or JSON.") from None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if (lookup := _lookup(value)) is not None:
        listed, expected = token_list(lookup), "the configuration of a Keras layer with its vocabulary"
    elif isinstance(value, dict | list):
        listed = next((tokens for part in _inside(value) if (tokens := token_list(part)) is not None), None)
        expected = 'a list ["a", "b"], or a table {"a": 0, "b": 1} with an id for every token and no id twice'
    else:
        listed = token_list(_lines(text))
        expected = "one token per line, each once"
    if listed is None:
        raise CheckpointError(f"{name} is no list of tokens. Expected {expected}.")
    return listed


def typed_tokens(text: str) -> tuple[str, ...]:
    """The tokens of a typed list: the characters of one line, or one token per line, or JSON; \\n and \\t stand for characters.

    Raises:
        CheckpointError: it is no list of tokens.
    """
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    if text.lstrip()[:1] in ("[", "{") and (len(lines) > 1 or text.rstrip()[-1:] in ("]", "}")) and _is_json(text):
        return read_tokens(text.encode(), "The typed list")
    parts = ESCAPED.findall(lines[0]) if len(lines) == 1 else lines
    tokens = [ESCAPES.get(part, part) for part in parts]
    twice = [token for token, times in Counter(tokens).items() if times > 1]
    if twice:
        raise CheckpointError(f"The typed list has {twice[0]!r} twice; each token stands once.")
    listed = token_list(tokens)
    if listed is None:
        raise CheckpointError("The typed list is none. Type all characters in one line, or one token per line.")
    return listed


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def lookup_tokens(config: Mapping[str, Any], is_text: bool) -> list[str] | None:
    """The tokens of a Keras layer StringLookup or TextVectorization, special ones first; None if its configuration lists none.

    Args:
        config: Of the layer.
        is_text: Whether it is a TextVectorization, whose id 0 is padding.
    """
    listed = config.get("vocabulary")
    if not isinstance(listed, list):
        return None
    first = [PADDING] if is_text or config.get("mask_token") is not None else []
    unknown = [str(config.get("oov_token", "[UNK]"))] if config.get("num_oov_indices", 1) == 1 else []
    special = ("", PADDING, *unknown)  # a tuple: a damaged list may hold what has no hash
    return [*first, *unknown, *(token for token in listed if token not in special)]


def _lookup(value: Any) -> list[str] | None:
    """The tokens in the saved configuration of one of these layers."""
    config = value.get("config", value) if isinstance(value, dict) else None
    if not isinstance(config, dict) or not {"num_oov_indices", "standardize"} & config.keys():
        return None
    return lookup_tokens(config, "standardize" in config)


def metadata_tokens(metadata: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Lists of tokens in the metadata of a safetensors file, texts that may be JSON, by name."""
    tokens = {}
    for name, text in metadata.items():
        try:
            value = json.loads(text)
        except (ValueError, RecursionError, TypeError):
            value = text
        parts = [(name, value)] + [(f"{name}.{key}", part) for key, part in (value.items() if isinstance(value, dict) else ())]
        tokens |= {key: listed for key, part in parts if (listed := token_list(part)) is not None}
    return tokens


def _lines(text: str) -> list[str]:
    """The tokens of lines "token" or "token TAB count"; a line with one space is a space."""
    lines = text.replace("\r\n", "\n").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if lines and not lines[0] and "" not in lines[1:]:  # as Keras saves a vocabulary
        lines[0] = PADDING
    return [line.partition("\t")[0] if "\t" in line.strip("\t") else line for line in lines]


def _inside(value: Any, depth: int = 3) -> list[Any]:
    """A value and what it holds, outermost first; a Keras tokenizer keeps its table as JSON text inside JSON."""
    inside = [value]
    if depth and isinstance(value, Mapping):
        best = sorted(value.items(), key=lambda pair: pair[0] not in ("word_index", "vocab", "char2int", "stoi", "char_to_id"))
        for _, part in best:
            if isinstance(part, str) and part.startswith(("{", "[")):
                try:
                    part = json.loads(part)
                except (ValueError, RecursionError):
                    continue
            if isinstance(part, dict | list):
                inside += _inside(part, depth - 1)
    return inside
