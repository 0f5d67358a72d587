"""The laboratory: its gradient is autograd's, exact where an answer is known, and below every bound."""

import numpy as np
import pytest
import torch
from torch import nn

from explorer.errors import AnalysisError
from explorer.textbook.activations import ACTIVATIONS, activation
from explorer.textbook.jacobian_lab import KINDS, STARTS, Setup, run, weights

TORCH = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "leaky relu": lambda x: nn.functional.leaky_relu(x, 0.3),
    "elu": lambda x: nn.functional.elu(x, 0.3),
}
# The rows of torch's weights, in our order.
ROWS = {"lstm": ("input", "forget", "candidate", "output"), "gru": ("reset", "update", "candidate")}


def read(setup: Setup) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """W, what the layer reads [time, piece, unit], and the gradient at the last step, drawn as the laboratory draws them."""
    W, rng = weights(setup), np.random.default_rng(1)
    noise = setup.noise * rng.normal(size=(setup.steps, len(W), setup.units))
    return torch.tensor(W), torch.tensor(noise), torch.tensor(rng.normal(size=setup.units))


def decades(states: list[tuple[torch.Tensor, ...]], loss: torch.Tensor) -> np.ndarray:
    """Size of the gradient to each state, relative to the last, the latest first."""
    for parts in states:
        for part in parts:
            part.retain_grad()
    loss.backward()
    norms = [float(torch.cat([part.grad for part in parts if part.grad is not None]).norm()) for parts in reversed(states)]
    return np.log10(np.array(norms) / norms[0])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_gradient_is_autograds(name: str):
    setup = Setup(8, 12, "gaussian", 1.4, name, 0.3)
    (W, noise, start), h, states = read(setup), torch.zeros(8, dtype=torch.float64, requires_grad=True), []
    for x in noise:
        h = (W @ h + x).max(0).values if name == "maxout" else TORCH[name](W[0] @ h + x[0])
        states.append((h,))
    np.testing.assert_allclose(run(setup).gradient, decades(states, h @ start), atol=1e-9)


