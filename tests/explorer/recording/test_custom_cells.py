"""Cells that torch does not know are recorded without help: states and gradients as the cell itself and autograd have them."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
import torchrecurrent
from torch import Tensor, nn

import explorer
from explorer.errors import RecordingError
from tests.explorer.errors import refused

TOKENS = "abcdef"

# Cell -> names and widths of what is recorded beside the hidden state of 4 units, or the sentence with which it is refused.
PAIR = {"state[1]": 4}
CELLS: dict[str, dict[str, int] | str] = {
    "AntisymmetricRNNCell": {}, "GatedAntisymmetricRNNCell": {}, "NBRCell": {}, "BRCell": {}, "CFNCell": {}, "DSGUCell": {},
    "FastRNNCell": {}, "FastGRNNCell": {}, "ATRCell": {}, "IndRNNCell": {}, "IntersectionRNNCell": {"output": 4}, "JANETCell": PAIR,
    "LEMCell": PAIR, "LiGRUCell": {}, "LightRUCell": {}, "MCLSTMCell": PAIR | {"output": 4}, "MGUCell": {}, "MinimalRNNCell": {},
    "MiRU1Cell": {}, "MiRU2Cell": {}, "MultiplicativeLSTMCell": PAIR, "MUT1Cell": {}, "MUT2Cell": {}, "MUT3Cell": {}, "NASCell": PAIR,
    "OriginalLSTMCell": PAIR, "PeepholeLSTMCell": {}, "RANCell": PAIR, "ResLSTMCell": PAIR, "coRNNCell": PAIR, "SCRNCell": PAIR,
    "SGUCell": {}, "SGRNCell": {}, "STARCell": {}, "tauGRUCell": {}, "TRNNCell": {}, "TGRUCell": {"state[1]": 4},
    "TLSTMCell": {"state[1]": 4, "output": 4}, "UGRNNCell": {}, "UnICORNNCell": PAIR, "WMCLSTMCell": PAIR,
}  # fmt: skip


def test_the_table_has_every_cell_of_the_package():
    assert set(CELLS) == {name for name in torchrecurrent.__all__ if name.endswith("Cell")}


def leaves(state: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return state if isinstance(state, tuple) else (state,)


def run(cell: nn.Module, x: Tensor, state=None) -> tuple[list[list[Tensor]], list[Tensor]]:
    """States after each step, each a list, and outputs; every state is passed on as a copy that keeps its gradient."""
    decoupled, states, outputs = any("Decoupled" in base.__name__ for base in type(cell).__mro__), [], []
    for step in x:
        result = cell(step, state)
        output, state = result if decoupled else (result, result)
        parts = [(part if part.requires_grad else part.detach().requires_grad_()).clone() for part in leaves(state)]
        for part in parts:
            part.retain_grad()
        state = tuple(parts) if isinstance(state, tuple) else parts[0]
        states.append(parts)
        outputs.append(output if decoupled else parts[0])
    return states, outputs


@pytest.mark.parametrize("name", CELLS)
def test_every_cell_of_torchrecurrent_gives_its_states_and_gradients(name: str):
    torch.manual_seed(0)
    cell, x = getattr(torchrecurrent, name)(4, 4).double(), torch.randn(6, 3, 4).double()
    with explorer.record(cell, gradients=True) as recording:
        _, outputs = run(cell, x)
    states, own = run(cell, x)
    trace = recording.trace(TOKENS, index=2)
    parts = [trace.hidden, *(trace.parts[key] for key in trace.parts if key.startswith("state"))]
    parts += [] if trace.cell is None else [trace.cell]
    for part, values in enumerate(parts):
        np.testing.assert_array_equal(values[:, 0], torch.stack([of[part] for of in states])[:, 2].detach().float().numpy())
    assert {key: values.shape[2] for key, values in trace.parts.items()} == CELLS[name]
    has_step = name == "PeepholeLSTMCell"  # the one whose step is known: its second state is a cell, and it has gates
    assert (trace.cell is not None) == bool(trace.gates) == has_step and not trace.initial_hidden.any()
    flow = explorer.gradient_flow(recording, (outputs[4][2] * torch.arange(1.0, 5)).sum(), TOKENS, index=2)
    (own[4][2] * torch.arange(1.0, 5)).sum().backward()
    grads = [torch.cat([torch.zeros(4) if part.grad is None else part.grad[2] for part in parts]) for parts in states]
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(flow.state_log10[:, 0], torch.stack(grads).norm(dim=1).log10(), atol=1e-9)
    assert flow.loss_at == 4


@pytest.mark.parametrize("name", ["LiGRU", "PeepholeLSTM", "MCLSTM"])
def test_the_cells_inside_a_layer_of_the_package_are_paths(name: str):
    torch.manual_seed(0)
    layer, x = getattr(torchrecurrent, name)(3, 4, num_layers=2), torch.randn(6, 2, 3)
    with explorer.record(layer) as recording:
        out, _ = layer(x)
    assert recording.paths == ("cells.0", "cells.1")
    trace = recording.trace(TOKENS, "cells.1", index=1)
    shown = trace.parts["output"] if name == "MCLSTM" else trace.hidden
    np.testing.assert_array_equal(shown[:, 0], out[:, 1].detach().numpy())


class LayerNormLSTM(nn.Module):
    """A cell as people write it: forward(x, (h, c)) -> (h, c)."""

    def __init__(self):
        super().__init__()
        self.own, self.back = nn.Linear(3, 16, bias=False), nn.Linear(4, 16, bias=False)
        self.norms = nn.ModuleList([nn.LayerNorm(16), nn.LayerNorm(16), nn.LayerNorm(4)])

    def forward(self, x: Tensor, state=None):
        h, c = state or (x.new_zeros(*x.shape[:-1], 4), x.new_zeros(*x.shape[:-1], 4))
        i, f, g, o = (self.norms[0](self.own(x)) + self.norms[1](self.back(h))).chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * self.norms[2](c).tanh(), c


class Elman(nn.RNN):
    """Derived from torch's, with a forward of its own: one step, and the state alone comes back."""

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return torch.sigmoid(x @ self.weight_ih_l0.T + h @ self.weight_hh_l0.T)


