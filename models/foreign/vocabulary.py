"""The vocabulary of a network found in a file: its own tokens in its own order, and a mark for everything else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from models.foreign.tokens import BYTE
from models.vocabulary.characters import UNKNOWN, Vocabulary

if TYPE_CHECKING:
    from torch import Tensor

UNKNOWN_MARKS = ("<unk>", "<UNK>", "[UNK]", "UNK", "<unknown>", "<oov>", "<OOV>", UNKNOWN)
MARK = re.compile(r"<[^<>]*>|\[[A-Z]+\]|\u2400\d+|" + UNKNOWN)
WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]|\n")
ENDS = ("<eos>", "</s>", "<EOS>")
MISSING = "\N{SYMBOL FOR NULL}{}"  # names of ids for which a list has no token


@dataclass(frozen=True)
class FoundVocabulary(Vocabulary):
    """Tokens of a stranger's network, the unknown mark first.

    Args:
        tokens: The unknown mark, and all tokens in the order of the file but for the file's own unknown mark.
        unknown_id: Id of the unknown mark in the file; None if it has none.
    """

    unknown_id: int | None = None

    @classmethod
    def of_tokens(cls, tokens: Sequence[str], rows: int) -> "FoundVocabulary":
        """The vocabulary of a file with so many rows; ids without a token get a name that no text contains.

        Args:
            tokens: The tokens by their ids in the file.
            rows: Number of ids in the file.
        """
        listed = [*tokens[:rows], *(MISSING.format(index) for index in range(len(tokens), rows))]
        unknown = next((index for index, token in enumerate(listed) if token in UNKNOWN_MARKS), None)
        return cls((UNKNOWN, *(token for index, token in enumerate(listed) if index != unknown)), unknown)

    @classmethod
    def of_card(cls, card: dict[str, Any]) -> "FoundVocabulary":
        """The vocabulary of a card.

        Raises:
            ValueError: it is damaged.
        """
        unknown, tokens = card.get("unknown_id"), tuple(card["vocabulary"])
        if unknown is not None and not (isinstance(unknown, int) and 0 <= unknown < len(tokens)):
            raise ValueError(f"unknown_id is {unknown!r}; expected an id of the vocabulary.")
        return cls(tokens, unknown)

    @cached_property
    def bytes_by_value(self) -> tuple[int, ...]:
        """The ids of the 256 bytes if these are its tokens, named as in models.foreign.tokens, beside special ones; else nothing."""
        ids = [self._index.get(BYTE.format(byte), self._index.get(chr(byte), -1) if byte < 128 else -1) for byte in range(256)]
        others = set(range(len(self))) - set(ids)
        return tuple(ids) if min(ids) > 0 and all(MARK.fullmatch(self.tokens[index]) for index in others) else ()

    @property
    def noun(self) -> str:
        """What one token is: "byte", "word" or "character"."""
        return "byte" if self.bytes_by_value else "word" if self.is_of_words else "character"

    @cached_property
    def is_of_words(self) -> bool:
        """Whether most tokens have more than one character; marks such as <pad> do not count."""
        plain = [token for token in self.tokens if not MARK.fullmatch(token)]
        return sum(len(token) > 1 for token in plain) > len(plain) / 2

    def split(self, text: str) -> list[str]:
        """The tokens of a text: its bytes or characters; for a vocabulary of words its words and signs, in lower case if all tokens are."""
        if self.bytes_by_value:
            return [self.tokens[index] for index in self.encode(text)]
        if not self.is_of_words:
            return list(text)
        is_lower = all(token == token.lower() for token in self.tokens if not MARK.fullmatch(token))
        return WORD.findall(text.lower() if is_lower else text)

    def encode(self, text: str) -> list[int]:
        """The id of each token of a text, 0 for those outside the vocabulary; for words a line ends with the mark of a sentence's end."""
        if self.bytes_by_value:
            return [self.bytes_by_value[byte] for byte in text.encode("utf-8", "replace")]
        if not self.is_of_words:
            return super().encode(text)
        end = next((self._index[mark] for mark in ENDS if mark in self._index), 0)
        return [self._index.get(token, end if token == "\n" else 0) for token in self.split(text)]

    @property
    def has_unknown(self) -> bool:
        """Whether the network has an unknown mark of its own."""
        return self.unknown_id is not None

    def rows(self, table: "Tensor", unknown: float) -> "Tensor":
        """The rows of a table [id of the file, ...] in the order of these tokens, [token, ...].

        Args:
            table: One row for each id of the file.
            unknown: Values of the row of the unknown mark if the file has none.
        """
        import torch

        if self.unknown_id is None:
            return torch.cat([table.new_full((1, *table.shape[1:]), unknown), table])
        others = [index for index in range(len(table)) if index != self.unknown_id]
        return table[[self.unknown_id, *others]]
