"""The vocabulary of a network found in a file: its own tokens in its own order, and a mark for everything else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.vocabulary.characters import UNKNOWN, Vocabulary

if TYPE_CHECKING:
    from torch import Tensor

UNKNOWN_MARKS = ("<unk>", "<UNK>", "[UNK]", "UNK", "<unknown>", "<oov>", "<OOV>", UNKNOWN)
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
