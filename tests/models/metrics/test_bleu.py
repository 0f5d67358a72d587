"""BLEU and related scores: by hand, with different numbers of references, and with their intervals."""

import math
import random

import pytest

from models.metrics.bleu import bleu, columns, paired, scores, with_interval

REFERENCES = [["the cat is on the mat", "there is a cat on the mat"], ["go away now please"]]


def test_bleu_by_hand():
    """Seven words, six of them in a reference; five pairs of six; the nearest length is 7, so there is no brevity penalty."""
    translations = ["there is a cat on a mat", "go away now please"]
    # matches of 1-, 2-, 3- and 4-grams of both sentences: 6 + 4, 4 + 3, 3 + 2, 2 + 1
    precisions = [10 / 11, 7 / 9, 5 / 7, 3 / 5]
    assert bleu(translations, REFERENCES) == pytest.approx(100 * math.prod(precisions) ** 0.25, abs=1e-9)


def test_a_short_corpus_is_punished_by_the_nearest_lengths():
    translations = ["there is a cat", "go away now please"]
    # 8 words; the nearest references have 6 (not 7) and 4; every n-gram matches
    assert bleu(translations, REFERENCES) == pytest.approx(100 * math.exp(1 - 10 / 8), abs=1e-9)


def test_a_sentence_with_fewer_references_is_compared_with_those_it_has():
    assert columns(REFERENCES) == [[REFERENCES[0][0], REFERENCES[1][0]], [REFERENCES[0][1], None]]
    assert bleu([REFERENCES[0][1], REFERENCES[1][0]], REFERENCES) == pytest.approx(100)


def test_scores_come_with_their_signatures():
    result = scores(["there is a cat on the mat", "go away"], REFERENCES)
    assert result["signature"].startswith("nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert "nc:6|nw:0" in result["chrf_signature"] and 0 < result["chrf"] < 100
    assert result["exact_match"] == 0.5 and result["sentences"] == 2
    assert scores(["Go Away now please"], REFERENCES[1:])["exact_match"] == 0 < scores(["go away now please"], REFERENCES[1:])["bleu"]


def corpora(errors: float, seed: int, count: int = 300) -> tuple[list[str], list[list[str]]]:
    drawn = random.Random(seed)
    wanted = [[drawn.choice("abcdefgh") for _ in range(8)] for _ in range(count)]
    drawn = random.Random(seed + 1)
    translations = [["x" if drawn.random() < errors else word for word in sentence] for sentence in wanted]
    return [" ".join(sentence) for sentence in translations], [[" ".join(sentence)] for sentence in wanted]


def test_an_interval_holds_the_score_and_shrinks_with_the_square_root_of_n():
    widths = []
    for count in (100, 900):
        translations, wanted = corpora(0.1, 0, count)
        answer = with_interval(translations, wanted)
        low, high = answer["interval"]
        assert low < answer["bleu"] < high and answer["sentences"] == count and answer["bleu"] == pytest.approx(bleu(translations, wanted))
        widths.append(high - low)
    assert 2 < widths[0] / widths[1] < 4.5


def test_the_paired_bootstrap_distinguishes_a_difference_from_none():
    (same, wanted), (worse, _) = corpora(0.1, 0), corpora(0.2, 0)
    other = [*same[:-1], worse[-1]]  # one sentence differs
    compared = paired({"first": same, "again": same, "other": other, "worse": worse}, wanted)
    assert list(compared) == ["first", "again", "other", "worse"] and compared["first"]["p"] is None
    assert compared["again"]["bleu"] == compared["first"]["bleu"] == pytest.approx(bleu(same, wanted)) and compared["again"]["p"] == 1
    assert compared["worse"]["bleu"] == pytest.approx(bleu(worse, wanted)) and compared["worse"]["p"] < 0.01 < 0.1 < compared["other"]["p"]
    assert compared["worse"]["interval"][1] < compared["first"]["interval"][0]
