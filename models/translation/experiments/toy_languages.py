"""Toy languages with known alignments: each letter is translated to its capital, in an order that depends on the task."""

import random
import string
from collections.abc import Callable
from typing import NamedTuple

from models.translation.data import Pair
from models.vocabulary.subwords import Subwords

NOUNS, ADJECTIVES = string.ascii_lowercase[:8], string.ascii_lowercase[8:12]
Links = frozenset[tuple[int, int]]


class Example(NamedTuple):
    """A sentence of a toy language, its translation, and the index of the source word of each target word."""

    pair: Pair
    links: Links


def sentence(drawn: random.Random) -> list[str]:
    """Four to six distinct letters, nouns and adjectives in random order."""
    return drawn.sample(NOUNS + ADJECTIVES, drawn.randint(4, 6))


ORDERS: dict[str, Callable[[list[str]], list[int]]] = {
    "gathered": lambda words: sorted(range(len(words)), key=lambda index: words[index] in ADJECTIVES),  # nouns first
    "reverse": lambda words: list(range(len(words)))[::-1],
    "monotone": lambda words: list(range(len(words))),
}


def language(task: str, count: int, seed: int) -> list[Example]:
    """Distinct sentences with their word-for-word translations: each letter becomes a capital, in the order of the task.

    The order depends on position and length alone in "reverse" and "monotone", and on the words themselves in "gathered".
    """
    drawn, examples = random.Random(seed), {}
    key = dict(zip(NOUNS + ADJECTIVES, random.Random(1).sample(string.ascii_uppercase, 12), strict=True))
    while len(examples) < count:
        words = sentence(drawn)
        order = ORDERS[task](words)
        target = " ".join(key[words[index]] for index in order)
        examples[" ".join(words)] = Example((" ".join(words), target), frozenset(enumerate(order)))
    return list(examples.values())


def vocabulary() -> Subwords:
    """Subwords learnt from sentences of all the toy languages."""
    return Subwords.learn([text for task in ORDERS for example in language(task, 300, 0) for text in example.pair], 340)
