"""Confusion matrices: counts, shares with Wilson intervals, scores per class, the most confused pairs, Brier score, and calibration."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from explorer.analysis.ordering import clustered
from explorer.axes import Float, Int
from explorer.errors import AnalysisError
from explorer.records import ConfusionMatrix

LEVEL = 0.95
ORDERS = ("similarity", "size", "index")


def confusion(true: np.ndarray, predicted: np.ndarray, labels: Sequence[str]) -> ConfusionMatrix:
    """Count how often each true class was predicted as each class.

    Args:
        true: Index of the true class of each item, [item], 0 to the number of labels less one.
        predicted: Index of the predicted class of each item, [item].
        labels: The classes, [class].

    Raises:
        AnalysisError: the two differ in length, or an index is not that of a class.
    """
    if len(true) != len(predicted):
        raise AnalysisError(f"There are {len(true)} true classes and {len(predicted)} predicted ones; expected one of each per item.")
    size = len(labels)
    for word, numbers in (("true", true), ("predicted", predicted)):
        wrong = numbers[(numbers < 0) | (numbers >= size)]
        if len(wrong):
            raise AnalysisError(f"{word} contains class {wrong[0]}; expected 0 to {size - 1}, because there are {size} labels.")
    flat = np.bincount(true.astype(np.int64) * size + predicted, minlength=size * size)
    return ConfusionMatrix(tuple(labels), flat.reshape(size, size))


def shares(matrix: ConfusionMatrix) -> Float[np.ndarray, "n n"]:
    """Share of each row, [true, predicted], 0..1; nan in a row without items."""
    totals = matrix.counts.sum(1, keepdims=True)
    return np.where(totals > 0, matrix.counts / np.maximum(totals, 1), np.nan)


def wilson(hits: np.ndarray, total: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper limit of a share: the Wilson interval, which stays within 0..1 and is wide for few items; 0..1 for none.

    Args:
        hits: Successes, [...].
        total: Trials, [...] or anything that broadcasts to it.
        level: Fraction of such intervals that contain the true share.

    Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
    """
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    n = np.maximum(total, 1)
    centre = (hits + z2 / 2) / (n + z2)
    reach = np.sqrt(z2 * (hits * (n - hits) / n + z2 / 4)) / (n + z2)
    low, high = np.where(hits == 0, 0.0, centre - reach), np.where(hits == total, 1.0, centre + reach)
    return np.where(total > 0, low, 0.0), np.where(total > 0, high, 1.0)


