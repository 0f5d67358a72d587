"""Two maps held against each other: the rank correlation is scipy's, and what lies on the regions needed most is counted by hand."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from explorer.analysis.map_agreement import agreement, on_needed


def test_rank_correlation_is_spearmans_and_is_held_against_other_words():
    rng = np.random.default_rng(0)
    weights, lost = rng.random((4, 49)), rng.normal(size=(4, 49)).round(1)  # with ties
    own, others = agreement(weights, lost, 2)
    wanted = [spearmanr(row, lost[2]).statistic for row in weights]
    assert own == pytest.approx(wanted[2], abs=1e-6) and others == pytest.approx(np.mean([wanted[0], wanted[1], wanted[3]]), abs=1e-6)
    assert np.isnan(agreement(weights, np.zeros((4, 49)), 2)).all()
    weights[2] = 1 / 49
    own, others = agreement(weights, lost, 2)
    assert np.isnan(own) and np.isfinite(others)


def test_how_much_of_a_look_lies_on_what_is_needed_most():
    lost, looked = np.zeros((3, 20)), np.full((3, 20), 0.05)
    lost[1, [4, 7]] = 2.0, 3.0  # a tenth of 20
    looked[1] = 0
    looked[1, [4, 7, 0]] = 0.5, 0.3, 0.2
    assert on_needed(looked, lost, 1) == pytest.approx((0.8, 0.1))
    assert np.isnan(on_needed(looked, lost, 0)).all()  # needed nowhere more than elsewhere
    assert np.isnan(on_needed(looked[:1], lost[1:2], 0)[1])  # there is no other word
