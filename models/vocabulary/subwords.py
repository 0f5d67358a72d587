"""Subword vocabularies by byte pair encoding, one for two languages, with bytes for everything else."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from models.vocabulary.characters import check_whole

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MARKS = ("<pad>", "<s>", "</s>")
PAD, START, END = range(3)
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
BLANK = "▁"  # represents the space before a word
WORD = rf"{BLANK}?[\w'’]+|{BLANK}?[^\w'’{BLANK}]|{BLANK}"  # subwords never extend over two of these


def spaced(text: str) -> str:
    """A text with every run of white space replaced by one ordinary space, and none at its ends.

    Before French `? ! : ;` and inside quotes Tatoeba has a non-breaking space (U+00A0, U+202F), a thin space (U+2009) or an
    ordinary one, depending on the author. All become ordinary spaces, in training, input and references; the tokeniser 13a of
    BLEU splits at all of them, so no score is affected. Zero-width spaces and soft hyphens are removed.
    """
    return " ".join(text.replace("\u200b", "").replace("\u00ad", "").split())


@dataclass(frozen=True)
class Subwords:
    """A vocabulary of subwords; other text is encoded as bytes, so that any text can be read.

    Args:
        tokens: All subwords by id: the special marks, the 256 bytes, then the learnt ones; "▁" is the space before a word.
        merges: Ids of the two subwords that each merge joins, in the order in which they were learnt.

    Raises:
        ValueError: marks or bytes are missing, a subword occurs twice or holds half a surrogate pair, or the result of a merge is
            not a subword.

    Source: Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units", 2016.
    """

    tokens: tuple[str, ...]
    merges: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        fixed = MARKS + BYTES
        if self.tokens[: len(fixed)] != fixed:
            raise ValueError(
                f"A vocabulary of subwords starts with {', '.join(MARKS)} and 256 bytes; this one starts with {self.tokens[:4]}."
            )
        known = set(self.tokens)
        if len(known) != len(self.tokens):
            raise ValueError("A vocabulary lists each subword once; this one repeats some.")
        check_whole(self.tokens)
        for pair in self.merges:
            if len(pair) != 2 or not all(isinstance(n, int) and len(fixed) <= n < len(self.tokens) for n in pair):
                raise ValueError(f"A merge is two ids of learnt subwords, {len(fixed)} to {len(self.tokens) - 1}; got {pair!r}.")
            if self.tokens[pair[0]] + self.tokens[pair[1]] not in known:
                raise ValueError(f"The merge {pair!r} gives {self.tokens[pair[0]] + self.tokens[pair[1]]!r}, which is not a subword.")

    @classmethod
    def learn(cls, lines: Iterable[str], size: int) -> "Subwords":
        """A vocabulary of at most `size` subwords, learnt from lines of text by byte pair encoding; deterministic."""
        from tokenizers import Tokenizer, models, trainers

        learner = Tokenizer(models.BPE())
        learner.pre_tokenizer = _pre_tokenizer()  # pyright: ignore[reportAttributeAccessIssue]
        fixed = list(MARKS + BYTES)
        trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=fixed, min_frequency=2, limit_alphabet=200, show_progress=False)  # pyright: ignore[reportCallIssue]
        learner.train_from_iterator(map(_cut, lines), trainer)
        import json

        learnt = json.loads(learner.to_str())["model"]
        index = learnt["vocab"]
        merges = [(index[left], index[right]) for left, right in learnt["merges"]]
        return cls(tuple(sorted(index, key=lambda piece: index[piece])), tuple(merges))

    @classmethod
    def of_card(cls, card: dict[str, Any]) -> "Subwords":
        """The vocabulary of a card, checked.

        Raises:
            ValueError: the card has none, or a damaged one.
        """
        tokens, merges = card.get("vocabulary"), card.get("merges")
        if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
            raise ValueError("It lists no vocabulary.")
        if not isinstance(merges, list) or not all(isinstance(pair, list) for pair in merges):
            raise ValueError("It lists no merges of its subwords.")
        return cls(tuple(tokens), tuple(tuple(pair) for pair in merges))

    def card(self) -> dict[str, Any]:
        """Its fields in a card."""
        return {"vocabulary": list(self.tokens), "merges": [list(pair) for pair in self.merges]}

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        """Marks are in the vocabulary but are not "special tokens" of the tokenizer: a typed </s> is ordinary text."""
        from tokenizers import Tokenizer, models

        vocab = {piece: index for index, piece in enumerate(self.tokens)}
        merges = [(self.tokens[left], self.tokens[right]) for left, right in self.merges]
        tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, byte_fallback=True))
        tokenizer.pre_tokenizer = _pre_tokenizer()  # pyright: ignore[reportAttributeAccessIssue]
        return tokenizer

    def encode(self, text: str) -> list[int]:
        """The subword ids of a text, without marks; none for an empty text."""
        return self._tokenizer.encode(_cut(text)).ids

    def beginning(self, text: str, most: int) -> str:
        """The longest beginning of a text that has at most `most` subwords: an emoji may have as many as twenty letters have."""
        if len(self.encode(text)) <= most:
            return text
        return text[: bisect_right(range(len(text)), most, key=lambda length: len(self.encode(text[:length]))) - 1]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The subword ids of many texts."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch([_cut(text) for text in texts])]

    def decode(self, numbers: Iterable[int]) -> str:
        """The text of subword ids; marks are left out."""
        return spaced("".join(self.surfaces(numbers)).replace(BLANK, " "))

    def surfaces(self, numbers: Iterable[int]) -> list[str]:
        """Display text of each subword: itself; for bytes the character at its first byte, and nothing for the others."""
        names, shown, spelt = [self.tokens[token] for token in numbers], [], bytearray()
        for position, name in enumerate([*names, ""]):
            if name in _BYTE_OF:
                spelt.append(_BYTE_OF[name])
                continue
            if spelt:
                shown += _characters(bytes(spelt))
                spelt.clear()
            if position < len(names):
                shown.append("" if name in (MARKS[PAD], MARKS[START], MARKS[END]) else name)
        return shown

    def words(self, numbers: Sequence[int]) -> list[tuple[str, list[int]]]:
        """The words of a subword sequence, each with the indices of its subwords; marks are words of their own.

        Words are separated by spaces; punctuation marks are words of their own.
        """
        shown = self.surfaces(numbers)
        starts = [match.start() for match in re.finditer(WORD, "".join(shown))]
        words: list[tuple[str, list[int]]] = []
        at, inside = 0, False
        for position, surface in enumerate(shown):
            if numbers[position] < len(MARKS):
                words.append((self.tokens[numbers[position]], [position]))
                inside = False
                continue
            following = bisect_left(starts, at)
            begins = following < len(starts) and starts[following] < at + len(surface)
            blank_before = inside and words[-1][0] == BLANK
            if inside and (not begins or blank_before):
                words[-1] = (words[-1][0] + surface, [*words[-1][1], position])
            else:
                words.append((surface, [position]))
            at, inside = at + len(surface), True
        return [(word.replace(BLANK, "") or word, places) for word, places in words]


_BYTE_OF = {name: byte for byte, name in enumerate(BYTES)}


def _characters(spelt: bytes) -> list[str]:
    """One string per byte: each character at its first byte; the replacement character for invalid bytes."""
    shown: list[str] = []
    for character in spelt.decode("utf-8", errors="replace"):
        width = 1 if character == "\N{REPLACEMENT CHARACTER}" else len(character.encode())
        shown += [character, *[""] * (width - 1)]
    return (shown + [""] * len(spelt))[: len(spelt)]


def _cut(text: str) -> str:
    """A text with a line break between words, where the tokenizer splits, so that subwords stay inside words."""
    plain = spaced(text).replace("’", "'")  # typographic apostrophes, 1 % of those in Tatoeba
    return "\n".join(re.findall(WORD, BLANK + plain.replace(" ", BLANK))) if plain else ""


def _pre_tokenizer() -> Any:
    from tokenizers import pre_tokenizers

    return pre_tokenizers.CharDelimiterSplit("\n")
