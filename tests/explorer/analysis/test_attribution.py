"""Rank correlation against scipy, and how far methods agree with deletion, on numbers worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from explorer.analysis.attribution import RECENCY, Attribution, Comparison, agreement, rank_correlation
from explorer.errors import AnalysisError, RecordError
from explorer.figures.attribution import row

VALUES = st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=2, max_size=30)


@given(VALUES)
def test_the_rank_correlation_is_scipys(pairs: list[tuple[int, int]]):
    one, other = np.array(pairs, float).T
    if np.ptp(one) and np.ptp(other):
        assert rank_correlation(one, other) == pytest.approx(stats.spearmanr(one, other).statistic, abs=1e-9)
    else:
        assert math.isnan(rank_correlation(one, other))


def test_sizes_signs_and_the_largest():
    deleted = np.array([0.1, -0.5, 0.2, 2.0])
    same = agreement(3 * deleted, deleted)
    assert (same.size, same.signed, same.top) == (pytest.approx(1), pytest.approx(1), True)
    turned = agreement(-deleted, deleted)
    assert (turned.size, turned.signed, turned.top) == (pytest.approx(1), pytest.approx(-1), True)
    other = agreement(np.array([4.0, 3.0, 2.0, 1.0]), deleted, signed=False)
    # Ranks of the sizes 1 3 2 4 against 4 3 2 1: 1 - 6 (9 + 0 + 0 + 9) / (4 * 15) = -0.8
    assert (other.size, other.signed, other.top) == (pytest.approx(-0.8), None, False)


def test_one_token_is_counted_as_one_and_a_long_text_is_cut_as_in_every_record():
    one = Attribution(("été",), np.array([0.5]), "occlusion", 2.0, "zero", source="rnn")
    assert str(one).splitlines()[0] == "Attribution of the output 2 to 1 token through 'rnn' by occlusion, baseline zero, 'été'"
    many = Attribution(("word",) * 1200, np.zeros(1200), "gradient", 2.0)
    words = "word word word word word word word wo..."
    assert str(many).splitlines()[0] == f"Attribution of the output 2 to 1,200 tokens by gradient, '{words}'"
    assert row(one).description.startswith("Scores of 1 word by occlusion, baseline zero.")


def test_a_comparison_puts_recency_beside_the_methods():
    deleted = np.array([0.0, 0.5, -1.0])
    scored = Attribution(tuple("abc"), np.array([0.2, -0.1, 0.0]), "occlusion", -1.0)
    compared = Comparison(tuple("abc"), "d", -1.0, deleted, (scored,))
    agreements = compared.agreements()
    assert list(agreements) == ["occlusion", RECENCY] and agreements["occlusion"].size == pytest.approx(-1)
    assert agreements[RECENCY].size == pytest.approx(1) and agreements[RECENCY].top
    assert compared.of("occlusion") is scored
    with pytest.raises(AnalysisError, match=r"^There is no attribution by 'gradient'; expected one of occlusion\.$"):
        compared.of("gradient")
    with pytest.raises(RecordError, match=r"^deleted has shape \(2,\); expected \(3,\) = \[time\], one for each token\.$"):
        Comparison(tuple("abc"), "d", -1.0, deleted[:2], (scored,))
