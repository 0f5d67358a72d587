"""Damage: bytes, texts and JSON changed by chance. Everything follows from the generator, so that a case can be repeated."""

import random
import unicodedata
from collections.abc import Callable
from typing import Any

STRINGS = (
    "", " ", "\0", "\ud800", "\u202e", "a" * 5_000, "😀" * 300, "<script>alert(1)</script>", "![x](http://m.test/x)", "../../../etc/passwd",
    "-1", "1e999", "NaN", "∞", "٣", "0x10", "1" * 400, "None", "true", "'); DROP TABLE x; --", "{}", "[]", "\r\n\r\n", "\u0301" * 50,
)  # fmt: skip
VALUES = (
    None,
    True,
    -1,
    0,
    1,
    0.5,
    2**31,
    2**63,
    10**30,
    -(10**18),
    1e308,
    float("inf"),
    float("nan"),
    [],
    {},
    [[]],
    {"a": {}},
    [None] * 50,
)


def text(rng: random.Random, most: int = 200) -> str:
    """A text of any characters that Unicode has, or one that made trouble elsewhere."""
    if rng.random() < 0.3:
        return rng.choice(STRINGS)
    ranges = rng.choice([(32, 127), (32, 0x250), (0x370, 0x2000), (0x3000, 0xA000), (0x1F000, 0x1FA00), (0, 0x110000)])
    letters = (chr(rng.randrange(*ranges)) for _ in range(rng.randrange(most)))
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Cn" or rng.random() < 0.1)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The bytes with one to four changes, each of a few bytes or of a part."""
    ways: tuple[Callable[[bytearray, random.Random], None], ...] = (_flip, _cut, _insert, _repeat, _remove, _zero)
    changed = bytearray(content)
    for _ in range(rng.randrange(1, 5)):
        if changed:
            rng.choice(ways)(changed, rng)
    return bytes(changed)


def _place(content: bytearray, rng: random.Random) -> int:
    """An index, half of them among the first 200, where formats have their headers."""
    return rng.randrange(min(len(content), 200) if rng.random() < 0.5 else len(content))


def _flip(content: bytearray, rng: random.Random) -> None:
    content[_place(content, rng)] ^= 1 << rng.randrange(8)


def _cut(content: bytearray, rng: random.Random) -> None:
    del content[_place(content, rng) :]


def _insert(content: bytearray, rng: random.Random) -> None:
    at = _place(content, rng)
    content[at:at] = rng.randbytes(rng.randrange(1, 40)) if rng.random() < 0.7 else rng.choice(STRINGS).encode("utf-8", "surrogatepass")


def _repeat(content: bytearray, rng: random.Random) -> None:
    start = _place(content, rng)
    content[start:start] = content[start : start + rng.randrange(1, 400)] * rng.randrange(1, 20)


def _remove(content: bytearray, rng: random.Random) -> None:
    start = _place(content, rng)
    del content[start : start + rng.randrange(1, 400)]


def _zero(content: bytearray, rng: random.Random) -> None:
    start = _place(content, rng)
    length = min(rng.randrange(1, 40), len(content) - start)
    content[start : start + length] = bytes([rng.choice((0, 255))]) * length


def changed(value: Any, rng: random.Random) -> Any:
    """A JSON value with one part of it replaced, removed or added; the value itself is left as it is."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.15:
        return rng.choice(VALUES) if rng.random() < 0.6 else text(rng)
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key, copy = rng.choice(keys), value.copy()
    way = rng.random()
    if way < 0.1:
        del copy[key]
    elif way < 0.15 and isinstance(copy, dict):
        copy[text(rng, 20)] = copy[key]
    else:
        copy[key] = changed(value[key], rng)
    return copy
