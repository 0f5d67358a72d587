"""The laboratory: its gradient is autograd's, exact where an answer is known, and below every bound."""

import numpy as np
import pytest
import torch

from explorer.analysis.laboratory import STARTS, Setup, activation, run, weights
from explorer.errors import AnalysisError

TORCH = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "leaky relu": lambda x: torch.nn.functional.leaky_relu(x, 0.3),
    "elu": lambda x: torch.nn.functional.elu(x, 0.3),
}


@pytest.mark.parametrize("name", TORCH)
def test_the_gradient_is_autograds(name: str):
    setup = Setup(8, 12, "gaussian", 1.4, name, 0.3)
    found, W, rng = run(setup), torch.tensor(weights(setup)), np.random.default_rng(1)
    noise, start = torch.tensor(0.5 * rng.normal(size=(12, 8))), torch.tensor(rng.normal(size=8))
    h, states = torch.zeros(8, dtype=torch.float64), []
    for each in noise:
        h = TORCH[name](W @ h + each).requires_grad_() if not states else TORCH[name](W @ h + each)
        h.retain_grad()
        states.append(h)
    (h @ start).backward()
    norms = np.array([float(state.grad.norm()) for state in states])[::-1]
    np.testing.assert_allclose(found.gradient, np.log10(norms / norms[0]), atol=1e-9)
    x = torch.linspace(-3, 3, 50, dtype=torch.float64, requires_grad=True)
    y = TORCH[name](x)
    y.sum().backward()
    phi = activation(name, 0.3)
    np.testing.assert_allclose(phi.value(x.detach().numpy()), y.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(phi.slope(x.detach().numpy()), x.grad.numpy(), atol=1e-12)
    assert x.grad.abs().max() <= phi.gamma + 1e-12


def test_a_linear_orthogonal_network_decays_as_its_factor_to_the_lag():
    found = run(Setup(16, 51, "orthogonal", 0.9, "leaky relu", 1.0))
    np.testing.assert_allclose(10 ** found.gradient[50], 5.154e-3, rtol=1e-3)  # 0.9^50
    for line in (found.product, found.tight, found.loose):
        np.testing.assert_allclose(line, found.gradient, atol=1e-9)
    assert found.factor == pytest.approx(0.9) == found.radius


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("name", TORCH)
def test_nothing_lies_above_its_bound(start: str, name: str):
    for sigma in (0.7, 3.0):
        found = run(Setup(12, 30, start, sigma, name))
        assert np.linalg.norm(weights(Setup(12, 30, start, sigma)), 2) == pytest.approx(sigma)
        with np.errstate(invalid="ignore"):
            assert (found.gradient <= found.product + 1e-9).all() and (found.product <= found.tight + 1e-9).all()
            assert (found.tight <= found.loose + 1e-9).all()


def test_the_preset_has_sigma_above_one_and_vanishes():
    found = run(Setup())
    assert Setup().sigma == 3 and found.radius > 1 and found.factor < 1 and found.gradient[-1] < -0.5
    assert run(Setup(sigma=2.0, start="orthogonal")).factor > 1, "the other preset explodes"


def test_what_explodes_is_still_drawn_and_what_dies_is_nothing():
    assert np.isfinite(run(Setup(8, 200, "orthogonal", 5.0, "leaky relu", 1.0)).gradient).all()
    dead = run(Setup(4, 20, "identity", 1.0, "relu", noise=0.0))
    assert dead.gradient[0] == 0 and (dead.gradient[1:] == -np.inf).all() and np.isnan(dead.factor)
    with pytest.raises(AnalysisError, match="no activation 'x'"):
        activation("x")
    with pytest.raises(AnalysisError, match="no start 'x'"):
        weights(Setup(start="x"))