class Shifted(nn.GRU):
    """Derived from torch's and called as that is, but it computes something else."""

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        out, _ = super().forward(x, h)
        return out + 0.1, out + 0.1


class Separate(nn.Module):
    """forward(x, h, c) -> h, c."""

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        return h * 0.5 + x.sum(-1, keepdim=True).tanh(), c * 0.9 + h


class Pair(NamedTuple):
    """A state with names."""

    slow: Tensor
    fast: Tensor


class Named(nn.Module):
    """forward(x, Pair) -> (output, Pair); the fast state is complex and narrower."""

    def forward(self, x: Tensor, state: Pair) -> tuple[Tensor, Pair]:
        fast = state.fast * 0.9j + x[:, :2]
        state = Pair(0.5 * state.slow + x.sum(1, keepdim=True), fast)
        return fast.real + state.slow, state


def loop(cell: nn.Module, x: Tensor, *state, feed=lambda state: (state,)) -> list:
    """Results of each step, from the state; `feed` makes of a result what the cell is given next."""
    results = []
    for step in x:
        results.append(cell(step, *state))
        state = feed(results[-1])
    return results


def test_a_layer_norm_lstm_cell():
    torch.manual_seed(0)
    model = nn.ModuleDict({"body": nn.ModuleList([LayerNormLSTM()])}).eval()
    with explorer.record(model, gradients=True) as recording:
        results = loop(model["body"][0], torch.randn(6, 2, 3))
    assert recording.paths == ("body.0",)
    trace = recording.trace(TOKENS, index=1)
    np.testing.assert_array_equal(trace.hidden[:, 0], torch.stack([h for h, _ in results])[:, 1].detach())
    np.testing.assert_array_equal(trace.parts["state[1]"][:, 0], torch.stack([c for _, c in results])[:, 1].detach())
    flow = explorer.gradient_flow(recording, results[5][0].sum(), TOKENS)
    assert np.isfinite(flow.state_log10).all() and flow.cell_log10 is None


@pytest.mark.parametrize("batch", [(), (2,)])
def test_a_class_derived_from_those_of_torch(batch: tuple[int, ...]):
    torch.manual_seed(0)
    cell = Elman(3, 4)
    with explorer.record(cell, gradients=True) as recording:
        results = loop(cell, torch.randn(6, *batch, 3), torch.zeros(*batch, 4))
    assert recording.paths == ("elman",)
    np.testing.assert_array_equal(recording.trace(TOKENS).hidden[:, 0], torch.stack(results).reshape(6, -1, 4)[:, 0].detach())
    assert np.isfinite(explorer.gradient_flow(recording, results[5].sum(), TOKENS).state_log10).all()


def test_a_class_derived_from_torch_that_computes_something_else_has_states_and_no_gates():
    torch.manual_seed(0)
    model = Shifted(3, 4)
    with explorer.record(model) as recording:
        results = loop(model, torch.randn(6, 1, 2, 3), torch.zeros(1, 2, 4), feed=lambda result: (result[1],))
    trace = recording.trace(TOKENS, index=1)
    np.testing.assert_array_equal(trace.hidden[:, 0], torch.stack([out[0, 1] for out, _ in results]).detach())
    assert not trace.gates


