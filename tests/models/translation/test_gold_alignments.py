"""The pairs aligned by hand: every link is between words of its pair, and every word has a link."""

import pytest

from models.translation.gold_alignments import by_hand, words


@pytest.mark.parametrize("direction", ["en-fr", "fr-en"])
def test_links_are_between_words_of_their_pair_and_every_word_has_one(direction: str):
    pairs = by_hand(direction)
    assert len(pairs) >= 30
    for pair in pairs:
        source, target = words(pair.source), words(pair.target)
        assert pair.sure and pair.sure <= pair.possible
        assert {row for row, _ in pair.possible} == set(range(len(target))), pair.target
        assert {column for _, column in pair.possible} == set(range(len(source))), pair.source


def test_final_marks_are_linked_and_an_adjective_crosses_its_noun():
    first = by_hand()[0]
    assert words(first.source)[1] == "red" and words(first.target)[2] == "rouge"
    assert {(2, 1), (1, 2)} <= first.sure and (4, 6) in first.possible - first.sure
    for pair in by_hand():
        assert (len(words(pair.target)) - 1, len(words(pair.source)) - 1) in pair.sure


def test_the_other_direction_has_the_same_links_transposed():
    for one, other in zip(by_hand(), by_hand("fr-en"), strict=True):
        assert (one.source, one.target) == (other.target, other.source)
        assert one.possible == {(column, row) for row, column in other.possible}
