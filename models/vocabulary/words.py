"""Word vocabularies of captions: lower case, no punctuation, one mark for rare words."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from models.vocabulary.characters import UNKNOWN, check_whole
from models.vocabulary.subwords import MARKS

FIXED = (*MARKS, UNKNOWN)
RARE = len(MARKS)  # id of the mark for words outside the vocabulary
WORD = r"'s\b|[a-z0-9]+(?:['-][a-z0-9]+)*"


def plain(caption: str) -> list[str]:
    """The words of a caption in lower case, with digits, and hyphens and apostrophes inside words; "'s" is a separate word."""
    return re.findall(WORD, caption.lower().replace("’", "'"))


@dataclass(frozen=True)
class Words:
    """A vocabulary of whole words, so that each step of a captioner gives one word with one attention map.

    Subwords, as in translation, would need no mark for rare words. But the map of a word would then be an average over
    subwords, and captions of photographs have few rare words.

    Args:
        tokens: The special marks for padding, start, end and rare words, then the words.

    Raises:
        ValueError: the marks are missing, or a word occurs twice or holds half a surrogate pair.
    """

    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.tokens[: len(FIXED)] != FIXED:
            raise ValueError(f"A vocabulary of words starts with {', '.join(FIXED)}; this one starts with {self.tokens[:4]}.")
        if len(set(self.tokens)) != len(self.tokens):
            raise ValueError("A vocabulary lists each word once; this one repeats some.")
        check_whole(self.tokens)

    @classmethod
    def learn(cls, captions: Iterable[str], at_least: int = 5) -> "Words":
        """The words that occur at least `at_least` times in the captions, most frequent first."""
        counts = Counter(word for caption in captions for word in plain(caption))
        return cls((*FIXED, *sorted((word for word, n in counts.items() if n >= at_least), key=lambda word: (-counts[word], word))))

    @classmethod
    def of_card(cls, card: dict[str, Any]) -> "Words":
        """The vocabulary of a card.

        Raises:
            ValueError: it is damaged.
        """
        return cls(tuple(card["vocabulary"]))

    def card(self) -> dict[str, Any]:
        """Its fields in a card."""
        return {"vocabulary": list(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {token: index for index, token in enumerate(self.tokens) if index >= len(FIXED)}

    def encode(self, caption: str) -> list[int]:
        """The id of each word, without marks for start and end."""
        return [self._index.get(word, RARE) for word in plain(caption)]

    def decode(self, numbers: Sequence[int]) -> str:
        """The caption of word ids; marks for padding, start and end are left out."""
        return " ".join(self.tokens[index] for index in numbers if index >= RARE)