def test_states_that_are_separate_named_or_complex():
    torch.manual_seed(0)
    x = torch.randn(6, 2, 3)
    with explorer.record(Separate()) as recording:
        results = loop(recording.root, x, torch.zeros(2, 4), torch.zeros(2, 4), feed=lambda result: result)
    np.testing.assert_array_equal(recording.trace(TOKENS).parts["state[1]"][:, 0], torch.stack([c for _, c in results])[:, 0])
    first = Pair(torch.ones(2, 1), torch.zeros(2, 2, dtype=torch.complex64))
    with explorer.record(Named(), gradients=True) as recording:
        results = loop(recording.root, x, first, feed=lambda result: (result[1],))
        assert isinstance(results[0][1], Pair)
    trace = recording.trace(TOKENS, index=1)
    np.testing.assert_array_equal(trace.parts["state[1]"][:, 0], torch.stack([pair.fast for _, pair in results])[:, 1].detach())
    np.testing.assert_array_equal(trace.parts["output"][:, 0], torch.stack([shown for shown, _ in results])[:, 1].detach())
    assert trace.initial_hidden.tolist() == [[1]]
    flow = explorer.gradient_flow(recording, results[5][1].fast.abs().sum(), TOKENS)
    np.testing.assert_allclose(flow.state_log10[:, 0], np.log10(np.sqrt(2)) + np.log10(0.9) * np.arange(5, -1, -1), atol=1e-6)


class Shown(nn.Module):
    """forward(x, h) -> (output, h), the output being the hidden state itself, as torch's own layers return it."""

    def forward(self, x: Tensor, h: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h = 0.5 * (torch.zeros_like(x) if h is None else h) + x
        return h, h


class Outer(nn.Module):
    """Called step by step like the cell inside it, which is the path."""

    def __init__(self):
        super().__init__()
        self.inner = Shown()

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        out, state = self.inner(x, state)
        return 2 * out, state


def test_an_output_that_is_the_state_counts_for_the_state_of_the_innermost_module():
    model = Outer()
    with explorer.record(model, gradients=True) as recording:
        results = loop(model, torch.randn(6, 2, 3), feed=lambda result: (result[1],))
    assert recording.paths == ("inner",)
    flow = explorer.gradient_flow(recording, results[0][0][0, 0] + results[4][0][0, 0], TOKENS)
    np.testing.assert_allclose(10 ** flow.state_log10[:, 0], [2 + 2 / 16, 2 / 8, 2 / 4, 1, 2, 0], rtol=1e-6)


def test_chosen_calls_and_rows_that_are_dropped():
    torch.manual_seed(0)
    cell, x = torchrecurrent.LiGRUCell(3, 4), torch.randn(6, 3, 3)
    with explorer.record(cell) as recording:
        state, kept = torch.zeros(3, 4), []
        for time, rows in enumerate([3, 3, 2, 2, 1, 1]):
            state = cell(x[time, :rows], state[:rows])
            kept.append(state.detach())
        cell(x[0], torch.zeros(3, 4))
    assert [len(sequence) for sequence in recording.sequences(index=0)] == [6, 1]
    trace = recording.trace("abcd", index=1, calls=recording.sequences(index=1)[0])
    np.testing.assert_array_equal(trace.hidden[:, 0], torch.stack([of[1] for of in kept[:4]]))


class Attention(nn.Module):
    """Two inputs of one shape and an output of that shape: called step by step, and no cell."""

    def forward(self, query: Tensor, memory: Tensor) -> Tensor:
        return query * torch.softmax(memory, -1)


def test_what_gets_back_nothing_that_it_returned_is_no_cell():
    model = nn.ModuleDict({"attention": Attention(), "cell": LayerNormLSTM()})
    with explorer.record(model) as recording:
        state = None
        for step in torch.randn(6, 2, 3):
            model["attention"](step, torch.randn(2, 3))
            state = model["cell"](step, state)
    assert recording.paths == ("cell",)
    with explorer.record(model["attention"]) as recording:
        model["attention"](step, torch.randn(2, 3))
    sentence = "None of its modules got back a state that it had returned."
    with pytest.raises(RecordingError, match=rf"^Nothing recurrent in Attention: found no modules inside\. .* {sentence}$"):
        recording.trace("a")


def test_what_needs_the_equations_of_torch_says_so():
    cell = torchrecurrent.LiGRUCell(3, 4)
    with explorer.record(cell, gradients=True) as recording:
        states = loop(cell, torch.randn(6, 2, 3), torch.zeros(2, 4))
    with refused("This needs the equations of nn.RNN, nn.LSTM, nn.GRU or one of their cells; this path is of another class."):
        explorer.input_gradient(recording, states[5].sum(), TOKENS)
    with refused("'ligrucell' read 6 steps and 5 tokens were given. Give one token for each step."):
        recording.trace("abcde")
