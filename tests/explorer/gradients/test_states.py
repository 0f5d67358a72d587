"""The gradient to the carried states, compared with autograd through steps that are changed."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

import explorer
from explorer.errors import RecordingError
from explorer.gradients.states import state_gradient

KINDS = {"lstm": nn.LSTM, "gru": nn.GRU, "tanh": nn.RNN}
TIME, UNITS = 12, 5


class Net(nn.Module):
    def __init__(self, kind: str, **options):
        super().__init__()
        self.rnn = KINDS[kind](3, UNITS, 2, batch_first=True, **options)
        self.out = nn.Linear(UNITS * (2 if options.get("bidirectional") else 1), 4)

    def forward(self, x):
        return self.out(self.rnn(x)[0])


def network(kind: str, **options) -> tuple[Net, torch.Tensor]:
    torch.manual_seed(1)
    return Net(kind, **options).double(), torch.randn(1, TIME, 3, dtype=torch.float64)


def loss_of(out: torch.Tensor) -> torch.Tensor:
    return out[0, [4, 8, TIME - 1]].log_softmax(-1)[:, 1].sum()


def gradient(net: Net, x: torch.Tensor, path: str):
    with explorer.record(net, gradients=True) as recording:
        out = net(x)
    trace = recording.trace(["x"] * TIME, path=path)
    return trace.hidden if trace.cell is None else trace.cell, state_gradient(recording, loss_of(out), ["x"] * TIME, path)


@pytest.mark.parametrize("path", ["rnn", "rnn[reverse]"])
@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_both_gradients_by_autograd_through_changed_steps(kind: str, layer: int, path: str):
    net, x = network(kind, bidirectional=True)
    _, gradients = gradient(net, x, path)
    shift = torch.zeros(TIME, UNITS, dtype=torch.float64, requires_grad=True)
    with explorer.intervene(net, path, layer, units=range(UNITS), shift=shift) as changed:
        loss_of(changed(x)).backward()
    assert shift.grad is not None
    np.testing.assert_allclose(gradients.total[:, layer], shift.grad.numpy(), rtol=1e-9, atol=1e-13)
    assert np.abs(gradients.held - gradients.total).max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_with_the_next_state_held_by_autograd(kind: str):
    net, x = network(kind)
    states, gradients = gradient(net, x, "rnn")
    for step, unit in product((0, 5, TIME - 2), range(UNITS)):
        shift = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        own = float(states[step + 1, 0, unit])
        with (
            explorer.intervene(net, "rnn", 0, units=unit, value=own, steps=step + 1) as held,
            explorer.intervene(held, "rnn", 0, units=unit, shift=shift, steps=step) as changed,
        ):
            loss_of(changed(x)).backward()
        assert shift.grad is not None and gradients.held[step, 0, unit] == pytest.approx(
            shift.grad.item(), rel=1e-5, abs=1e-8
        )  # a trace is float32


def test_what_is_refused():
    net, x = network("lstm", proj_size=UNITS - 2)
    net.out = nn.Linear(UNITS - 2, 4).double()
    with explorer.record(net, gradients=True) as recording:
        out = net(x)
    with pytest.raises(RecordingError, match="projects its hidden states"):
        state_gradient(recording, loss_of(out), ["x"] * TIME)
    with pytest.raises(RecordingError, match="expected a scalar"):
        state_gradient(recording, out[0, :, 0], ["x"] * TIME)
