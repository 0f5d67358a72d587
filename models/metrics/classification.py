"""How well a classifier does, by one rule for all: its scores, and what stands beside them.

Beside a network stand the majority class, character n-grams with logistic regression on the same split, and two ceilings:
a spelling that belongs to several languages cannot be right for all of them, and the best choice for accuracy is another
than the best for macro recall.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.names.data import Names

BINS = 15  # equal widths of confidence
DRAWS = 200  # imagined outcomes of a perfectly calibrated model
STEM = 5  # letters: the longest n-gram
NGRAMS, STRENGTH = (1, 5), 10.0  # longest and regularisation of the yardstick: the best of 1, 3, 10, 30 on dev, as the networks' epochs are


def scores(probabilities: np.ndarray, targets: np.ndarray, seed: int = 0) -> dict[str, float | int]:
    """Accuracy, macro recall, macro F1, nats a name, Brier score and calibration error of some answers.

    Macro means are over the classes that occur among the targets. The Brier score sums squared errors over the classes,
    0..2. The calibration error is biased upward, so the value that a perfectly calibrated model of the same confidences
    would get (the mean over imagined outcomes) stands beside it, with the bins and n.

    Args:
        probabilities: [name, class], rows sum to 1.
        targets: Number of the true class, [name].
        seed: Of the imagined outcomes.

    Sources: Brier 1950; Guo et al., "On Calibration of Modern Neural Networks", 2017; Kumar et al. 2019 for the bias.
    """
    p, predicted = probabilities.astype(np.float64), probabilities.argmax(1)
    p /= p.sum(1, keepdims=True)
    right, confidence = predicted == targets, p.max(1)
    drawn = np.random.default_rng(seed).random((DRAWS, len(p))) < confidence
    recall, f1 = _by_class(predicted, targets, p.shape[1])
    return {
        "names": len(targets),
        "accuracy": float(right.mean()),
        "macro_recall": float(recall.mean()),
        "macro_f1": float(f1.mean()),
        "nats_per_name": float(-np.log(np.maximum(p[np.arange(len(p)), targets], 1e-12)).mean()),
        "brier": float(((p - np.eye(p.shape[1])[targets]) ** 2).sum(1).mean()),
        "calibration_error": calibration_error(confidence, right),
        "calibration_error_if_perfect": float(np.mean([calibration_error(confidence, outcomes) for outcomes in drawn])),
        "calibration_bins": BINS,
    }


def _by_class(predicted: np.ndarray, targets: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Recall and F1 of each class that occurs."""
    support, said = np.bincount(targets, minlength=classes), np.bincount(predicted, minlength=classes)
    hits, here = np.bincount(targets[predicted == targets], minlength=classes), support > 0
    return (hits[here] / support[here]), 2 * hits[here] / (support + said)[here]


def bins(confidence: np.ndarray) -> np.ndarray:
    """Number of the bin of each confidence, [name]: equal widths from 0 to 1."""
    return np.minimum((confidence * BINS).astype(int), BINS - 1)


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Mean distance between confidence [name] and share of right answers [name], bin by bin, weighted by names."""
    return float(np.abs(np.bincount(bins(confidence), right - confidence, BINS)).sum() / len(right))


def reliability(probabilities: np.ndarray, targets: np.ndarray) -> dict[str, list]:
    """Names, right answers and mean confidence of each bin, from probabilities [name, class] and targets [name]: for the card."""
    confidence = probabilities.max(1).astype(np.float64)
    bin_of_name, total = bins(confidence), np.bincount(bins(confidence), minlength=BINS)
    right = np.bincount(bin_of_name, probabilities.argmax(1) == targets, BINS)
    mean = np.bincount(bin_of_name, confidence, BINS) / np.maximum(total, 1)
    return {"names": total.tolist(), "right": right.astype(int).tolist(), "confidence": np.round(mean, 6).tolist()}


def counts(predicted: np.ndarray, targets: np.ndarray, classes: int) -> list[list[int]]:
    """How many names of each class [true] were given each answer [predicted], from numbers of classes, each [name]."""
    return np.bincount(targets * classes + predicted, minlength=classes**2).reshape(classes, classes).tolist()


def majority(train: Names, dev: Names) -> dict[str, float | int]:
    """Scores of always answering with the shares of the training names, whatever is read."""
    shares = np.bincount(train.targets, minlength=len(train.labels)) / len(train)
    return scores(np.tile(shares, (len(dev), 1)), dev.targets)


def ngram_answers(train: Names, texts: Sequence[str]) -> np.ndarray:
    """What logistic regression on character n-grams (tf-idf, word ends marked, classes weighted to be equal) says: [name, class]."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    seen = TfidfVectorizer(analyzer="char_wb", ngram_range=NGRAMS, min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000)
    model.fit(seen.fit_transform(train.texts), train.targets)
    probabilities = np.zeros((len(texts), len(train.labels)))
    probabilities[:, model.classes_] = model.predict_proba(seen.transform(texts))
    return probabilities


def ngram_logistic(train: Names, dev: Names) -> dict[str, Any]:
    """Scores of logistic regression on character n-grams, with those by stem."""
    probabilities = ngram_answers(train, dev.texts)
    return scores(probabilities, dev.targets) | {"by_stem": by_stem(probabilities.argmax(1), train, dev)}


def by_stem(predicted: np.ndarray, train: Names, dev: Names) -> dict[str, Any]:
    """Accuracy of answers [name] on dev names whose first letters begin a training name of their language, and on all others."""
    stems = {(text[:STEM], target) for text, target in zip(train.texts, train.targets.tolist(), strict=True)}
    known = np.array([(text[:STEM], target) in stems for text, target in zip(dev.texts, dev.targets.tolist(), strict=True)], bool)
    right = predicted == dev.targets
    parts = {"known": right[known], "new": right[~known]}
    return {"letters": STEM} | {
        name: {"names": len(part), "accuracy": float(part.mean()) if len(part) else None} for name, part in parts.items()
    }


def ceilings(texts: Sequence[str], targets: np.ndarray, classes: int) -> dict[str, float]:
    """The most that any answer by spelling can reach on these very names: accuracy and macro recall, each with its own best labels.

    Args:
        texts: Spellings, [name].
        targets: Number of the true class, [name].
        classes: How many there are.
    """
    rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    table = np.zeros((len(rows), classes))
    np.add.at(table, (np.array([rows[text] for text in texts]), targets), 1)
    support = table.sum(0)
    recall = table[:, support > 0] / support[support > 0]
    return {"accuracy": float(table.max(1).sum() / len(targets)), "macro_recall": float(recall.max(1).sum() / recall.shape[1])}


def beside(train: Names, dev: Names) -> dict[str, Any]:
    """Everything that stands beside a network's scores on dev."""
    return {
        "majority": majority(train, dev),
        "ngram_logistic": ngram_logistic(train, dev),
        "ceiling": ceilings(dev.texts, dev.targets, len(dev.labels)),
    }
