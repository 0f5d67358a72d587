"""Interpolated Witten-Bell character n-grams, the baseline of character networks.

    p_k(x | h) = (c(h x) + T(h) p_{k-1}(x | h')) / (c(h) + T(h)),    p_0 = 1 / size of the vocabulary

with counts c, the number T(h) of distinct characters after h, and the context h' = h without its first character. For an
unseen context p_k = p_{k-1}.

Source: Witten and Bell, "The zero-frequency problem", 1991; interpolated as in Chen and Goodman, 1998.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.errors import CheckpointError
from models.vocabulary.characters import Vocabulary, unknown_cost

KIND = "ngram"


@dataclass(frozen=True, eq=False)
class Level:
    """All n-grams of one order; the id of an n-gram is its row.

    Args:
        keys: Row of the parent in the next lower order times vocabulary size plus character id, sorted, [ngram].
        counts: Count of each n-gram, [ngram].
        totals: c(h) + T(h) of each parent, [parent].
        kept: Sum of `counts` by parent, [parent]; the mass of pruned n-grams goes to the shorter context.
    """

    keys: np.ndarray
    counts: np.ndarray
    totals: np.ndarray
    kept: np.ndarray


@dataclass(frozen=True, eq=False)
class NGram:
    """n-gram counts of a text up to an order.

    Args:
        vocab: Its characters, the same as those of a network.
        levels: One level per order, from order 1.
    """

    vocab: Vocabulary
    levels: tuple[Level, ...]

    @property
    def order(self) -> int:
        """Length of its longest n-grams, the predicted character included."""
        return len(self.levels)

    def nats(self, text: str) -> np.ndarray:
        """Cross-entropy in nats of each character given those before it, for every order, [time, order].

        An unknown character costs the unknown mark plus ln(number of code points outside the vocabulary), as for the networks.
        """
        ids = np.array(self.vocab.encode(text), dtype=np.int64)
        size, share = len(self.vocab), np.full(len(ids), 1 / len(self.vocab))
        contexts = np.zeros(len(ids) + 1, dtype=np.int64)
        costs = np.empty((len(ids), self.order))
        for index, level in enumerate(self.levels):
            contexts, here = contexts[:-1], ids[index:]
            if len(here):
                rows = _rows(level, contexts * size + here, contexts >= 0)
                share[index:] = _mixed(level, contexts, _counts(level, rows), share[index:])
                contexts = rows
            costs[:, index] = -np.log(share)
        costs[ids == 0] += unknown_cost(size)
        return costs

    def bits(self, text: str) -> np.ndarray:
        """Cross-entropy in bits of each character at the highest order, [time]."""
        return (self.nats(text)[:, -1] / math.log(2)).astype(np.float32)

    def shares(self, before: str) -> np.ndarray:
        """Probability of every character of the vocabulary after a text, [vocab]; they sum to 1."""
        ids, size = self.vocab.encode(before), len(self.vocab)
        every = np.arange(size)
        share = np.full(size, 1 / size)
        for index, level in enumerate(self.levels[: len(ids) + 1]):
            row = self._row(ids[len(ids) - index :])
            rows = _rows(level, row * size + every, np.full(size, row >= 0))
            share = _mixed(level, np.full(size, row), _counts(level, rows), share)
        return share

    def _row(self, ids: Sequence[int]) -> int:
        row = np.zeros(1, dtype=np.int64)
        for level, token in zip(self.levels, ids, strict=False):
            row = _rows(level, row * len(self.vocab) + token, row >= 0)
        return int(row[0])


def _rows(level: Level, keys: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Rows of n-grams by key; -1 if the n-gram or its context is unknown."""
    if not len(level.keys):
        return np.full(len(keys), -1)
    rows = np.minimum(np.searchsorted(level.keys, keys), len(level.keys) - 1)
    return np.where(known & (level.keys[rows] == keys), rows, -1)


def _counts(level: Level, rows: np.ndarray) -> np.ndarray:
    return np.where(rows >= 0, level.counts[rows], 0) if len(level.counts) else np.zeros(len(rows))


def _mixed(level: Level, contexts: np.ndarray, counts: np.ndarray, shorter: np.ndarray) -> np.ndarray:
    """Probabilities of one order, interpolated with those of the next lower order, all [time]."""
    if not len(level.totals):
        return shorter
    totals = np.where(contexts >= 0, level.totals[contexts], 0)
    rest = totals - level.kept[contexts]
    return np.where(totals > 0, (counts + rest * shorter) / np.maximum(totals, 1), shorter)