@pytest.mark.parametrize("name", TORCH)
def test_activations_and_their_slopes_are_torchs(name: str):
    x = torch.linspace(-3, 3, 50, dtype=torch.float64, requires_grad=True)
    y = TORCH[name](x)
    y.sum().backward()
    phi = activation(name, 0.3)
    np.testing.assert_allclose(phi.value(x.detach().numpy()), y.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(phi.slope(x.detach().numpy()), x.grad.numpy(), atol=1e-12)
    assert phi.gamma is not None and x.grad.abs().max() <= phi.gamma + 1e-12


@pytest.mark.parametrize(("kind", "bias"), [("lstm", 0.0), ("lstm", 2.0), ("gru", 0.0)])
def test_the_gradient_of_gated_layers_is_that_of_torchs_own_cells(kind: str, bias: float):
    """h and c as separate inputs of the next step; what is read reaches the sums as it is."""
    setup = Setup(6, 9, "gaussian", 1.4, noise=0.7, kind=kind, forget_bias=bias)
    (W, noise, start), rows = read(setup), len(ROWS[kind])
    cell = (nn.LSTMCell if kind == "lstm" else nn.GRUCell)(rows * 6, 6, dtype=torch.float64)
    with torch.no_grad():
        cell.weight_ih.copy_(torch.eye(rows * 6))
        cell.weight_hh.copy_(W.reshape(rows * 6, 6))
        cell.bias_hh.zero_()
        cell.bias_ih.zero_()
        if kind == "lstm":
            cell.bias_ih[6:12] = bias
    parts = tuple(torch.zeros(1, 6, dtype=torch.float64) for _ in range(1 + (kind == "lstm")))
    states: list[tuple[torch.Tensor, ...]] = []
    for x in noise:
        out = cell(x.reshape(1, -1), parts if kind == "lstm" else parts[0])
        # Views of one row: the gradient is that of the leaf that the next step is given.
        states.append(tuple(part[0].clone() for part in (out if kind == "lstm" else (out,))))
        parts = tuple(part[None] for part in states[-1])
    result = run(setup)
    np.testing.assert_allclose(result.gradient, decades(states, states[-1][0] @ start), atol=1e-9)
    assert result.loose is None, "from W alone nothing follows for gates"
    assert result.looked_at == {"lstm": "pre-activation, forget gate", "gru": "pre-activation, update gate"}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_steps_jacobian_and_the_product_of_all_are_autograds(kind: str):
    from explorer.textbook.toy_cells import stepper

    setup = Setup(4, 6, "gaussian", 1.5, kind=kind)
    W, noise = weights(setup), 0.5 * np.random.default_rng(1).normal(size=(6, len(weights(setup)), 4))
    step, state, steps = stepper(setup.form, setup.phi, 0.0), np.zeros(8 if kind == "lstm" else 4), []
    for x in noise:
        before = state
        state, jacobian, _ = step(W, before, x)
        steps.append(jacobian)
        small = 1e-6 * np.eye(len(state))
        moved = [(step(W, before + d, x)[0] - step(W, before - d, x)[0]) / 2e-6 for d in small]
        np.testing.assert_allclose(jacobian, np.transpose(moved), atol=1e-8)
    result = run(setup)
    np.testing.assert_allclose(np.sort_complex(result.step_eigenvalues), np.sort_complex(np.linalg.eigvals(steps[-1])))
    product = np.linalg.multi_dot(steps[:0:-1])
    assert result.product[-1] == pytest.approx(np.log10(np.linalg.svd(product, compute_uv=False)[0]))
    assert result.tight[-1] == pytest.approx(np.log10([np.linalg.svd(jacobian, compute_uv=False)[0] for jacobian in steps[1:]]).sum())


def test_a_linear_orthogonal_network_decays_as_its_factor_to_the_lag():
    result = run(Setup(16, 51, "orthogonal", 0.9, "leaky relu", 1.0))
    np.testing.assert_allclose(10 ** result.gradient[50], 5.154e-3, rtol=1e-3)  # 0.9^50
    for line in (result.product, result.tight, result.loose):
        np.testing.assert_allclose(line, result.gradient, atol=1e-9)
    assert result.factor == pytest.approx(0.9) == result.radius
    np.testing.assert_allclose(np.abs(result.step_eigenvalues), 0.9)


def test_maxout_of_identities_keeps_every_gradient_as_it_is():
    np.testing.assert_allclose(run(Setup(5, 40, "identity", 1.0, "maxout")).product, 0, atol=1e-12)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nothing_lies_above_its_bound(start: str, name: str):
    for sigma in (0.7, 3.0):
        result = run(Setup(12, 30, start, sigma, name))
        assert result.sigma == pytest.approx(sigma)
        with np.errstate(invalid="ignore"):
            assert (result.gradient <= result.product + 1e-9).all() and (result.product <= result.tight + 1e-9).all()
            assert (result.loose is None) == (name == "maxout")
            assert result.loose is None or (result.tight <= result.loose + 1e-9).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("start", STARTS)
def test_sigma_or_radius_is_set_and_the_other_follows(kind: str, start: str):
    for by in ("sigma", "radius"):
        setup = Setup(10, 5, start, 1.7, kind=kind, by=by)
        for W in weights(setup):
            sizes = {"sigma": np.linalg.norm(W, 2), "radius": np.abs(np.linalg.eigvals(W)).max()}
            assert sizes[by] == pytest.approx(1.7) and sizes["radius"] <= sizes["sigma"] + 1e-9
        drawn = run(setup)
        assert getattr(drawn, by) == pytest.approx(1.7) and len(drawn.eigenvalues) == 10 * len(weights(setup))
    if start == "gaussian":
        assert drawn.sigma > 2, "a radius of 1.7 needs a larger sigma where W is not normal"


def test_the_preset_has_sigma_above_one_and_vanishes():
    result = run(Setup())
    assert result.sigma == pytest.approx(3) and result.radius > 1 and result.factor < 1 and result.gradient[-1] < -0.5
    assert run(Setup(size=2.0, start="orthogonal")).factor > 1, "the other preset explodes"


def test_the_forget_bias_lifts_the_line_of_an_lstm_that_learnt_nothing():
    without, with_it = (run(Setup(32, 100, size=0.6, by="radius", kind="lstm", forget_bias=bias)) for bias in (0.0, 2.0))
    assert without.factor < 0.7 < 0.85 < with_it.factor and with_it.gradient[-1] > without.gradient[-1] + 8


def test_what_explodes_is_still_drawn_and_what_dies_is_nothing():
    assert np.isfinite(run(Setup(8, 200, "orthogonal", 5.0, "leaky relu", 1.0)).gradient).all()
    assert np.isfinite(run(Setup(8, 200, "orthogonal", 5.0, "maxout")).gradient).all()
    dead = run(Setup(4, 20, "identity", 1.0, "relu", noise=0.0))
    assert abs(dead.gradient[0]) < 1e-12 and (dead.gradient[1:] == -np.inf).all() and np.isnan(dead.factor)


def test_what_there_is_not_gets_a_sentence():
    with pytest.raises(AnalysisError, match="no activation 'x'"):
        activation("x")
    for name, known in (("start", "gaussian"), ("kind", "rnn"), ("by", "sigma")):
        with pytest.raises(AnalysisError, match=f"no {name} 'x'. Known: {known}"):
            weights(Setup(**{name: "x"}))
