"""What curves of gradients say: exponentials, mixtures, chunks; numbers worked out by hand."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import explorer
from explorer.analysis import gradients
from explorer.errors import AnalysisError


def flow(values: np.ndarray, loss_at: int | None, source: str = "rnn") -> explorer.GradientFlow:
    """A record of one layer whose norms are 10^values [time]."""
    column = np.asarray(values, float)[:, None]
    return explorer.GradientFlow(("x",) * len(column), column, None, column, loss_at, source)


def refused(sentence: str):
    return pytest.raises(AnalysisError, match="^" + re.escape(sentence) + "$")


def test_a_curve_runs_away_from_the_loss():
    record = flow(np.array([1, 2, 4, 7, -np.inf]), 3)
    assert gradients.curve(record).tolist() == [0, -3, -5, -6]
    back = flow(np.array([-np.inf, 7, 4, 2, 1]), 1, "rnn[reverse]")
    assert gradients.curve(back).tolist() == [0, -3, -5, -6]
    with refused("This loss enters at several steps, so distances have no meaning: take the loss at one step."):
        gradients.curve(replace(record, loss_at=None))
    with refused("This record has no curve 'cell'. Choose state, hidden, or cell where the network is an LSTM."):
        gradients.curve(record, what="cell")
    with refused("layer is 1, but there are 1: choose from 0 to 0."):
        gradients.curve(record, layer=1)
    with refused("Nothing flows to layer -1 at step 4, where the loss is: there is nothing to be relative to."):
        gradients.curve(replace(record, loss_at=4))


def test_an_exponential_has_a_half_life_and_a_mixture_has_none():
    lags = np.arange(201)
    reach = gradients.reach([lags * np.log10(0.8)])
    assert reach.bands == gradients.BANDS
    np.testing.assert_allclose(reach.factors, 0.8)
    assert reach.half_life == pytest.approx(3.106, abs=1e-3)  # ln 2 / -ln 0.8
    assert reach.falls == (4, 11, 21, 31)  # 0.8^3 = 0.512, 0.8^4 = 0.41; 0.8^10 = 0.107; 0.8^20 = 0.0115; 0.8^30 = 0.0012
    mixed = gradients.reach([np.log10(0.9 * 0.5**lags + 0.1 * 0.99**lags)])
    assert mixed.half_life is None
    assert mixed.factors[0] < 0.7 < 0.98 < mixed.factors[-1]
    assert gradients.reach([lags * 0.0]).half_life is None, "what does not fall has no half-life"
    assert gradients.reach([lags * 0.0]).falls == (None,) * 4


def test_factors_near_one_that_look_alike_are_no_half_life():
    """0.945 and 0.995 differ by 5 %, and halve in 12 steps and in 138: what must agree is how fast it falls."""
    lags = np.arange(201)
    bent = gradients.reach([np.where(lags < 28, lags * np.log10(0.945), 28 * np.log10(0.945) + (lags - 28) * np.log10(0.995))])
    assert bent.falls[0] == 13 and bent.half_life is None
    assert gradients.reach([lags * np.log10(0.99)]).half_life == pytest.approx(68.97, abs=0.01)  # ln 2 / -ln 0.99


def test_quantiles_are_of_logarithms_and_only_of_those_that_reach():
    curves = [np.array([0.0, -1, -2, -9]), np.array([0.0, -2, -np.inf]), np.array([0.0, 100])]
    reach = gradients.reach(curves)
    assert reach.median.tolist() == [0, -1, -np.inf, -9]
    assert reach.count.tolist() == [3, 3, 2, 1]
    assert reach.low.tolist() == [0, -2, -np.inf, -9]
    assert reach.high.tolist() == [0, -1, -np.inf, -9]
    assert reach.falls == (1, 2, 2, 2)
    assert np.isfinite(reach.factors).all()
    assert np.isnan(gradients.reach(curves[1:2]).factors).all()
    with refused("There are no curves to summarise; expected one for each loss."):
        gradients.reach([])


def test_truncation_is_what_a_detached_border_does():
    torch.manual_seed(0)
    gru, x, flows = nn.GRU(3, 4, 2).double(), torch.randn(14, 3).double(), []
    for length in (14, 4):
        state, outputs = None, []
        with explorer.record(gru, gradients=True) as recording:
            for chunk in x.split(length):
                out, state = gru(chunk, state)
                state = state.detach()
                outputs.append(out)
        flows.append([explorer.gradient_flow(recording, torch.cat(outputs)[at].sum(), "x" * 14) for at in (6, 7, 8)])
    for whole, cut in zip(*flows, strict=True):
        np.testing.assert_allclose(gradients.truncated(whole, 4).state_log10, cut.state_log10, atol=1e-10)
        assert cut.loss_at == whole.loss_at
    shifted = gradients.truncated(flows[0][0], 4, first=1)
    assert np.isfinite(shifted.state_log10[:, 0]).tolist() == [5 <= t <= 6 for t in range(14)]
    with refused("length is 0; expected 1 step or more."):
        gradients.truncated(flows[0][0], 0)
    with refused("Truncated backpropagation is shown of a loss at one step, in the forward direction."):
        gradients.truncated(replace(flows[0][0], loss_at=None), 4)


def test_how_many_losses_a_chunk_lets_hear():
    lags = np.arange(6)
    heard = [np.mean([position % 4 >= lag for position in range(400)]) for lag in lags]
    np.testing.assert_allclose(gradients.heard(4, lags), heard)


def test_first_lags_below_each_share():
    lags = np.arange(40)
    lowest_lags = gradients.falls(np.stack([lags * np.log10(0.8), lags * 0.0, np.minimum(lags, 3) * -0.4]))
    assert lowest_lags.tolist() == [[4, 11, 21, 31], [np.inf] * 4, [1, 3, np.inf, np.inf]]