def fit(text: str, vocab: Vocabulary, order: int = 5, least: Sequence[int] = ()) -> NGram:
    """The n-gram model of a text.

    Args:
        text: Text to count.
        vocab: Known characters; all others become the unknown mark.
        order: Length of the longest n-grams, the predicted character included.
        least: Minimum count of n-grams of each order, default 1; pruning saves space, and the mass of pruned n-grams goes to the
            shorter context, so that probabilities still sum to 1.
    """
    ids, size = np.array(vocab.encode(text), dtype=np.int64), len(vocab)
    contexts, parents, levels = np.zeros(len(ids) + 1, dtype=np.int64), 1, []
    for index in range(order):
        contexts = contexts[:-1]
        known = contexts >= 0
        keys, inverse, counts = np.unique((contexts * size + ids[index:])[known], return_inverse=True, return_counts=True)
        above = keys // size
        totals = np.bincount(above, counts, parents) + np.bincount(above, minlength=parents)
        keep = counts >= (least[index] if index < len(least) else 1)
        kept = np.bincount(above[keep], counts[keep], parents)
        levels.append(Level(keys[keep], counts[keep], totals, kept))
        renumbered = np.where(keep, np.cumsum(keep) - 1, -1)
        contexts = np.full(len(contexts), -1)
        contexts[known] = renumbered[inverse]
        parents = int(keep.sum())
    return NGram(vocab, tuple(levels))


def _smallest(values: np.ndarray) -> np.ndarray:
    """The same integers in the smallest type that holds them."""
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))


def save(model: NGram, card: dict, path: str | os.PathLike) -> None:
    """Writes counts with a card; 4 to 7 bytes per n-gram."""
    from models.checkpoint import FORMAT, write_arrays

    size, arrays = len(model.vocab), {}
    for index, level in enumerate(model.levels, 1):
        children = np.bincount(level.keys // size, minlength=len(level.totals))
        parts = {"characters": level.keys % size, "counts": level.counts, "children": children, "totals": level.totals.astype(np.int64)}
        arrays |= {f"{index}.{name}": _smallest(values) for name, values in parts.items()}
    about = {"format": FORMAT, "kind": KIND, "order": model.order, "vocabulary": list(model.vocab.tokens)}
    write_arrays(arrays, about | card, path)


def read(path: str | os.PathLike) -> NGram:
    """Counts written by `save`.

    Raises:
        CheckpointError: the file is damaged, or holds something else.
    """
    from models.checkpoint import read_arrays

    arrays, card = read_arrays(path)
    if card.get("kind") != KIND:
        raise CheckpointError(f"{path} is of kind {card.get('kind')!r}; expected {KIND!r}.")
    try:
        vocab, levels = Vocabulary(tuple(card["vocabulary"])), []
        for index in range(1, card["order"] + 1):
            parts = {name: arrays[f"{index}.{name}"] for name in ("characters", "counts", "children", "totals")}
            levels.append(_level(**parts, vocab_size=len(vocab), parents=len(levels[-1].keys) if levels else 1))
    except (KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged ({error}). Copy or download it again.") from None
    return NGram(vocab, tuple(levels))


def _level(characters: np.ndarray, counts: np.ndarray, children: np.ndarray, totals: np.ndarray, vocab_size: int, parents: int) -> Level:
    """A level from the arrays of a file: `characters` and `counts` [ngram], `children` and `totals` [parent].

    Raises:
        ValueError: they do not fit together.
    """
    if any(values.ndim != 1 or values.dtype.kind not in "iu" for values in (characters, counts, children, totals)):
        raise ValueError("its levels are not lists of whole numbers")
    characters, counts, children, totals = (values.astype(np.int64) for values in (characters, counts, children, totals))
    size, in_range = len(characters), (characters >= 0) & (characters < vocab_size)
    if not (len(children) == len(totals) == parents and len(counts) == size and ((children >= 0) & (children <= size)).all()):
        raise ValueError("its levels do not fit together")
    if children.sum() != size or not in_range.all() or not (counts > 0).all():
        raise ValueError("its levels do not fit together")
    above = np.repeat(np.arange(parents), children)
    kept = np.bincount(above, counts, parents)
    return Level(above * vocab_size + characters, counts, totals.astype(float), kept)


def load(corpus: str, folder: str | os.PathLike | None = None) -> NGram | None:
    """The published counts of a training text, `<corpus>-ngram.safetensors`; None if there are none.

    Raises:
        CheckpointError: the file is damaged.
    """
    from models import file_of

    name = f"{corpus}-ngram.safetensors"
    path = Path(folder) / name if folder else file_of(name)
    return read(path) if path.exists() else None
