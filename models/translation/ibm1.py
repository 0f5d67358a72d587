"""IBM model 1: which word translates which, from sentence pairs alone; the independent witness of an attention's alignment."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

EMPTY = ""  # the source word that stands for none: what has no counterpart is aligned to it
Words = Sequence[str]


@dataclass(frozen=True, eq=False)
class Lexicon:
    """p(target word | source word), for pairs that stood in one sentence pair.

    Args:
        source, target: Numbers of words. pairs: sorted keys source * len(target) + target, [pair]. p: their probability, [pair].
    """

    source: dict[str, int]
    target: dict[str, int]
    pairs: np.ndarray
    p: np.ndarray

    def probability(self, source: str, target: str) -> float:
        """p(target | source); 0 for words that never stood together."""
        if source not in self.source or target not in self.target:
            return 0.0
        key = self.source[source] * len(self.target) + self.target[target]
        index = int(np.searchsorted(self.pairs, key))
        return float(self.p[index]) if index < len(self.pairs) and self.pairs[index] == key else 0.0

    def links(self, source: Words, target: Words) -> frozenset[tuple[int, int]]:
        """The likeliest source word of each target word, as (target, source) places; none where that is the empty word."""
        links = set()
        for row, word in enumerate(target):
            chances = [self.probability(EMPTY, word), *(self.probability(source_word, word) for source_word in source)]
            best = int(np.argmax(chances))
            if best:
                links.add((row, best - 1))
        return frozenset(links)


def fit(sources: Sequence[Words], targets: Sequence[Words], rounds: int = 5) -> Lexicon:
    """Expectation maximisation from equal probabilities: each target word is one of the source words', or of none.

    p(f | e) is in proportion to the sum over sentence pairs of p(f | e) / sum over e' in the sentence of p(f | e').

    Args:
        sources, targets: Words of each sentence pair, in any form that is the same in both uses (lower case helps).
        rounds: Of expectation and maximisation.

    Source: Brown, Della Pietra, Della Pietra and Mercer, "The Mathematics of Statistical Machine Translation", 1993, 4.1.
    """
    source = _numbered([(EMPTY,), *sources])
    target = _numbered(targets)
    keys, slots = _together(sources, targets, source, target)
    pairs, inverse = np.unique(keys, return_inverse=True)
    of_source = pairs // len(target)
    p = np.ones(len(pairs))
    for _ in range(rounds):
        chances = p[inverse]
        expected = np.bincount(inverse, chances / np.bincount(slots, chances)[slots], len(pairs))
        p = expected / np.bincount(of_source, expected)[of_source]
    return Lexicon(source, target, pairs, p)


def _numbered(sentences: Sequence[Words]) -> dict[str, int]:
    return {word: index for index, word in enumerate(dict.fromkeys(word for sentence in sentences for word in sentence))}


def _together(
    sources: Sequence[Words], targets: Sequence[Words], source: dict[str, int], target: dict[str, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Every (source word, target word) that meets in a sentence pair, as keys; and which target word of the text each is of."""
    keys, slots, at = [], [], 0
    for left, right in zip(sources, targets, strict=True):
        ours = np.array([source[word] for word in (EMPTY, *left)], np.int64)
        theirs = np.array([target[word] for word in right], np.int64)
        keys.append((ours[None] * len(target) + theirs[:, None]).ravel())
        slots.append(np.repeat(np.arange(at, at + len(right)), len(ours)))
        at += len(right)
    return np.concatenate(keys), np.concatenate(slots)
