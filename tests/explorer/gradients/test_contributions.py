"""What a gradient is made of, against autograd: parts of dL/dW, gradients of inputs, the direct path."""

import re

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.errors import RecordingError
from explorer.gradients import contributions
from tests.explorer.gradients.test_flow_property import step

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")

FAMILIES = [(nn.RNN, {}, "tanh"), (nn.GRU, {}, "gru"), (nn.LSTM, {}, "lstm"), (nn.LSTM, {"proj_size": 3}, "lstm")]


def recorded(module: nn.Module, x: Tensor) -> tuple[explorer.Recording, Tensor]:
    with explorer.record(module, gradients=True) as recording:
        out, _ = module(x)
    return recording, out


@pytest.mark.parametrize(("family", "more", "kind"), FAMILIES)
@pytest.mark.parametrize("recurrent", [True, False])
def test_each_steps_part_of_the_weights_gradient(family, more: dict, kind: str, recurrent: bool):
    torch.manual_seed(0)
    module, x = family(3, 5, **more).double().requires_grad_(False), torch.randn(12, 3).double()
    recording, out = recorded(module, x)
    measured = contributions.contributions(recording, out[9].sum(), "x" * 12, recurrent=recurrent)

    name = "weight_hh" if recurrent else "weight_ih"
    weights = {key.removesuffix("_l0"): values for key, values in module.named_parameters()}
    copies = [weights[name].clone().requires_grad_() for _ in x]  # a copy of the matrix for every step
    h, c, states = torch.zeros(out.shape[1]).double(), torch.zeros(5).double(), []
    for read, own in zip(x, copies, strict=True):
        h, c = step(kind, weights | {name: own}, read, h, c)
        states.append(h)
    parts = torch.autograd.grad(states[9].sum(), copies, allow_unused=True)
    expected = [0.0 if part is None else float(part.norm()) for part in parts]
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(measured.log10[:, 0], np.log10(expected), atol=1e-10)
    total = sum(part for part in parts if part is not None)
    assert measured.total_log10[0] == pytest.approx(np.log10(float(total.norm())), abs=1e-10)
    assert measured.cancellation[0] == pytest.approx(float(total.norm()) / sum(expected), rel=1e-10)
    assert measured.cancellation[0] < 0.99


@pytest.mark.parametrize("recurrent", [True, False])
def test_one_of_several_sequences(recurrent: bool):
    torch.manual_seed(0)
    module, x = nn.GRU(3, 4).double(), torch.randn(2, 6, 3).double()
    with explorer.record(module, gradients=True) as recording:
        first, second = (module(one)[0] for one in x)
    parts = first.sum(), second.square().sum()
    name = "weight_hh_l0" if recurrent else "weight_ih_l0"
    for calls, own, held in ((1, parts[1], parts[0]), (recording.sequences()[0], parts[0], parts[1])):
        measured = contributions.contributions(recording, parts[0] * parts[1], "abcdef", recurrent=recurrent, calls=calls)
        (grad,) = torch.autograd.grad(own * held.detach(), [dict(module.named_parameters())[name]], retain_graph=True)
        assert measured.total_log10[0] == pytest.approx(np.log10(float(grad.norm())), abs=1e-10)


@pytest.mark.parametrize("family", [nn.GRU, nn.LSTM])
def test_the_parts_of_every_layer_add_up_to_what_training_uses(family):
    torch.manual_seed(0)
    module, x = family(3, 4, 3, bidirectional=True).double(), torch.randn(9, 3).double()
    recording, out = recorded(module, x)
    loss = out.square().sum()
    grads = dict(zip(dict(module.named_parameters()), torch.autograd.grad(loss, list(module.parameters()), retain_graph=True), strict=True))
    for path, suffix in ((recording.paths[0], ""), (recording.paths[1], "_reverse")):
        for name, recurrent in (("weight_hh", True), ("weight_ih", False)):
            measured = contributions.contributions(recording, loss, "x" * 9, path, recurrent=recurrent)
            expected = [float(grads[f"{name}_l{layer}{suffix}"].norm().log10()) for layer in range(3)]
            np.testing.assert_allclose(measured.total_log10, expected, atol=1e-10)
            assert ((measured.cancellation > 0) & (measured.cancellation < 1)).all()


