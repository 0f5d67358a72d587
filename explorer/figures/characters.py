"""Visible signs for characters, names for those that cannot be seen, and what kind of tokens a text has."""

import math
import re
import unicodedata
from collections.abc import Sequence

import numpy as np

_SIGNS = {" ": "·", "\n": "⏎", "\r": "␍", "\t": "→", "\x7f": "␡", "\u00a0": "⍽", "\u202f": "⍽", "\u00ad": "‐"}
_NAMES = {" ": "space", "\n": "newline", "\r": "carriage return", "\t": "tab", "\x7f": "delete", "": "nothing"}
_BYTE = re.compile("<0x([0-9A-F]{2})>")  # a byte that is no character by itself, as SentencePiece names it
_CIRCLE, _BOX = "\u25cc", "\u25a1"  # what carries a mark that stands on other characters; what cannot be drawn


def sign(token: str) -> str:
    """What is drawn for a token: itself, or a sign that takes its place. Never white space, never a line break.

    Space becomes a middle dot, newline a return sign, tab an arrow, control characters their pictures; a combining mark
    stands on a dotted circle, so that it cannot join its neighbour; what has no shape of its own becomes a box.
    """
    if token in _SIGNS:
        return _SIGNS[token]
    if len(token) != 1:
        return token if token.isprintable() and token else _BOX
    if ord(token) < 32:
        return chr(0x2400 + ord(token))
    kind = unicodedata.category(token)
    if kind in ("Mn", "Me", "Mc"):
        return _CIRCLE + token
    return _BOX if kind in ("Cf", "Cs", "Co", "Cn", "Cc", "Zl", "Zp", "Zs") else token


def name(token: str) -> str:
    """A name for a token that cannot be seen or read aloud, "" for letters, digits and multi-character tokens but single bytes."""
    if token in _NAMES:
        return _NAMES[token]
    if byte := _BYTE.fullmatch(token):
        return f"byte {byte[1]}"
    if len(token) != 1 or (token.isalnum() and token.isascii()):
        return ""
    if ord(token) < 32:
        return f"control character {ord(token)}"
    return unicodedata.name(token, f"U+{ord(token):04X}").lower()


def numbers_of(tokens: Sequence[str]) -> np.ndarray | None:
    """The values of a time series whose tokens [time] are numbers, float64 [time]; None where they are symbols.

    Digits of a text are symbols: at least one number must be longer than one character.
    """
    rows = rows_of(tokens)
    return None if rows is None or rows.shape[1] > 1 else rows[:, 0]


def rows_of(tokens: Sequence[str]) -> np.ndarray | None:
    """The values of several series whose tokens [time] are numbers with spaces between, float64 [time, input]; None for symbols."""
    try:
        rows = [[float(part) for part in token.split()] for token in tokens]
    except ValueError:
        return None
    is_even = len({len(row) for row in rows}) == 1 and bool(rows[0])
    is_series = is_even and all(math.isfinite(value) for row in rows for value in row) and any(len(token) > 1 for token in tokens)
    return np.array(rows) if is_series else None


def has_words(tokens: Sequence[str]) -> bool:
    """Whether most tokens are longer than one character: words or subwords, which need more room than characters."""
    return 2 * sum(len(token) > 1 and not is_byte(token) for token in tokens) > len(tokens)


def is_byte(token: str) -> bool:
    """Whether a token is the name of a single byte, such as "<0xC3>"."""
    return _BYTE.fullmatch(token) is not None


def noun(tokens: Sequence[str]) -> str:
    """What to call the tokens in a figure: characters, bytes, words, tokens (subwords, by their marks), or steps of a time series."""
    if rows_of(tokens) is not None:
        return "steps"
    if not has_words(tokens):
        return "bytes" if any(map(is_byte, tokens)) else "characters"
    return "tokens" if any(map(_is_subword, tokens)) else "words"


def _is_subword(token: str) -> bool:
    """Whether a token bears the mark of a piece of a word: that of SentencePiece, GPT-2, WordPiece or BPE, or a space before it."""
    return len(token) > 1 and (token.startswith(("\u2581", "\u0120", "##", " ")) or token.endswith("@@"))


def counted(tokens: Sequence[str]) -> str:
    """How many tokens there are, by their noun: "1 word", "7 characters"."""
    plural = noun(tokens)
    return f"{len(tokens)} {plural[:-1] if len(tokens) == 1 else plural}"


def shown(token: str) -> str:
    """What is drawn for a token of any length: its sign, with signs for its spaces and for what has no shape; of a byte its two digits."""
    if len(token) < 2:
        return sign(token)
    if byte := _BYTE.fullmatch(token):
        return byte[1]
    return "".join(character if character.isprintable() and character != " " else sign(character) for character in token)


def cut(sign: str, columns: int) -> str:
    """A sign as it is drawn in so many columns: whole, or its beginning and "…"."""
    taken = columns_of(sign)
    return sign if taken <= columns else sign[: max(0, columns - 1) * len(sign) // taken] + "…"


def columns_of(token: str) -> int:
    """How many columns of a monospaced font a token takes: wide East Asian characters take two, combining marks none."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in token)
    return len(token) + wide - sum(bool(unicodedata.combining(character)) for character in token)
