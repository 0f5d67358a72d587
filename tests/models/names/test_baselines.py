"""Baselines of a classifier of names: accuracy by stems in training, and ceilings by trying every answer."""

import itertools

import numpy as np
import pytest
from sklearn import metrics

from models.names.baselines import by_stem, ceilings, with_prior
from models.names.data import Names


def test_accuracy_is_split_by_whether_the_stem_is_in_training():
    train = Names(("A", "B"), ("abcdex", "zzzzzz"), np.array([0, 1]), np.ones(2, int))
    dev = Names(("A", "B"), ("abcdey", "abcdez", "zzzzza", "bbbbbb"), np.array([0, 1, 1, 0]), np.ones(4, int))
    scores = by_stem(np.array([0, 0, 0, 0]), train, dev)  # abcdez and abcdex are of different languages
    assert scores == {"letters": 5, "known": {"names": 2, "accuracy": 0.5}, "new": {"names": 2, "accuracy": 0.5}}


def test_ceilings_by_trying_every_answer():
    texts, targets = ["a", "a", "a", "b", "b", "c", "d", "d"], np.array([0, 0, 1, 0, 2, 1, 0, 2])
    best = {"accuracy": 0.0, "macro_recall": 0.0}
    for answer in itertools.product(range(3), repeat=4):
        predicted = [dict(zip("abcd", answer, strict=True))[text] for text in texts]
        best["accuracy"] = max(best["accuracy"], metrics.accuracy_score(targets, predicted))
        best["macro_recall"] = max(best["macro_recall"], metrics.recall_score(targets, predicted, average="macro", zero_division=0))
    assert ceilings(texts, targets, 3) == pytest.approx(best)
    assert ceilings(texts, targets, 4) == pytest.approx(best)  # a class that does not occur changes nothing
    greedy = ceilings(texts, targets, 3)
    assert greedy["accuracy"] == 5 / 8 and greedy["macro_recall"] > np.mean([1, 0.5, 0])  # not the answers that are best for accuracy


def test_a_prior_multiplies_each_class_by_its_share_to_a_power():
    p, sizes = np.array([[0.5, 0.4, 0.1], [0.2, 0.2, 0.6]]), np.array([100, 900, 0])
    np.testing.assert_allclose(with_prior(p, sizes, 1.0)[0], np.array([0.05, 0.36, 0.0]) / 0.41)
    np.testing.assert_allclose(with_prior(p, sizes, 0.5)[1], np.array([1, 3, 0]) / 4)
