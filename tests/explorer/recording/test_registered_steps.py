"""Cells with a registered step equation: gates and parts, compared with the cell itself; gradients inside a layer, against autograd."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

import explorer
from explorer.analysis.quantities import memory_time
from explorer.errors import RecordingError
from tests.explorer.errors import refused

TOKENS = "abcdefg"


class Weights(nn.Module):
    """The weights of a GRU, under names of its own."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        shapes = {"W": (12, 3), "U": (12, 4), "b": (12,), "d": (12,)}
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(torch.randn(shape)))

    @property
    def all(self) -> tuple[Tensor, ...]:
        return self.W, self.U, self.b, self.d


class OneStep(Weights):
    """torch's own GRU cell as a class that nobody knows: forward(x, h) -> h."""

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return torch.gru_cell(x, h, *self.all)


class Whole(Weights):
    """torch's own GRU as a layer that nobody knows: forward(x, h) -> (output, h), or the output alone."""

    def __init__(self, bare: bool = False):
        super().__init__()
        self.bare, self.out = bare, nn.Linear(4, 2)

    def forward(self, x: Tensor, h: Tensor | None = None):
        first = x.new_zeros(1, len(x), 4) if h is None else h
        states, last = torch.gru(x, first, self.all, True, 1, 0.0, False, False, True)
        return self.out(states) if self.bare else (self.out(states), last)


class Bare(Whole):
    """The same layer without its state, whose step names the first."""

    def __init__(self):
        super().__init__(bare=True)


def gru(module, x, h):
    own, back = linear(x, module.W, module.b), linear(h, module.U, module.d)
    (r, z, n), (hr, hz, hn) = own.chunk(3, -1), back.chunk(3, -1)
    r, z = torch.sigmoid(r + hr), torch.sigmoid(z + hz)
    n = torch.tanh(n + r * hn)
    return (1 - z) * n + z * h, {"reset": r, "update": z, "candidate": n, "sums": own}


def layer(module, x, h):
    h, parts = gru(module, x, h)
    return h, parts, linear(h, module.out.weight, module.out.bias)


explorer.step(OneStep)(gru)
explorer.step(Whole, reads="batch time")(layer)
explorer.step(Bare, reads="batch time", initial=lambda module, x: x.new_zeros(1, 4))(layer)


def as_torch(module: Weights) -> nn.GRU:
    """torch's class with the same weights."""
    known = nn.GRU(3, 4, batch_first=True)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    known.load_state_dict(dict(zip(names, (values.detach() for values in module.all), strict=True)))
    return known


def witness(module: Weights, x: Tensor, row: int) -> explorer.Trace:
    with explorer.record(as_torch(module)) as recording:
        recording.modules["gru"](x)
    return recording.trace(TOKENS, index=row)


def same(trace: explorer.Trace, other: explorer.Trace) -> None:
    np.testing.assert_allclose(trace.hidden, other.hidden, atol=1e-6)
    assert list(trace.gates) == list(other.gates)
    for name, values in trace.gates.items():
        np.testing.assert_allclose(values, other.gates[name], atol=1e-6)
    np.testing.assert_allclose(memory_time(trace, 0), memory_time(other, 0), rtol=1e-4)


def test_a_cell_with_a_step_has_the_gates_of_torchs_own():
    model, x = OneStep(), torch.randn(2, 7, 3)
    with explorer.record(model) as recording:
        h = torch.zeros(2, 4)
        for step in x.swapaxes(0, 1):
            h = model(step, h)
    assert recording.paths == ("onestep",)
    trace = recording.trace(TOKENS, index=1)
    same(trace, witness(model, x, 1))
    assert trace.parts["sums"].shape == (7, 1, 12)


@pytest.mark.parametrize(("kind", "batch"), [(Whole, True), (Bare, True), (Bare, False)])
def test_a_layer_with_a_step_has_the_gates_of_torchs_own(kind: type[Whole], batch: bool):
    model, x = kind(), torch.randn(2, 7, 3)
    with explorer.record(model) as recording:
        if batch:
            model(x)
        else:
            model.forward = lambda one: Whole.forward(model, one.unsqueeze(0))[0]  # as torch takes one sequence
            model(x[1])
    same(recording.trace(TOKENS, index=int(batch)), witness(model, x, 1))


def test_a_layer_called_in_pieces_goes_on_from_the_state_that_it_was_given():
    model, x = Whole(), torch.randn(2, 7, 3)
    with explorer.record(model, gradients=True) as recording:
        first, state = model(x[:, :3])
        rest, _ = model(x[:, 3:], state)
    same(recording.trace(TOKENS, index=1), witness(model, x, 1))
    with explorer.record(model, gradients=True) as whole:
        out, _ = model(x)
    pieces = explorer.gradient_flow(recording, rest[1, -1].sum(), TOKENS, index=1)
    at_once = explorer.gradient_flow(whole, out[1, -1].sum(), TOKENS, index=1)
    np.testing.assert_allclose(pieces.state_log10, at_once.state_log10, atol=1e-5)
    assert explorer.gradient_flow(recording, first[1, 1].sum(), TOKENS, index=1).loss_at == 1


