"""Files that split a text into subwords, and the vocabulary of a network that reads them. C code reads them, so a child process does."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from explorer.errors import CheckpointError
from models.foreign import child
from models.foreign.subword_reader import TEXT
from models.foreign.tokens import token_list
from models.foreign.vocabulary import FoundVocabulary

READER = "models.foreign.subword_reader"
LARGEST = 32_000_000  # bytes of a file


@dataclass(frozen=True)
class SubwordFile:
    """A tokenizer.json of Hugging Face's `tokenizers`, or a model of SentencePiece.

    Args:
        content: Its bytes.
        name: Its name, for errors.
    """

    content: bytes = field(repr=False)
    name: str

    def tokens(self) -> tuple[str, ...]:
        """The readable names of its tokens by id.

        Raises:
            CheckpointError: it is damaged, too large, or needs more time or memory than the child has.
        """
        if len(self.content) > LARGEST:
            raise CheckpointError(f"{self.name} has more than {LARGEST // 1_000_000} MB, the most that a list of tokens may have here.")
        listed = token_list(self._asked("tokens", "")["tokens"])
        if listed is None:
            raise CheckpointError(f"{self.name} lists no tokens that can be shown. Expected a tokenizer.json or a SentencePiece model.")
        return listed

    def encode(self, text: str) -> tuple[list[int], list[str]]:
        """The ids of a text, and the part of the text that each stands for.

        Raises:
            CheckpointError: as for `tokens`.
        """
        said = self._asked("encode", text)
        return said["ids"], said["surfaces"]

    def _asked(self, function: str, text: str) -> dict:
        with TemporaryDirectory(prefix="recurrent-explorer-subwords-") as folder:
            file = Path(folder, "file")
            file.write_bytes(self.content)
            file.with_name(TEXT).write_text(text.encode("utf-8", "replace").decode(), encoding="utf-8", newline="")
            return child.run(f"{READER}:{function}", file, self.name)[0]


@lru_cache(8)
def _encoded(file: SubwordFile, text: str) -> tuple[list[int], list[str]]:
    """A text is encoded once: its ids are asked for, then its tokens."""
    return file.encode(text)


@dataclass(frozen=True)
class SubwordVocabulary(FoundVocabulary):
    """Tokens of a network that reads subwords, the unknown mark first.

    Args:
        file: What splits a text.
    """

    file: SubwordFile = SubwordFile(b"", "")

    @classmethod
    def of_file(cls, file: SubwordFile, tokens: tuple[str, ...], rows: int) -> "SubwordVocabulary":
        """The vocabulary of a network with so many rows.

        Args:
            file: What splits a text.
            tokens: The tokens by their ids in the file.
            rows: Number of ids of the network.
        """
        own = FoundVocabulary.of_tokens(tokens, rows)
        return cls(own.tokens, own.unknown_id, file)

    @property
    def noun(self) -> str:
        """What one token is."""
        return "token"

    def split(self, text: str) -> list[str]:
        """The tokens of a text; what is unknown as it is written there."""
        ids, surfaces = self.encode(text), _encoded(self.file, text)[1]
        return [self.tokens[index] if index else surface or self.tokens[0] for index, surface in zip(ids, surfaces, strict=True)]

    def encode(self, text: str) -> list[int]:
        """The id of each subword of a text; 0 for those that the network does not have."""
        rows, unknown = len(self) - (not self.has_unknown), self.unknown_id
        known = [index if index < rows else None for index in _encoded(self.file, text)[0]]
        if unknown is None:
            return [0 if index is None else index + 1 for index in known]
        return [0 if index is None or index == unknown else index + (index < unknown) for index in known]
