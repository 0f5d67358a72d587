"""Scores of classifiers of names compared with scikit-learn, and the scores of the majority and of n-grams."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from explorer.analysis.confusion import error_if_calibrated
from models.names import data
from models.names.baselines import ngram_answers
from models.names.experiments.scoring import calibration_bins, majority, ngram_logistic, scores
from tests.models.names.tiny_names import invented


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.4] * 5, 400)
    y = np.where(rng.random(400) < 0.5, p.argmax(1), rng.integers(0, 4, 400))  # class 4 only by its own answers
    y[y == 4] = 0  # so that it has none
    scored, predicted = scores(p, y), p.argmax(1)
    assert scored["names"] == 400 and scored["accuracy"] == metrics.accuracy_score(y, predicted)
    assert scored["macro_recall"] == pytest.approx(metrics.recall_score(y, predicted, labels=range(4), average="macro"))
    assert scored["macro_f1"] == pytest.approx(metrics.f1_score(y, predicted, labels=range(4), average="macro"))
    assert scored["nats_per_name"] == pytest.approx(metrics.log_loss(y, p, labels=range(5)))
    assert scored["brier"] == pytest.approx(metrics.brier_score_loss(y, p, labels=range(5), scale_by_half=False))
    confidence, right = p.max(1), predicted == y
    edges, error = np.linspace(0, 1, 16), 0.0
    for low, high in itertools.pairwise(edges):
        inside = (confidence >= low) & (confidence < high if high < 1 else True)
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert scored["calibration_error"] == pytest.approx(error)
    assert scored["calibration_error_if_perfect"] == pytest.approx(error_if_calibrated(confidence)) and scored["calibration_bins"] == 15
    kept = calibration_bins(p, y)
    assert sum(kept["names"]) == 400 and sum(kept["right"]) == right.sum()
    gaps = [abs(r - n * c) for n, r, c in zip(*(kept[key] for key in ("names", "right", "confidence")), strict=True)]
    assert sum(gaps) / 400 == pytest.approx(error, abs=1e-5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return invented(tmp_path / "lists")


def test_the_majority_and_the_ngrams(folder: Path):
    train, dev = data.read(folder).split()
    scored = majority(train, dev)
    largest = np.bincount(train.targets).argmax()
    assert scored["accuracy"] == pytest.approx((dev.targets == largest).mean()) and scored["macro_recall"] == pytest.approx(1 / 3)
    shares = np.bincount(train.targets) / len(train)
    assert scored["nats_per_name"] == pytest.approx(-np.log(shares[dev.targets]).mean())
    ngrams = ngram_logistic(train, dev)
    assert ngrams["macro_f1"] > 0.8 > scored["macro_f1"] and ngrams["names"] == len(dev)
    adjusted = ngrams["with_prior"]
    p = ngram_answers(train, dev.texts) * np.bincount(train.targets) ** adjusted["power"]
    assert adjusted["macro_f1"] == pytest.approx(metrics.f1_score(dev.targets, p.argmax(1), average="macro"))
    assert adjusted["macro_f1"] >= ngrams["macro_f1"] and adjusted["names"] == len(dev)
    assert adjusted["nats_per_name"] == pytest.approx(metrics.log_loss(dev.targets, p / p.sum(1, keepdims=True)))
