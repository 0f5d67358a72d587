"""Vocabularies of characters: text to ids and back, with one visible mark for unknown characters."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
UNICODE = 1_114_112  # code points


def unknown_cost(vocab_size: int) -> float:
    """Nats of a uniform choice among the code points outside the vocabulary, added to the cost of the unknown mark."""
    return math.log(UNICODE - vocab_size)


def without_each(ids: Sequence[int]) -> list[list[int]]:
    """The ids of a text without one of its characters, once for each character."""
    return [[*ids[:at], *ids[at + 1 :]] for at in range(len(ids))]


def check_whole(tokens: Iterable[str]) -> None:
    """Refuse tokens that can be neither shown nor saved.

    Raises:
        ValueError: one holds half a surrogate pair, which JSON can spell.
    """
    try:
        "".join(tokens).encode()
    except UnicodeEncodeError:
        raise ValueError("A vocabulary holds whole characters; this one holds half a surrogate pair.") from None


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a model; id 0 is the mark for everything else.

    Args:
        tokens: All tokens, the unknown mark first; for a character model single characters.

    Raises:
        ValueError: the first token is not the unknown mark, or a token occurs twice or holds half a surrogate pair.
    """

    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.tokens or self.tokens[0] != UNKNOWN:
            raise ValueError(f"A vocabulary starts with the unknown mark {UNKNOWN!r}; this one starts with {self.tokens[:1]}.")
        if len(set(self.tokens)) != len(self.tokens):
            raise ValueError("A vocabulary lists each token once; this one repeats some.")
        check_whole(self.tokens)

    @classmethod
    def of_text(cls, text: str, at_least: int = 5) -> "Vocabulary":
        """The characters that occur at least `at_least` times in a text, ordered by code point."""
        counts = Counter(text)
        counts.pop(UNKNOWN, None)
        return cls((UNKNOWN, *sorted(c for c, n in counts.items() if n >= at_least)))

    @classmethod
    def of_card(cls, card: dict[str, Any]) -> "Vocabulary":
        """The vocabulary of a card.

        Raises:
            ValueError: it is damaged.
        """
        return cls(tuple(card["vocabulary"]))

    @property
    def has_unknown(self) -> bool:
        """Whether a network of this vocabulary can predict the unknown mark."""
        return True

    @property
    def noun(self) -> str:
        """What one token is: "character", or for others "byte", "word" or "token"."""
        return "character"

    @property
    def is_of_characters(self) -> bool:
        """Whether each character of a text is one token."""
        return self.noun == "character"

    def __len__(self) -> int:
        return len(self.tokens)

    def split(self, text: str) -> list[str]:
        """The tokens of a text."""
        return list(text)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {token: index for index, token in enumerate(self.tokens)}

    def encode(self, text: str) -> list[int]:
        """The id of each character; 0 for characters outside the vocabulary."""
        index = self._index
        return [index.get(character, 0) for character in text]

    def decode(self, numbers: list[int]) -> str:
        """The text of a list of ids; the unknown mark for 0."""
        return "".join(self.tokens[index] for index in numbers)

    def named(self, numbers) -> list[list[str]]:
        """Tokens of a table of ids [row, column]."""
        return [[self.tokens[index] for index in row] for row in numbers.tolist()]

    def unknown(self, text: str) -> int:
        """Number of characters of a text outside the vocabulary (the unknown mark itself counts)."""
        index = self._index
        return sum(n for character, n in Counter(text).items() if index.get(character, 0) == 0)