@pytest.mark.parametrize("kind", [Whole, Bare])
def test_the_gradient_inside_a_layer_is_that_of_autograd(kind: type[Whole]):
    model, x = kind(), torch.randn(2, 7, 3)
    with explorer.record(model, gradients=True) as recording:
        result = model(x)
    out = result if kind is Bare else result[0]
    losses = torch.stack([out[1, 5].square().sum(), out[1].sum()])
    flows = explorer.gradient_flows(recording, losses, TOKENS, index=1)
    for flow, loss in zip(flows, (lambda out: out[5].square().sum(), lambda out: out.sum()), strict=True):
        h, states = torch.zeros(4), []
        for step in x[1]:
            h = torch.gru_cell(step.unsqueeze(0), h.unsqueeze(0), *model.all)[0]
            h.retain_grad()
            states.append(h)
        loss(model.out(torch.stack(states))).backward()
        norms = torch.stack([torch.zeros(4) if state.grad is None else state.grad for state in states]).norm(dim=1).log10()
        np.testing.assert_allclose(flow.state_log10[:, 0], norms, atol=1e-5)
        assert flow.cell_log10 is None
    assert (flows[0].loss_at, flows[1].loss_at) == (5, None)


class Leaky(nn.Module):
    """h = a h + x, all of it known by heart; called with whole sequences."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(0.5))

    def forward(self, x: Tensor) -> Tensor:
        h, states = x.new_zeros(len(x), x.shape[2]), []
        for step in x.unbind(1):
            h = self.a * h + step
            states.append(h)
        return torch.stack(states, 1)


def leak(module, x, h):
    return module.a * h + x, {"forget": module.a.expand_as(h)}


explorer.step(Leaky, reads="batch time", initial=lambda module, x: torch.zeros_like(x))(leak)


def test_a_gradient_far_below_what_float32_holds():
    model, x = Leaky(), torch.randn(1, 700, 3)
    with explorer.record(model, gradients=True) as recording:
        out = model(x)
    flow = explorer.gradient_flow(recording, out[0, -1, 0], range(700))
    np.testing.assert_allclose(flow.state_log10[:, 0], np.log10(0.5) * np.arange(699, -1, -1), rtol=1e-9)
    np.testing.assert_allclose(memory_time(recording.trace(range(700)), 0), -1 / np.log(0.5), rtol=1e-6)


def test_a_step_that_is_not_the_cells_is_refused():
    def forgets_the_bias(module, x, h):
        return torch.gru_cell(x, h, *module.all[:2]), {}

    def one_state_too_many(module, x, h):
        return (h, h), {}

    model, x = OneStep(), torch.randn(3, 1, 3)
    with explorer.record(model, gradients=True) as recording:
        h = torch.zeros(1, 4)
        for step in x:
            h = model(step, h)
    try:
        explorer.step(OneStep)(forgets_the_bias)
        said = r"^forgets_the_bias, the step of OneStep, differs from the module's own hidden by \d.\de[+-]\d\d "
        said += r"\(limit 1.0e-05\) at 'onestep'\."
        with pytest.raises(RecordingError, match=said + " Its forward computes something else.$"):
            unheard(OneStep, model, x).trace("abc")
        explorer.step(OneStep)(one_state_too_many)
        with refused(
            "one_state_too_many, the step of OneStep, returned 2 states and 2 values; expected (hidden), a dict of parts, "
            "and the output where it is not the hidden state."
        ):
            unheard(OneStep, model, x).trace("abc")
    finally:
        explorer.step(OneStep)(gru)
    with torch.no_grad():
        model.W[0] += 0.5
    with pytest.raises(RecordingError, match=r"Its weights were changed after it ran: take the trace before the next step of training.$"):
        recording.trace("abc")


def unheard(kind: type, model: nn.Module, x: Tensor) -> explorer.Recording:
    """A recording with the step that is registered now."""
    with explorer.record(model) as recording:
        h = torch.zeros(1, 4)
        for step in x:
            h = model(step, h)
    return recording


def test_a_layer_whose_first_state_is_not_known_is_a_sentence():
    class Secret(Leaky):
        """Returns no state, and its step names none."""

    explorer.step(Secret, reads="batch time")(leak)
    model = Secret()
    with explorer.record(model) as recording:
        model(torch.randn(1, 3, 2))
    with refused("Secret returns no state, so that its first one is not known. Register its step with initial=."):
        recording.trace("abc")
