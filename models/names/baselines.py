"""Baselines of name classifiers: logistic regression on character n-grams, and upper bounds for any classifier by spelling.

The upper bounds are below 1 because a prediction for a spelling of several languages is correct for only one of them. There
are two, because the labels that maximise accuracy do not maximise macro recall.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.names.data import Names

STEM = 5  # letters: the longest n-gram
POWERS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)  # of the class sizes, from which the best for n-grams is chosen
NGRAMS, STRENGTH = (1, 5), 10.0  # n-gram lengths and inverse regularisation: the best of 1, 3, 10, 30 on dev


def ngram_answers(train: Names, texts: Sequence[str]) -> np.ndarray:
    """Probabilities [name, class] of logistic regression on character n-grams (tf-idf, word ends marked, balanced classes)."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    seen = TfidfVectorizer(analyzer="char_wb", ngram_range=NGRAMS, min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000)
    model.fit(seen.fit_transform(train.texts), train.targets)
    probabilities = np.zeros((len(texts), len(train.labels)))
    probabilities[:, model.classes_] = model.predict_proba(seen.transform(texts))
    return probabilities


def with_prior(probabilities: np.ndarray, sizes: np.ndarray, power: float) -> np.ndarray:
    """Probabilities [name, class] times class size [class] to a power, scaled to sum to 1; a power above 0 favours large classes."""
    adjusted = probabilities * (sizes / sizes.sum()) ** power
    return adjusted / adjusted.sum(1, keepdims=True)


def by_stem(predicted: np.ndarray, train: Names, dev: Names) -> dict[str, Any]:
    """Accuracy of predictions [name] on dev names that share their first letters with a training name of their language, and on others."""
    stems = {(text[:STEM], target) for text, target in zip(train.texts, train.targets.tolist(), strict=True)}
    known = np.array([(text[:STEM], target) in stems for text, target in zip(dev.texts, dev.targets.tolist(), strict=True)], bool)
    right = predicted == dev.targets
    parts = {"known": right[known], "new": right[~known]}
    return {"letters": STEM} | {
        name: {"names": len(part), "accuracy": float(part.mean()) if len(part) else None} for name, part in parts.items()
    }


def ceilings(texts: Sequence[str], targets: np.ndarray, classes: int) -> dict[str, float]:
    """Upper bounds of accuracy and macro recall on these names for any classifier by spelling, each with its own best labels.

    Args:
        texts: Spellings, [name].
        targets: Index of the true class, [name].
        classes: Number of classes.
    """
    rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    table = np.zeros((len(rows), classes))
    np.add.at(table, (np.array([rows[text] for text in texts]), targets), 1)
    support = table.sum(0)
    recall = table[:, support > 0] / support[support > 0]
    return {"accuracy": float(table.max(1).sum() / len(targets)), "macro_recall": float(recall.max(1).sum() / recall.shape[1])}