def test_opposite_parts_cancel():
    rnn = nn.RNN(1, 1, nonlinearity="relu", bias=False).requires_grad_(False)
    rnn.weight_hh_l0.fill_(0.0)
    rnn.weight_ih_l0.fill_(1.0)
    recording, out = recorded(rnn, torch.tensor([[1.0], [2.0], [3.0]]))
    measured = contributions.contributions(recording, out[1, 0] - out[0, 0], "abc", recurrent=False)
    assert measured.log10[:, 0].tolist() == [0, pytest.approx(np.log10(2)), -np.inf]
    assert measured.total_log10[0] == pytest.approx(0)  # -1 + 2
    assert measured.cancellation[0] == pytest.approx(1 / 3)
    nothing = contributions.contributions(recording, out[1, 0] * 0, "abc")
    assert np.isnan(nothing.cancellation[0])


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("family", [nn.RNN, nn.GRU, nn.LSTM])
def test_the_gradient_of_the_input(family, both: bool):
    torch.manual_seed(0)
    module, x = family(3, 4, 2, bidirectional=both).double(), torch.randn(15, 3).double().requires_grad_()
    recording, out = recorded(module, x)
    grad = torch.autograd.grad(out[10].sum(), x, retain_graph=True)[0]
    measured = contributions.input_gradient(recording, out[10].sum(), "x" * 15, recording.paths[-1])
    expected = grad.norm(dim=1)
    if both:
        assert (expected > 0).all()
    else:
        assert (measured.log10[11:] == -np.inf).all()
    np.testing.assert_allclose(10**measured.log10, expected, rtol=1e-9)
    np.testing.assert_allclose(measured.times_input, (grad * x.detach()).sum(1), rtol=1e-9)


def test_the_gradient_of_the_input_in_pieces():
    torch.manual_seed(0)
    module, x = nn.LSTM(3, 4, 2).double(), torch.randn(12, 3).double().requires_grad_()
    with explorer.record(module, gradients=True) as recording:
        out, state = module(x[:5])
        out, state = module(x[5:], state)
    grad = torch.autograd.grad(out[3].sum(), x, retain_graph=True)[0]
    measured = contributions.input_gradient(recording, out[3].sum(), "x" * 12)
    np.testing.assert_allclose(10**measured.log10, grad.norm(dim=1), rtol=1e-9)


def test_the_direct_path_is_what_is_left_when_hidden_states_carry_nothing():
    torch.manual_seed(3)
    lstm, x = nn.LSTM(2, 6).double().requires_grad_(False), 2 * torch.randn(30, 2).double()
    for values in lstm.parameters():
        values *= 3
    recording, out = recorded(lstm, x)
    measured = contributions.direct_path(recording, out[27].sum(), "x" * 30)
    weights = {key.removesuffix("_l0"): values for key, values in lstm.named_parameters()}
    vectors = []
    for direct in (False, True):
        h, c, cells, hs = torch.zeros(6).double(), torch.zeros(6).double().requires_grad_(), [], []
        for read in x:
            h, c = step("lstm", weights, read, h.detach() if direct else h, c)
            cells.append(c)
            hs.append(h)
        vectors.append(torch.stack(torch.autograd.grad(hs[27].sum(), cells[:28])))
    total, direct = vectors
    np.testing.assert_allclose(measured.total_log10[:28, 0], total.norm(dim=1).log10(), atol=1e-10)
    np.testing.assert_allclose(measured.direct_log10[:28, 0], direct.norm(dim=1).log10(), atol=1e-10)
    np.testing.assert_allclose(measured.cosine[:28, 0], torch.cosine_similarity(total, direct), atol=1e-10)
    assert measured.cosine[27, 0] == pytest.approx(1)
    assert measured.cosine[:28, 0].min() < 0.9
    assert (measured.direct_log10[28:] == -np.inf).all()
    assert np.isnan(measured.cosine[28:]).all()
    flow = explorer.gradient_flow(recording, out[27].sum(), "x" * 30)
    np.testing.assert_array_equal(measured.total_log10, flow.cell_log10)


def test_what_has_no_direct_path():
    def refused(sentence: str):
        return pytest.raises(RecordingError, match="^" + re.escape(sentence) + "$")

    recording, out = recorded(nn.GRU(2, 3), torch.randn(4, 2))
    with refused("'gru' is not an LSTM; only an LSTM has a cell state with a path of its own."):
        contributions.direct_path(recording, out[3].sum(), "abcd")
    recording, out = recorded(nn.LSTM(2, 3), torch.randn(4, 2))
    with refused("This loss enters at several steps, and no one step begins its path: take the loss at one step."):
        contributions.direct_path(recording, out.sum(), "abcd")
    with refused("loss has shape (3,); expected a scalar. Ask for one loss at a time."):
        contributions.contributions(recording, out[0], "abcd")
