"""CIDEr-D: similarity of a caption to human captions, with higher weights for rare n-grams."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

ORDERS = 4
SPREAD = 6.0  # standard deviation of the length penalty, in words
Counts = Counter[tuple[str, ...]]


class Rarity(NamedTuple):
    """Document frequencies: number of pictures whose references contain each n-gram, and number of all pictures."""

    seen: Counts
    pictures: int


def rarity(references: Iterable[Sequence[str]]) -> Rarity:
    """Document frequencies of n-grams, from all references of each picture."""
    seen: Counts = Counter()
    pictures = 0
    for versions in references:
        pictures += 1
        seen.update({gram for version in versions for n in range(1, ORDERS + 1) for gram in _grams(version, n)})
    return Rarity(seen, pictures)


def cider_d(captions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Mean CIDEr-D of a corpus, 0..10 (often reported times 100, so that 10 becomes 1,000).

    The weights of n-grams come from these references, so scores on different sets of pictures are not comparable.

    Args:
        captions: One caption per picture, words separated by spaces.
        references: All references of each picture, in the same form.
    """
    known = rarity(references)
    scores = [cider_d_of(caption, versions, known) for caption, versions in zip(captions, references, strict=True)]
    return sum(scores) / len(scores)


def cider_d_of(caption: str, versions: Sequence[str], known: Rarity) -> float:
    """CIDEr-D of one caption, 0..10.

    For n = 1..4 a caption is a vector of n-gram counts times log(pictures / pictures whose references contain the n-gram). Its
    cosine similarity with a reference, with counts clipped to those of the reference, is multiplied by the length penalty
    exp(-difference of lengths^2 / (2 * 6^2)), averaged over references and n, and multiplied by 10.

    Source: Vedantam, Zitnick and Parikh, "CIDEr: Consensus-based Image Description Evaluation", 2015, section 5.2, without
    stemming, as in the COCO caption evaluation.
    """
    total = 0.0
    for version in versions:
        apart = len(caption.split()) - len(version.split())
        for n in range(1, ORDERS + 1):
            own, other = (_weighted(text, n, known) for text in (caption, version))
            product = sum(min(value, other[gram]) * other[gram] for gram, value in own.items() if gram in other)
            norms = math.hypot(*own.values()) * math.hypot(*other.values())
            total += product / norms * math.exp(-(apart**2) / (2 * SPREAD**2)) if norms else 0.0
    return 10 * total / (ORDERS * len(versions))


def _grams(text: str, n: int) -> Counts:
    words = text.split()
    return Counter(tuple(words[at : at + n]) for at in range(len(words) - n + 1))


def _weighted(text: str, n: int, known: Rarity) -> dict[tuple[str, ...], float]:
    most = math.log(known.pictures)
    return {gram: times * (most - math.log(max(1, known.seen[gram]))) for gram, times in _grams(text, n).items()}
