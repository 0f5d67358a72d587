"""The textbook's equations against autograd, every gradient of them."""

import re

import numpy as np
import pytest
import torch
from torch import nn

import explorer
from explorer.errors import AnalysisError
from explorer.textbook import bptt
from tests.explorer.traces import gru_trace


def test_every_equation_is_autograds():
    torch.manual_seed(0)
    rnn, readout = nn.RNN(3, 5).double(), nn.Linear(5, 4).double()
    x, answers = torch.randn(9, 3).double(), torch.randint(4, (9,))
    hidden = torch.zeros(5).double()
    states, answered = [], []
    for read in x:
        hidden = (rnn.bias_ih_l0 + rnn.bias_hh_l0 + rnn.weight_hh_l0 @ hidden + rnn.weight_ih_l0 @ read).tanh()
        states.append(hidden)
        answered.append(readout(hidden))
    loss = nn.functional.cross_entropy(torch.stack(answered), answers, reduction="sum")
    asked = [rnn.weight_ih_l0, rnn.weight_hh_l0, rnn.bias_ih_l0, readout.weight, readout.bias]
    network = bptt.Network(*(values.detach().numpy() for values in (*asked[:2], rnn.bias_ih_l0 + rnn.bias_hh_l0, *asked[3:])))
    computed = bptt.bptt(network, x.numpy(), answers.numpy())
    assert computed.loss == pytest.approx(loss.item(), abs=1e-12)
    for name, grad in zip(("U", "W", "b", "V", "c"), torch.autograd.grad(loss, asked, retain_graph=True), strict=True):
        np.testing.assert_allclose(getattr(computed, name), grad, atol=1e-12)
    for name, nodes in (("h", states), ("o", answered)):
        np.testing.assert_allclose(getattr(computed, name), torch.stack(torch.autograd.grad(loss, nodes, retain_graph=True)), atol=1e-12)
    with pytest.raises(AnalysisError, match=r"^There are 2 answers for 9 steps; expected one for each.$"):
        bptt.bptt(network, x.numpy(), np.zeros(2, int))
    with pytest.raises(AnalysisError, match=r"^`counted` has 2 values for 9 steps; expected one for each.$"):
        bptt.bptt(network, x.numpy(), answers.numpy(), np.ones(2))


@pytest.mark.parametrize("counted", [[1, 1, 1, 1, 1], [0, 0, 0, 0, 1], [0, 1, 0, 1, 0]])
def test_the_terms_of_a_weight_are_autograds_with_a_copy_of_the_weight_for_each_step(counted: list[int]):
    torch.manual_seed(1)
    x, answers = torch.randn(5, 3).double(), torch.randint(4, (5,))
    shapes = {"U": (6, 3), "W": (6, 6), "b": (6,), "V": (4, 6), "c": (4,)}
    shared = {name: 0.6 * torch.randn(shape).double() for name, shape in shapes.items()}
    copies = [{name: values.clone().requires_grad_() for name, values in shared.items()} for _ in range(5)]
    hidden, losses = torch.zeros(6).double(), []
    for own, read, answer in zip(copies, x, answers, strict=True):
        hidden = (own["b"] + own["W"] @ hidden + own["U"] @ read).tanh()
        losses.append(nn.functional.cross_entropy(own["V"] @ hidden + own["c"], answer))
    loss = torch.stack(losses) @ torch.tensor(counted).double()
    loss.backward()
    network = bptt.Network(**{name: values.numpy() for name, values in shared.items()})
    computed = bptt.bptt(network, x.numpy(), answers.numpy(), np.array(counted))
    assert computed.loss == pytest.approx(loss.item(), abs=1e-12)
    for name, terms in computed.terms.items():
        for own, term in zip(copies, terms, strict=True):
            grad = own[name].grad
            np.testing.assert_allclose(term, np.zeros_like(term) if grad is None else grad.numpy(), atol=1e-12)
        np.testing.assert_allclose(getattr(computed, name), terms.sum(0), atol=1e-12)


def test_the_nodes_of_an_lstm_are_the_scans():
    torch.manual_seed(0)
    lstm, x = nn.LSTM(3, 5), torch.randn(20, 3)
    with explorer.record(lstm, gradients=True) as recording:
        out, _ = lstm(x, (torch.randn(1, 5), torch.randn(1, 5)))
    loss = out[[3, 12, 17]].square().sum()
    entering = torch.autograd.grad(loss, out, retain_graph=True)[0].numpy()
    h, c = bptt.lstm_nodes(recording.trace("x" * 20), 0, lstm.weight_hh_l0.detach().numpy(), entering)
    flow = explorer.gradient_flow(recording, loss, "x" * 20)
    assert flow.cell_log10 is not None
    np.testing.assert_allclose(np.linalg.norm(h, axis=1), 10 ** flow.hidden_log10[:, 0], rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(c, axis=1), 10 ** flow.cell_log10[:, 0], rtol=1e-5)
    with pytest.raises(AnalysisError, match="^" + re.escape("entering has shape (19, 5); expected (20, 5) = [time, unit].") + "$"):
        bptt.lstm_nodes(recording.trace("x" * 20), 0, np.zeros((20, 5)), entering[1:])
    with pytest.raises(AnalysisError, match=r"^This trace has no cells; expected one of an LSTM.$"):
        bptt.lstm_nodes(gru_trace(), 0, np.zeros((9, 3)), np.zeros((6, 3)))
