"""Confusion matrices, compared with scikit-learn and with numbers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.calibration import calibration_curve

from explorer import ConfusionMatrix
from explorer.analysis.confusion import (
    accuracy,
    brier,
    class_scores,
    confusion,
    error_if_calibrated,
    intervals,
    most_confused,
    order,
    reliability,
    reliability_of,
    shares,
    wilson,
)
from explorer.errors import AnalysisError

LABELS = ("ant", "bee", "cow", "dog")
NUMBERS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


def made(rows: list[list[int]]) -> ConfusionMatrix:
    return ConfusionMatrix(LABELS[: len(rows)], np.array(rows))


@settings(max_examples=60, deadline=None)
@given(NUMBERS)
def test_counts_and_scores_are_those_of_scikit_learn(pairs: list[tuple[int, int]]):
    true, predicted = np.array(pairs).T
    matrix, every = confusion(true, predicted, LABELS), np.arange(4)
    np.testing.assert_array_equal(matrix.counts, metrics.confusion_matrix(true, predicted, labels=every))
    theirs = metrics.precision_recall_fscore_support(true, predicted, labels=every, zero_division=np.nan)
    ours = class_scores(matrix)
    np.testing.assert_allclose(ours.precision, theirs[0])
    np.testing.assert_allclose(ours.recall, theirs[1])
    said = (ours.support + ours.answers) > 0
    np.testing.assert_allclose(ours.f1[said], metrics.f1_score(true, predicted, labels=every[said], average=None, zero_division=0))
    assert np.isnan(ours.f1[~said]).all()
    np.testing.assert_array_equal(ours.support, theirs[3])
    here = np.unique(true)
    assert ours.macro_recall == pytest.approx(metrics.recall_score(true, predicted, labels=here, average="macro", zero_division=0))
    assert ours.macro_f1 == pytest.approx(metrics.f1_score(true, predicted, labels=here, average="macro", zero_division=0))
    assert accuracy(matrix) == pytest.approx(metrics.accuracy_score(true, predicted))
    rows = metrics.confusion_matrix(true, predicted, labels=every, normalize="true")
    np.testing.assert_allclose(np.nan_to_num(shares(matrix)), rows)
    assert np.isnan(shares(matrix)[ours.support == 0]).all()


def test_wilson_by_hand():
    # 8 of 10: (0.8 + 1.96^2/20 +- 1.96 sqrt(0.16/10 + 1.96^2/400)) / (1 + 1.96^2/10) = 0.4902 .. 0.9433
    low, high = wilson(np.array([8, 0, 10, 0, 400]), np.array([10, 10, 10, 0, 500]))
    assert low == pytest.approx([0.4902, 0, 0.7225, 0, 0.7627], abs=5e-5)
    assert high == pytest.approx([0.9433, 0.2775, 1, 1, 0.8327], abs=5e-5)


@given(st.integers(0, 50), st.integers(1, 50))
def test_wilson_limits_solve_the_equation_they_come_from(hits: int, more: int):
    total = hits + more
    low, high = wilson(np.array(hits), np.array(total))
    assert 0 <= low <= hits / total <= high <= 1
    for limit in (low, high):
        if 0 < limit < 1:  # |share - p| = z sqrt(p (1 - p) / n)
            assert abs(hits / total - limit) == pytest.approx(1.959964 * np.sqrt(limit * (1 - limit) / total), rel=1e-5, abs=1e-9)


def test_wilson_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    truth, total = rng.uniform(0.05, 0.95, 20_000), rng.integers(20, 80, 20_000)
    low, high = wilson(rng.binomial(total, truth), total)
    assert 0.945 < ((low <= truth) & (high >= truth)).mean() < 0.96


def test_intervals_are_of_rows():
    matrix = made([[8, 2], [0, 0]])
    low, high = intervals(matrix)
    assert low[0] == pytest.approx([0.4902, 0.0567], abs=5e-5) and high[0] == pytest.approx([0.9433, 0.5098], abs=5e-5)
    assert low[1].tolist() == [0, 0] and high[1].tolist() == [1, 1]


def test_orders():
    matrix = made([[50, 0, 9, 0], [0, 5, 0, 4], [8, 0, 20, 1], [1, 7, 0, 90]])
    alike = order(matrix).tolist()
    assert sorted(alike) == [0, 1, 2, 3]
    assert abs(alike.index(0) - alike.index(2)) == 1 and abs(alike.index(1) - alike.index(3)) == 1
    assert order(matrix, "size").tolist() == [3, 0, 2, 1] and order(matrix, "index").tolist() == [0, 1, 2, 3]
    assert sorted(order(made([[0, 0], [0, 3]])).tolist()) == [0, 1]  # a row without items
    with pytest.raises(AnalysisError, match="There is no order by 'name'; expected one of similarity, size, index"):
        order(matrix, "name")


def test_the_most_confused_pairs_in_words():
    matrix = made([[50, 0, 40, 10], [1, 2, 0, 0], [0, 0, 5, 0], [0, 2, 0, 1]])
    pairs = most_confused(matrix, 3, made([[0, 0, 40, 3], [0, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]))
    # lower limits: 40 of 100: .309, 2 of 3: .208, 1 of 3: .061, 10 of 100: .055
    assert [(p.true, p.predicted, p.count, p.shared) for p in pairs] == [("ant", "cow", 40, 40), ("dog", "bee", 2, 0), ("bee", "ant", 1, 0)]
    assert pairs[0].words == "ant classified as cow: 40 of 100 (40 %; 95 % interval 31 to 50 %); all 40 are shared spellings"
    assert pairs[1].words == "dog classified as bee: 2 of 3 (67 %; 95 % interval 21 to 94 %)"
    fourth = most_confused(matrix, shared=made([[0, 0, 40, 3], [0, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]))[3]
    assert fourth.words == "ant classified as dog: 10 of 100 (10 %; 95 % interval 6 to 17 %); 3 of the 10 are shared spellings"
    assert [p.count for p in most_confused(matrix, least=10)] == [40, 10] and most_confused(made([[3, 0], [0, 2]])) == []
    with pytest.raises(AnalysisError, match="shared does not fit the matrix"):
        most_confused(matrix, shared=made([[0, 0, 41, 0]] + [[0] * 4] * 3))


def test_reliability_by_hand():
    confidence, right = np.array([0.95, 0.85, 0.85, 0.15, 1.0, 0.0]), np.array([1, 1, 0, 0, 1, 0], bool)
    diagram = reliability(confidence, right, bins=5)
    assert diagram.items.tolist() == [2, 0, 0, 0, 4] and diagram.right.tolist() == [0, 0, 0, 0, 3]
    assert diagram.confidence[[0, 4]] == pytest.approx([0.075, 0.9125]) and np.isnan(diagram.confidence[1:4]).all()
    assert diagram.error == pytest.approx((0.15 + 0.65) / 6)
    assert (diagram.low[4], diagram.high[4]) == pytest.approx((0.3006, 0.9544), abs=5e-5)
    again = reliability_of(diagram.items, diagram.right, np.nan_to_num(diagram.confidence))
    assert again.error == diagram.error and np.isnan(again.confidence[1])


def test_reliability_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    confidence = rng.random(2_000)
    right = rng.random(2_000) < confidence**2
    diagram, (share, mean) = reliability(confidence, right, 12), calibration_curve(right, confidence, n_bins=12)
    np.testing.assert_allclose(diagram.right / diagram.items, share)
    np.testing.assert_allclose(diagram.confidence, mean)
    assert diagram.error == pytest.approx(np.average(np.abs(share - mean), weights=diagram.items))


def test_the_error_of_a_perfectly_calibrated_classifier_is_what_one_gets():
    """Outcomes drawn from the probabilities themselves: the error is about the null, and shrinks as n grows."""
    rng = np.random.default_rng(0)
    nulls = []
    for n in (300, 4_000):
        p = rng.dirichlet([0.5] * 4, n)
        errors = []
        for _ in range(40):
            y = (p.cumsum(1) > rng.random((n, 1))).argmax(1)
            errors.append(reliability(p.max(1), p.argmax(1) == y).error)
        nulls.append(error_if_calibrated(p.max(1)))
        assert np.mean(errors) == pytest.approx(nulls[-1], rel=0.1)
    assert 0.03 < nulls[0] < 0.08 and nulls[1] < nulls[0] / 2.5


def test_the_brier_score_is_that_of_scikit_learn():
    rng = np.random.default_rng(2)
    p, true = rng.dirichlet([0.4] * 5, 300), rng.integers(0, 4, 300)
    assert brier(p, true) == pytest.approx(metrics.brier_score_loss(true, p, labels=range(5), scale_by_half=False))
    assert brier(np.eye(3), np.array([0, 1, 1])) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: confusion(np.array([0, 1]), np.array([0]), LABELS), "There are 2 true classes and 1 predicted ones"),
        (
            lambda: confusion(np.array([0, 4]), np.array([0, 0]), LABELS),
            "true contains class 4; expected 0 to 3, because there are 4 labels",
        ),
        (lambda: confusion(np.array([0]), np.array([-1]), LABELS), "predicted contains class -1; expected 0 to 3"),
        (lambda: class_scores(made([[0, 0], [0, 0]])), "The matrix is empty"),
        (lambda: reliability(np.zeros(0), np.zeros(0)), "There are 0 confidences and 0 answers"),
        (lambda: reliability(np.array([1.5]), np.array([1])), r"outside 0\.\.1; expected probabilities"),
    ],
)
def test_what_cannot_be_counted_is_refused(call, sentence: str):
    with pytest.raises(AnalysisError, match=sentence):
        call()
