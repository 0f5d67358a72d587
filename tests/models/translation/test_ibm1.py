"""IBM model 1 compared with its equations written out, and with a known alignment."""

from collections import defaultdict

import pytest

from models.translation.ibm1 import EMPTY, fit

ENGLISH = ["the house", "the book", "a book", "a red house", "the red book is here"]
FRENCH = ["la maison", "le livre", "un livre", "une maison rouge", "le livre rouge est ici"]


def words(lines: list[str]) -> list[list[str]]:
    return [line.split() for line in lines]


def by_hand(sources, targets, rounds: int) -> dict[tuple[str, str], float]:
    """Brown et al., 1993, as nested loops over dictionaries."""
    p: dict = defaultdict(lambda: 1.0)
    for _ in range(rounds):
        count, total = defaultdict(float), defaultdict(float)
        for left, right in zip(sources, targets, strict=True):
            for f in right:
                all_of_them = sum(p[f, e] for e in [EMPTY, *left])
                for e in [EMPTY, *left]:
                    count[f, e] += p[f, e] / all_of_them
                    total[e] += p[f, e] / all_of_them
        p = {(f, e): count[f, e] / total[e] for f, e in count}
    return p


@pytest.mark.parametrize("rounds", [1, 4])
def test_probabilities_are_those_of_the_loops(rounds: int):
    lexicon, expected = fit(words(ENGLISH), words(FRENCH), rounds), by_hand(words(ENGLISH), words(FRENCH), rounds)
    assert len(expected) == len(lexicon.p)
    for (f, e), p in expected.items():
        assert lexicon.probability(e, f) == pytest.approx(p, rel=1e-12)


def test_a_word_that_repeats_in_a_sentence_counts_twice():
    sources, targets = [["no", "no"], ["no"]], [["non", "non"], ["si"]]
    lexicon, expected = fit(sources, targets, 3), by_hand(sources, targets, 3)
    assert all(lexicon.probability(e, f) == pytest.approx(p, rel=1e-12) for (f, e), p in expected.items())


def test_it_finds_the_adjective_behind_its_noun():
    lexicon = fit(words(ENGLISH), words(FRENCH), 12)
    assert lexicon.links(["a", "red", "house"], ["une", "maison", "rouge"]) >= {(1, 2), (2, 1)}
    assert lexicon.probability("house", "livre") == 0 and lexicon.probability("castle", "maison") == 0
    assert lexicon.links(["castle"], ["ici"]) == frozenset()
