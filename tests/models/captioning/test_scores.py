"""Scores of captions by hand: BLEU-n is not the n-gram precision, CIDEr-D, five people compared with each other."""

import math

import pytest
from sacrebleu.metrics.bleu import BLEU

from models.captioning.scores import against_four, in_form, scored
from models.metrics.bleu import by_order, columns
from models.metrics.cider import cider_d

CAPTIONS = ["there is a cat on a mat", "go away now please"]
REFERENCES = [["the cat is on the mat", "there is a cat on the mat"], ["go away now please"]]


def test_bleu_n_is_not_the_n_gram_precision():
    """Matches of 1- to 4-grams of both sentences: 10 of 11, 7 of 9, 5 of 7, 3 of 5; nothing is short."""
    precisions = [10 / 11, 7 / 9, 5 / 7, 3 / 5]
    scores = by_order(CAPTIONS, REFERENCES, draws=0)
    expected = [100 * math.prod(precisions[:n]) ** (1 / n) for n in range(1, 5)]
    assert scores["bleu"] == pytest.approx(expected) == scores["without_brevity_penalty"] and scores["brevity_penalty"] == 1
    theirs = BLEU().corpus_score(CAPTIONS, columns(REFERENCES)).precisions
    assert theirs == pytest.approx([100 * precision for precision in precisions])
    assert all(abs(one - other) > 3 for one, other in zip(scores["bleu"][1:], theirs[1:], strict=True))
    assert "intervals" not in scores and scores["sentences"] == 2


def test_the_brevity_penalty_is_reported_separately():
    scores = by_order(["there is a cat", "go away now please"], REFERENCES, draws=0)  # 8 words; the nearest references have 10
    assert scores["without_brevity_penalty"] == pytest.approx([100] * 4)
    assert scores["bleu"] == pytest.approx([100 * math.exp(1 - 10 / 8)] * 4) and scores["length_ratio"] == pytest.approx(0.8)
    assert by_order(["xx"], [["a b c"]], draws=0)["bleu"] == [0] * 4


def test_intervals_hold_their_scores():
    captions, references = CAPTIONS * 30 + ["a dog is on a mat"] * 20, REFERENCES * 30 + [["a dog is in the snow now"]] * 20
    scores = by_order(captions, references, draws=200)
    for score, (low, high) in zip(scores["bleu"], scores["intervals"], strict=True):
        assert low < score < high and high - low < 20


def test_cider_d_by_hand():
    """Two pictures; n-grams of one picture only have weight log 2, those of both ("a") have weight 0."""
    references = [["a red dog runs", "a dog"], ["a cat"]]
    # caption "a red red dog", 4 words. n=1: own red 2, dog 1 (a weighs 0).
    # reference 1: red 1, dog 1, runs 1, same length. cut product: min(2,1)*1 + 1*1 = 2; norms sqrt5 * sqrt3.
    # n=2: own "a red", "red red", "red dog"; reference "a red", "red dog", "dog runs": 2 / (sqrt3 * sqrt3).
    # n=3: own "a red red", "red red dog"; reference "a red dog", "red dog runs": 0. n=4: 0.
    first = (2 / math.sqrt(15) + 2 / 3 + 0 + 0) / 4
    # reference 2 "a dog": 2 words apart; n=1: dog: 1 / (sqrt5 * 1); n=2: "a dog" is not in the caption: 0.
    second = math.exp(-4 / 72) * (1 / math.sqrt(5)) / 4
    hand = 10 * (first + second) / 2
    # caption "a bird": "a" has weight 0; "bird" is in no reference, has weight log 2 and matches nothing: 0.
    assert cider_d(["a red red dog", "a bird"], references) == pytest.approx(hand / 2)
    assert cider_d(["a cat a", "a cat"], [["a cat a"], ["x y"]]) == pytest.approx((10 * 3 / 4 + 0) / 2)  # no 4-gram in three words
    assert cider_d(["", "a b c d"], [["e f"], ["a b c d"]]) == pytest.approx(10 / 2)


def test_references_are_read_in_the_form_of_captions():
    scores = scored(["a red dog runs fast", "a cat"], [["A red dog runs , fast ."], ["A cat !"]], draws=20)
    assert scores["bleu"] == pytest.approx([100] * 4) and scores["images"] == 2 and scores["cider_d"] > 5
    assert in_form([["The Man 's T-shirt ."]]) == [["the man 's t-shirt"]]


def test_people_compared_with_each_other():
    five = ["a dog runs fast here", "a dog runs fast here", "a dog runs fast here", "a dog runs fast here", "one cat"]
    people = against_four(None, [five, ["too", "few"]])
    # four of five have a twin among the rest; "one cat" has none, and is short beside the nearest, 5 words
    smoothed = by_order(["one cat"], [five[:4]], draws=0)["bleu"]
    assert people["bleu"] == pytest.approx([(4 * 100 + score) / 5 for score in smoothed]) and people["images"] == 1
    model = against_four(["one cat", "x"], [five, ["too", "few"]])
    # compared with the four with "one cat" in them four times out of five
    assert model["bleu"][0] == pytest.approx((4 * 100 + smoothed[0]) / 5)
    assert against_four(None, [["only", "two"]]) == {"images": 0}
