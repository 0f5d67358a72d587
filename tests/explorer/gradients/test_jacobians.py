"""State Jacobians against autograd: torch's own module from one state to a later one, and a full singular value decomposition."""

import re

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.errors import RecordingError
from explorer.gradients.jacobians import Jacobians

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")

CASES = [(nn.RNN, {}), (nn.RNN, {"nonlinearity": "relu"}), (nn.GRU, {}), (nn.LSTM, {}), (nn.LSTM, {"proj_size": 3})]


def jacobian(module: nn.Module, x: Tensor, state: tuple[Tensor, ...]) -> Tensor:
    """Of the last state (h and c beside each other) after reading x, to the state before it, by autograd."""
    sizes = [part.numel() for part in state]

    def run(flat: Tensor) -> Tensor:
        parts = tuple(part.view(1, -1) for part in flat.split(sizes))
        _, last = module(x, parts if len(parts) > 1 else parts[0])
        return torch.cat([part.view(-1) for part in (last if isinstance(last, tuple) else (last,))])

    return torch.autograd.functional.jacobian(run, torch.cat([part.view(-1) for part in state]))


def after(module: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
    state = module(x)[1]
    return state if isinstance(state, tuple) else (state,)


def measured(module: nn.Module, x: Tensor, **more) -> Jacobians:
    with torch.no_grad(), explorer.record(module) as recording:
        module(x)
    return Jacobians(recording, "x" * len(x), **more)


@pytest.mark.parametrize(("family", "more"), CASES)
def test_norms_and_spectra_are_autograds(family, more: dict):
    torch.manual_seed(0)
    module, x = family(2, 6, **more).double(), torch.randn(30, 2).double()
    for values in module.parameters():
        values.data *= 2
    units = more.get("proj_size", 6)
    distances = (9, 1, 2, 20)
    norms = measured(module, x).norms(25, distances)
    assert norms.distances == distances
    singles = [torch.linalg.matrix_norm(jacobian(module, x[t : t + 1], after(module, x[:t])), 2).log10() for t in range(6, 26)]
    for index, distance in enumerate(distances):
        exact = jacobian(module, x[26 - distance : 26], after(module, x[: 26 - distance]))
        values = torch.linalg.svdvals(exact).numpy()
        assert 10 ** norms.log10[index] == pytest.approx(values[0], rel=1e-3)
        assert norms.bound_log10[index] == pytest.approx(float(sum(singles[-distance:])), abs=1e-3 * distance)
        assert norms.log10[index] <= norms.bound_log10[index] + 1e-3
        if norms.hidden_log10 is not None:
            block = torch.linalg.matrix_norm(exact[:units, :units], 2)
            assert 10 ** norms.hidden_log10[index] == pytest.approx(float(block), rel=1e-3)
        spectrum = measured(module, x).spectrum(25, distance)
        inside = values[values > 1e-9 * values[0]]
        np.testing.assert_allclose(10 ** spectrum[: len(inside)], inside, rtol=1e-5)
    assert (norms.hidden_log10 is None) == (family is not nn.LSTM)
    assert norms.bound_log10[3] - norms.log10[3] > 0.1, "the bound is not attained: directions turn"


def test_an_orthogonal_network_stretches_everything_alike():
    torch.manual_seed(0)
    rnn = nn.RNN(8, 8, nonlinearity="relu", bias=False).requires_grad_(False)
    rnn.weight_hh_l0.copy_(1.1 * torch.eye(8)[torch.randperm(8)])  # exact at every step on every processor
    rnn.weight_ih_l0.copy_(torch.eye(8))
    with explorer.record(rnn) as recording:
        rnn((1 - rnn.weight_hh_l0.sum(1)).expand(1001, -1), torch.ones(1, 8))
    norms = Jacobians(recording, "x" * 1001).norms(1000, [50, 1000])
    np.testing.assert_allclose(norms.log10, [np.log10(117.39), np.log10(1.1) * 1000], atol=1e-3)
    np.testing.assert_allclose(norms.bound_log10, norms.log10, atol=1e-3)
    np.testing.assert_allclose(Jacobians(recording, "x" * 1001).spectrum(1000, 50), np.log10(117.39), atol=1e-3)


def test_a_network_that_is_not_normal_grows_before_it_dies():
    rnn = nn.RNN(2, 2, nonlinearity="relu", bias=False).double().requires_grad_(False)
    rnn.weight_hh_l0.copy_(torch.tensor([[0.9, 1.0], [0.0, 0.9]]))  # spectral radius 0.9
    rnn.weight_ih_l0.copy_(torch.eye(2))
    norms = measured(rnn, torch.ones(201, 2).double()).norms(200, range(1, 201))
    exact = [np.linalg.norm(np.linalg.matrix_power([[0.9, 1.0], [0, 0.9]], k), 2) for k in range(1, 201)]
    np.testing.assert_allclose(10**norms.log10, exact, rtol=1e-3)
    assert 10 ** norms.log10.max() > 3 and norms.log10[-1] < -5


def test_a_layer_and_a_direction_of_a_stack():
    torch.manual_seed(0)
    stack, x = nn.GRU(2, 4, 2, bidirectional=True).double(), torch.randn(12, 2).double()
    upper = nn.GRU(8, 4).double()
    inner = torch.cat(stack_layer(stack, x), 1)
    for suffix, path, backward in (("_l1", "gru", False), ("_l1_reverse", "gru[reverse]", True)):
        upper.load_state_dict({name[:-3] + "_l0": stack.state_dict()[name[:-3] + suffix] for name in upper.state_dict()})
        norms = measured(stack, x, path=path).norms(3 if backward else 8, (1, 3))
        alone = measured(upper, inner.flip(0) if backward else inner).norms(8, (1, 3))
        np.testing.assert_allclose(norms.log10, alone.log10, atol=1e-6)
    lower = measured(stack, x, path="gru", layer=0).norms(8, (1, 3))
    assert not np.allclose(lower.log10, norms.log10, atol=1e-3)


def stack_layer(stack: nn.GRU, x: Tensor) -> list[Tensor]:
    """What the first layer of a bidirectional stack gives out, forward and reverse."""
    out = []
    for suffix in ("_l0", "_l0_reverse"):
        one = nn.GRU(2, 4).double()
        one.load_state_dict({name: stack.state_dict()[name[:-3] + suffix] for name in one.state_dict()})
        read = x.flip(0) if "reverse" in suffix else x
        out.append(one(read)[0].flip(0) if "reverse" in suffix else one(read)[0])
    return [part.detach() for part in out]


def test_what_is_refused():
    def refused(sentence: str):
        return pytest.raises(RecordingError, match="^" + re.escape(sentence) + "$")

    jacobians = measured(nn.GRU(2, 300), torch.randn(9, 2))
    with refused("distances names 201; expected 1 to 200. Leave some out: they lie close together."):
        jacobians.norms(5, [1] * 201)
    with refused("Distances 1 to 6 from step 5 leave the text of 9 steps, or are no step at all."):
        jacobians.norms(5, [1, 6])
    with refused("A state has 300 numbers here; the whole spectrum is computed up to 256. Ask for norms."):
        jacobians.spectrum(5, 2)
    with refused("layer is 1, but 'gru' has 1: choose from 0 to 0."):
        measured(nn.GRU(2, 3), torch.randn(9, 2), layer=1)
    both, x = nn.GRU(2, 3, bidirectional=True), torch.randn(4, 2)
    with explorer.record(both) as recording:
        both(x, both(x)[1])
    with refused("'gru' was called several times, and it reads in both directions: call it once for its Jacobians."):
        Jacobians(recording, "x" * 8, "gru")
    changed = nn.GRU(2, 3)
    with torch.no_grad(), explorer.record(changed) as recording:
        state = changed(x)[1]
        changed.weight_hh_l0.mul_(0.5)
        changed(x, state)
    with refused("'gru' was called several times, and its weights changed between calls: call it once for its Jacobians."):
        Jacobians(recording, "x" * 8, "gru")