def intervals(matrix: ConfusionMatrix, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Wilson limits of every row share, each [true, predicted]."""
    return wilson(matrix.counts, matrix.counts.sum(1, keepdims=True), level)


def order(matrix: ConfusionMatrix, by: str = "similarity") -> Int[np.ndarray, "n"]:
    """Classes in the order of rows and columns, a permutation [class].

    Args:
        matrix: Counts.
        by: "similarity": classes that get confused are neighbours (average linkage on 1 - the mean of both row
            shares); "size": most items first; "index": as the labels come.

    Raises:
        AnalysisError: another word.
    """
    if by not in ORDERS:
        raise AnalysisError(f"There is no order by {by!r}; expected one of {', '.join(ORDERS)}.")
    if by == "size":
        return np.argsort(-matrix.counts.sum(1), kind="stable")
    if by == "index":
        return np.arange(len(matrix.labels))
    share = np.nan_to_num(shares(matrix))
    return clustered(1 - (share + share.T) / 2)


@dataclass(frozen=True, eq=False)
class ClassScores:
    """Scores of each class, [class] each: `precision` (nan if it was never predicted), `recall` (nan if it has no items), `f1`
    (nan if neither), `support` its number of items and `answers` the number of predictions.
    """

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    answers: np.ndarray

    @property
    def macro_recall(self) -> float:
        """Mean recall of the classes that have items; also called balanced accuracy."""
        return float(self.recall[self.support > 0].mean())

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that have items."""
        return float(self.f1[self.support > 0].mean())


def class_scores(matrix: ConfusionMatrix) -> ClassScores:
    """Precision, recall, F1 and support of each class.

    Raises:
        AnalysisError: nothing was counted.
    """
    if not matrix.counts.sum():
        raise AnalysisError("The matrix is empty: there is nothing to score.")
    hits, support, answers = np.diag(matrix.counts), matrix.counts.sum(1), matrix.counts.sum(0)
    precision, recall, f1 = (
        np.where(of > 0, times * hits / np.maximum(of, 1), np.nan) for times, of in ((1, answers), (1, support), (2, answers + support))
    )
    return ClassScores(precision, recall, f1, support, answers)


def accuracy(matrix: ConfusionMatrix) -> float:
    """Fraction of all items that were classified correctly; nan if there are none."""
    return float(np.trace(matrix.counts) / matrix.counts.sum()) if matrix.counts.sum() else float("nan")


@dataclass(frozen=True)
class Pair:
    """One cell: `count` of `support` items of class `true` were classified as `predicted`.

    `low`..`high` is the Wilson interval of the row share; `shared` of the count are spellings that belong to both classes.
    """

    true: str
    predicted: str
    count: int
    support: int
    share: float
    low: float
    high: float
    shared: int = 0

    @property
    def words(self) -> str:
        """The pair as a sentence."""
        return f"{self.true} classified as {self.predicted}: {self.numbers}"

    @property
    def numbers(self) -> str:
        """The count with its share and interval, and how many of it are shared spellings."""
        share, low, high = (f"{100 * fraction:.0f}" for fraction in (self.share, self.low, self.high))
        counted = f"{self.count:,} of {self.support:,} ({share} %; 95 % interval {low} to {high} %)"
        which = f"all {self.count:,}" if self.shared == self.count else f"{self.shared:,} of the {self.count:,}"
        return f"{counted}; {which} {'is a shared spelling' if self.shared == 1 else 'are shared spellings'}" if self.shared else counted


def most_confused(matrix: ConfusionMatrix, most: int = 10, shared: ConfusionMatrix | None = None, least: int = 1) -> list[Pair]:
    """The most frequent errors: off-diagonal cells, ranked by the lower Wilson limit of their row share.

    The lower limit, not the share: 2 of 3 is weaker evidence than 40 of 80.

    Args:
        matrix: Counts.
        most: Largest number of pairs.
        least: Pairs with fewer items are left out.
        shared: Of the same classes: how many items of each cell are spellings of the predicted class too.

    Raises:
        AnalysisError: `shared` has other classes, or a larger count than the matrix.
    """
    if shared is not None and (shared.labels != matrix.labels or (shared.counts > matrix.counts).any()):
        raise AnalysisError("shared does not fit the matrix; expected the same labels, and no larger count in any cell.")
    low, n = intervals(matrix)[0], len(matrix.labels)
    cells = [(i, j) for i in range(n) for j in range(n) if i != j and matrix.counts[i, j] >= max(1, least)]
    cells.sort(key=lambda cell: (-low[cell], -matrix.counts[cell], cell))
    return [pair(matrix, matrix.labels[i], matrix.labels[j], shared) for i, j in cells[:most]]


def pair(matrix: ConfusionMatrix, true: str, predicted: str, shared: ConfusionMatrix | None = None) -> Pair:
    """One cell of a matrix; of an empty row the share is 0 and the interval 0..1.

    Args:
        matrix: Counts.
        true, predicted: Two of its labels, or one twice.
        shared: Of the same classes: how many items of each cell are spellings of the predicted class too.
    """
    i, j = matrix.labels.index(true), matrix.labels.index(predicted)
    count, support = int(matrix.counts[i, j]), int(matrix.counts[i].sum())
    low, high = (float(limit) for limit in wilson(np.array(count), np.array(support)))
    both = 0 if shared is None or i == j else int(shared.counts[i, j])
    return Pair(true, predicted, count, support, count / max(1, support), low, high, both)


@dataclass(frozen=True, eq=False)
class Reliability:
    """Confidence and accuracy in bins of equal width, [bin] each.

    `items` in the bin, `right` of them, their mean `confidence` (nan if there are none), and the Wilson limits `low` and
    `high` of the accuracy.
    """

    items: np.ndarray
    right: np.ndarray
    confidence: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance between confidence and accuracy, weighted by items."""
        full = self.items > 0
        return float(np.abs(self.right[full] - self.confidence[full] * self.items[full]).sum() / self.items.sum())


def reliability(confidence: Float[np.ndarray, "item"], right: np.ndarray, bins: int = 15) -> Reliability:
    """Accuracy of predictions by their confidence.

    Args:
        confidence: Probability of the prediction, [item], 0..1.
        right: Whether it was correct, [item].
        bins: Of equal width, from 0 to 1.

    Raises:
        AnalysisError: there is no item, or a confidence outside 0..1.

    Source: Guo et al., "On Calibration of Modern Neural Networks", 2017.
    """
    if not len(confidence) or len(confidence) != len(right):
        raise AnalysisError(f"There are {len(confidence)} confidences and {len(right)} answers; expected one of each per item.")
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise AnalysisError("A confidence lies outside 0..1; expected probabilities. Are these scores before the softmax?")
    bin_index = np.minimum((confidence.astype(np.float64) * bins).astype(int), bins - 1)
    items, hits = np.bincount(bin_index, minlength=bins), np.bincount(bin_index[right.astype(bool)], minlength=bins)
    total = np.bincount(bin_index, confidence, bins)
    return reliability_of(items, hits, np.where(items > 0, total / np.maximum(items, 1), np.nan))


def reliability_of(items: np.ndarray, right: np.ndarray, confidence: np.ndarray) -> Reliability:
    """The same from bins that are counted already, as cards keep them: items, right and mean confidence, each [bin]."""
    low, high = wilson(right, items)
    return Reliability(items, right, np.where(items > 0, confidence, np.nan), low, high)


def error_if_calibrated(confidence: Float[np.ndarray, "item"], bins: int = 15, draws: int = 200, seed: int = 0) -> float:
    """Calibration error that a perfectly calibrated classifier of the same confidences would get; not 0, for the error is biased upward.

    Args:
        confidence: Probability of the answer, [item], 0..1.
        bins: As for `reliability`.
        draws: Outcomes are drawn so often, each answer correct with the probability of its confidence; their mean error is given.
        seed: Of the draws.

    Source: Kumar, Liang and Ma, "Verified Uncertainty Calibration", 2019, on the bias.
    """
    outcomes = np.random.default_rng(seed).random((draws, len(confidence))) < confidence
    return float(np.mean([reliability(confidence, right, bins).error for right in outcomes]))


def brier(probabilities: Float[np.ndarray, "item n"], true: Int[np.ndarray, "item"]) -> float:
    """Mean squared error of the probabilities, summed over the classes: 0..2.

    Args:
        probabilities: [item, class].
        true: Index of the true class, [item].

    Source: Brier, "Verification of Forecasts Expressed in Terms of Probability", 1950.
    """
    return float(((probabilities - np.eye(probabilities.shape[1])[true]) ** 2).sum(1).mean())
