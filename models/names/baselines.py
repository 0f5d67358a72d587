"""What stands beside a classifier of names: character n-grams with logistic regression, and the most that can be right.

There are two ceilings: a spelling that belongs to several languages cannot be right for all of them, and the best choice for
accuracy is another than the best for macro recall.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.names.data import Names

STEM = 5  # letters: the longest n-gram
NGRAMS, STRENGTH = (1, 5), 10.0  # longest and regularisation of the yardstick: the best of 1, 3, 10, 30 on dev, as the networks' epochs are


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
