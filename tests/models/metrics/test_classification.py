"""Scores of classifiers against scikit-learn, ceilings by trying all, and what the majority and n-grams get."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from models.metrics import classification
from models.names import data
from models.names.data import Names
from tests.models.names.tiny_names import invented


def test_stems_that_training_holds_are_told_from_new_ones():
    train = Names(("A", "B"), ("abcdex", "zzzzzz"), np.array([0, 1]), np.ones(2, int))
    dev = Names(("A", "B"), ("abcdey", "abcdez", "zzzzza", "bbbbbb"), np.array([0, 1, 1, 0]), np.ones(4, int))
    told = classification.by_stem(np.array([0, 0, 0, 0]), train, dev)  # abcdez is of another language than abcdex
    assert told == {"letters": 5, "known": {"names": 2, "accuracy": 0.5}, "new": {"names": 2, "accuracy": 0.5}}


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.4] * 5, 400)
    y = np.where(rng.random(400) < 0.5, p.argmax(1), rng.integers(0, 4, 400))  # class 4 only by its own answers
    y[y == 4] = 0  # so that it has none
    told, predicted = classification.scores(p, y), p.argmax(1)
    assert told["names"] == 400 and told["accuracy"] == metrics.accuracy_score(y, predicted)
    assert told["macro_recall"] == pytest.approx(metrics.recall_score(y, predicted, labels=range(4), average="macro"))
    assert told["macro_f1"] == pytest.approx(metrics.f1_score(y, predicted, labels=range(4), average="macro"))
    assert told["nats_per_name"] == pytest.approx(metrics.log_loss(y, p, labels=range(5)))
    assert told["brier"] == pytest.approx(metrics.brier_score_loss(y, p, labels=range(5), scale_by_half=False))
    confidence, right = p.max(1), predicted == y
    edges, error = np.linspace(0, 1, 16), 0.0
    for low, high in itertools.pairwise(edges):
        inside = (confidence >= low) & (confidence < high if high < 1 else True)
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert told["calibration_error"] == pytest.approx(error)
    kept = classification.reliability(p, y)
    assert sum(kept["names"]) == 400 and sum(kept["right"]) == right.sum()
    gaps = [abs(r - n * c) for n, r, c in zip(*(kept[key] for key in ("names", "right", "confidence")), strict=True)]
    assert sum(gaps) / 400 == pytest.approx(error, abs=1e-5)
    np.testing.assert_array_equal(classification.counts(predicted, y, 5), metrics.confusion_matrix(y, predicted, labels=range(5)))


def test_the_value_of_a_perfectly_calibrated_model_is_what_one_gets():
    """Outcomes drawn from the probabilities themselves: the error is about the null, and shrinks as n grows."""
    rng = np.random.default_rng(0)
    nulls = []
    for n in (300, 4_000):
        p = rng.dirichlet([0.5] * 4, n)
        found = []
        for _ in range(40):
            y = (p.cumsum(1) > rng.random((n, 1))).argmax(1)
            found.append(classification.calibration_error(p.max(1), p.argmax(1) == y))
        nulls.append(classification.scores(p, y)["calibration_error_if_perfect"])
        assert np.mean(found) == pytest.approx(nulls[-1], rel=0.1)
    assert 0.03 < nulls[0] < 0.08 and nulls[1] < nulls[0] / 2.5


def test_ceilings_by_trying_every_answer():
    texts, targets = ["a", "a", "a", "b", "b", "c", "d", "d"], np.array([0, 0, 1, 0, 2, 1, 0, 2])
    best = {"accuracy": 0.0, "macro_recall": 0.0}
    for answer in itertools.product(range(3), repeat=4):
        predicted = [dict(zip("abcd", answer, strict=True))[text] for text in texts]
        best["accuracy"] = max(best["accuracy"], metrics.accuracy_score(targets, predicted))
        best["macro_recall"] = max(best["macro_recall"], metrics.recall_score(targets, predicted, average="macro", zero_division=0))
    assert classification.ceilings(texts, targets, 3) == pytest.approx(best)
    assert classification.ceilings(texts, targets, 4) == pytest.approx(best)  # a class that does not occur changes nothing
    greedy = classification.ceilings(texts, targets, 3)
    assert greedy["accuracy"] == 5 / 8 and greedy["macro_recall"] > np.mean([1, 0.5, 0])  # other answers than those best for accuracy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return invented(tmp_path / "lists")


def test_the_majority_and_the_ngrams(folder: Path):
    train, dev = data.read(folder).split()
    told = classification.majority(train, dev)
    largest = np.bincount(train.targets).argmax()
    assert told["accuracy"] == pytest.approx((dev.targets == largest).mean()) and told["macro_recall"] == pytest.approx(1 / 3)
    shares = np.bincount(train.targets) / len(train)
    assert told["nats_per_name"] == pytest.approx(-np.log(shares[dev.targets]).mean())
    ngrams = classification.ngram_logistic(train, dev)
    assert ngrams["macro_f1"] > 0.8 > told["macro_f1"] and ngrams["names"] == len(dev)
