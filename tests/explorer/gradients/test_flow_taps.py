"""Gradients of networks written by hand, at their taps, against autograd on the same equations without taps."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer import Tap
from tests.explorer.errors import refused


class ByHand(nn.Module):
    """An LSTM without a library: the states that were made are kept, or pass a tap; so does the initial state of some names."""

    def __init__(self, is_tapped: bool, has_cell: bool = True, initial: str = ""):
        super().__init__()
        torch.manual_seed(0)
        self.initial = initial
        self.rows, self.has_cell = nn.Linear(7, 16, dtype=torch.float64), has_cell
        self.hidden, self.cell = (Tap("hidden"), Tap("cell")) if is_tapped else (nn.Identity(), nn.Identity())
        if not has_cell:
            del self.cell
        self.states: list[tuple[Tensor, Tensor, Tensor]] = []

    def forward(self, x: Tensor) -> Tensor:
        h = c = kept = torch.zeros(x.shape[1], 4, dtype=x.dtype)
        h = self.hidden(h) if "hidden" in self.initial else h
        kept = self.cell(kept) if "cell" in self.initial else kept
        for step in x:
            i, f, g, o = self.rows(torch.cat([step, h], 1)).chunk(4, 1)
            c = f.sigmoid() * kept + i.sigmoid() * g.tanh()
            c = self.cell(c) if self.has_cell else c
            h, kept = self.hidden(o.sigmoid() * c.tanh()), c.clone()
            self.states.append((h, c, kept))
        return h


@pytest.mark.parametrize("has_cell", [True, False])
@pytest.mark.parametrize("frozen", [True, False])
def test_the_gradient_at_taps_is_that_of_the_equations(has_cell: bool, frozen: bool):
    x = torch.randn(6, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    model, witness = ByHand(True, has_cell).requires_grad_(not frozen), ByHand(False, has_cell)
    with explorer.record(model, gradients=True) as recording:
        h = model(x)
    flow = explorer.gradient_flow(recording, h[1].square().sum(), "abcdef", index=1)
    loss = witness(x)[1].square().sum()
    nodes = [part for state in witness.states for part in state]
    grads = torch.autograd.grad(loss, nodes, allow_unused=True, materialize_grads=True)
    hidden, cell, kept = torch.stack([grad[1].norm() for grad in grads]).reshape(6, 3).T.numpy()
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(flow.hidden_log10[:, 0], np.log10(hidden), atol=1e-12)
        if has_cell:
            np.testing.assert_allclose(flow.cell_log10[:, 0], np.log10(cell), atol=1e-12)
        np.testing.assert_allclose(flow.state_log10[:, 0], np.log10(np.hypot(hidden, kept) if has_cell else hidden), atol=1e-12)
    assert flow.loss_at == 5 and flow.source == "taps"
    (other,) = explorer.gradient_flows(recording, h[0].sum()[None], "abcdef", index=1)
    assert (other.state_log10 == -np.inf).all() and other.loss_at is None, "another row of the batch is another sequence"


@pytest.mark.parametrize("initial", ["hidden", "cell", "hidden cell"])
def test_an_initial_state_that_passes_only_some_taps_changes_no_gradient(initial: str):
    x = torch.randn(6, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    flows = []
    for model in (ByHand(True), ByHand(True, initial=initial)):
        with explorer.record(model, gradients=True) as recording:
            h = model(x)
        flows.append(explorer.gradient_flow(recording, h[1].square().sum(), "abcdef", index=1))
    for name in ("hidden_log10", "cell_log10", "state_log10"):
        np.testing.assert_allclose(getattr(flows[1], name), getattr(flows[0], name), atol=1e-12, err_msg=name)


def test_chosen_calls_of_taps_that_are_not_in_step_are_refused():
    model, x = ByHand(True, initial="cell"), torch.randn(6, 1, 3, dtype=torch.float64)
    with explorer.record(model, gradients=True) as recording:
        loss = model(x).sum()
    with refused(
        "calls= needs taps that received equally many values; received: Tap('hidden') 6, Tap('cell') 7. Record one sequence alone."
    ):
        explorer.gradient_flow(recording, loss, "abcdef", calls=slice(0, 6))


def test_what_has_no_gradient_at_taps_is_a_sentence():
    model, x = ByHand(True), torch.randn(4, 1, 3, dtype=torch.float64)
    with explorer.record(model) as recording:
        h = model(x)
    with refused("This recording was made without gradients. Make it with record(module, gradients=True)."):
        explorer.gradient_flow(recording, h.sum(), "abcd")
    with torch.no_grad(), explorer.record(model, gradients=True) as recording:
        model(x)
    without = "The taps of 'taps' ran without a graph, under torch.no_grad() or torch.inference_mode(). Call the module outside them."
    with refused(without):
        explorer.gradient_flow(recording, h.sum(), "abcd")
    with explorer.record(model, gradients=True) as recording:
        again = model(x)
    with refused("The loss depends on nothing that passed the taps of 'taps'. Go on with what a tap returns: h = self.hidden(h)."):
        explorer.gradient_flow(recording, h.sum(), "abcd")
    only = "'taps' is made of Taps: only nn.RNN, nn.LSTM, nn.GRU and their cells have calls that begin from a state."
    with refused(only):
        explorer.input_gradient(recording, again.sum(), "abcd")
    with refused(only):
        recording.calls()


class Elman(nn.Module):
    """A plain network by hand; where it is tapped, beside the way to the next step or once for all steps."""

    def __init__(self, is_beside: bool):
        super().__init__()
        self.step, self.hidden, self.is_beside = nn.Linear(7, 4), Tap("hidden"), is_beside

    def forward(self, x: Tensor) -> Tensor:
        h, outputs = torch.zeros(x.shape[1], 4), []
        for step in x:
            h = torch.tanh(self.step(torch.cat([step, h], 1)))
            outputs.append(self.hidden(h) if self.is_beside else h)
        return torch.stack(outputs) if self.is_beside else self.hidden(torch.stack(outputs))


@pytest.mark.parametrize(
    ("is_beside", "sentence"),
    [
        (
            True,
            "Tap('hidden') is beside the way from step to step: no state is computed from what it returned. Write "
            "h = self.hidden(h), and give the next step that h.",
        ),
        (
            False,
            "Tap('hidden') received 1 value of shape (6, 2, 4) for 6 steps; a gradient needs the state of each step by itself, "
            "inside the loop: h = self.hidden(h).",
        ),
    ],
)
def test_taps_that_the_way_from_step_to_step_does_not_pass_are_refused(is_beside: bool, sentence: str):
    model = Elman(is_beside)
    with explorer.record(model, gradients=True) as recording:
        out = model(torch.randn(6, 2, 3))
    assert recording.trace("abcdef", index=1).hidden.shape == (6, 1, 4)
    with refused(sentence):
        explorer.gradient_flow(recording, out[5].sum(), "abcdef")
