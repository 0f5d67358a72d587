"""Gradients along other paths than the recurrent one: attention, fed-back words, a decoder; and where a sequence ends or moves."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import explorer
from tests.explorer.gradients.test_flow_property import step


class Decoder(nn.Module):
    """Attention over a memory, and what was written fed back, one step a call; the step itself may be replaced."""

    def __init__(self, step: nn.Module):
        super().__init__()
        self.cell, self.read = step, nn.Linear(10, 3)
        self.attended, self.fed = True, True

    def forward(self, memory: Tensor, steps: int) -> list[Tensor]:
        state, given, out = memory[0], torch.zeros(3, dtype=memory.dtype), []
        for _ in range(steps):
            weights = (memory @ (state if self.attended else state.detach())).softmax(0)
            context = weights @ memory
            state = self.cell(torch.cat([given, context]), state)
            given = self.read(torch.cat([state, context])).tanh()
            given, written = (given if self.fed else given.detach()), given
            out.append(written)
        return out


class Written(nn.Module):
    """The equations of a GRU, which keep every state they made."""

    def __init__(self, cell: nn.GRUCell):
        super().__init__()
        self.numbers, self.states = dict(cell.named_parameters()), []

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        self.states.append(step("gru", self.numbers, x, h, h)[0])
        return self.states[-1]


@pytest.mark.parametrize("frozen", [False, True])
def test_paths_through_attention_and_fed_back_words_count(frozen: bool):
    torch.manual_seed(0)
    model, memory = Decoder(nn.GRUCell(8, 5)).double(), 2 * torch.randn(6, 5).double()
    witness = copy.deepcopy(model)
    witness.cell = Written(model.cell)
    expected = norms(witness, memory)
    model.requires_grad_(not frozen)
    with explorer.record(model, gradients=True) as recording:
        out = model(memory, 20)
    flow = explorer.gradient_flow(recording, out[-1].sum(), "x" * 20)
    np.testing.assert_allclose(flow.hidden_log10[:, 0], np.log10(expected), atol=1e-9)
    assert flow.loss_at == 19
    for name in ("attended", "fed"):  # each of the two paths carries a share that would be missed
        without = copy.deepcopy(model).requires_grad_(True)
        setattr(without, name, False)
        cut = copy.deepcopy(without)
        cut.cell = Written(without.cell)
        assert np.abs(np.log10(norms(cut, memory)[:15] / expected[:15])).max() > 0.05


def norms(model: Decoder, memory: Tensor) -> np.ndarray:
    """Size of the gradient at every state that the written equations made, [time]."""
    assert isinstance(model.cell, Written)
    model.cell.states.clear()
    out = model(memory, 20)
    grads = torch.autograd.grad(out[-1].sum(), model.cell.states)
    return np.array([float(grad.norm()) for grad in grads])


def test_an_encoder_hears_its_decoder():
    torch.manual_seed(0)

    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = nn.LSTM(3, 4, bidirectional=True), nn.LSTM(8, 5)

        def forward(self, x: Tensor) -> Tensor:
            return self.decoder(self.encoder(x)[0])[0]

    pair, x = Pair().double().requires_grad_(False), torch.randn(12, 3).double()
    with explorer.record(pair, gradients=True) as recording:
        out = pair(x)
    forward, back = (explorer.gradient_flow(recording, out[6].sum(), "x" * 12, path) for path in ("encoder", "encoder[reverse]"))
    assert (forward.state_log10[7:] == -np.inf).all()
    assert np.isfinite(back.state_log10).all(), "what was read last reaches every earlier position of the reverse direction"
    outside = pair.encoder(x)[0].requires_grad_()
    grad = torch.autograd.grad(pair.decoder(outside)[0][6].sum(), outside)[0]
    # Nothing but the decoder reads the encoder's last forward state before step 6.
    assert back.hidden_log10[0, 0] == pytest.approx(math.log10(float(grad[0, 4:].norm())), abs=1e-10)
    assert forward.hidden_log10[6, 0] == pytest.approx(math.log10(float(grad[6, :4].norm())), abs=1e-10)
    assert forward.loss_at is None


def test_nothing_flows_over_a_detached_border():
    torch.manual_seed(0)
    lstm, x, state, outputs = nn.LSTM(3, 4, 2), torch.randn(12, 3), None, []
    with explorer.record(lstm, gradients=True) as recording:
        for chunk in x.split(4):
            out, state = lstm(chunk, state)
            state = tuple(part.detach() for part in state)
            outputs.append(out)
    flow = explorer.gradient_flow(recording, outputs[-1][2].sum(), "x" * 12)
    assert flow.loss_at == 10
    assert (flow.state_log10[:8] == -np.inf).all()
    assert np.isfinite(flow.state_log10[8:11]).all()
    assert (flow.state_log10[11] == -np.inf).all()
    both = explorer.gradient_flow(recording, outputs[0][3].sum() + outputs[2][2].sum(), "x" * 12)
    assert both.loss_at is None
    np.testing.assert_array_equal(both.state_log10[8:], flow.state_log10[8:])
    assert np.isfinite(both.state_log10[:4]).all()


def test_packed_rows_end_where_they_end():
    torch.manual_seed(0)
    lstm, x = nn.LSTM(3, 4, bidirectional=True).double(), torch.randn(7, 3, 3).double()
    with explorer.record(lstm, gradients=True) as recording:
        _, (last, _) = lstm(pack_padded_sequence(x, torch.tensor([4, 7, 2]), enforce_sorted=False))
    flow = explorer.gradient_flow(recording, last[0, 0].sum(), "abcd", "lstm")
    with explorer.record(lstm, gradients=True) as alone:
        _, (last, _) = lstm(x[:4, 0])
    expected = explorer.gradient_flow(alone, last[0].sum(), "abcd", "lstm")
    np.testing.assert_allclose(flow.state_log10, expected.state_log10, rtol=1e-10)
    assert flow.loss_at == 3
    assert explorer.gradient_flow(alone, last[1].sum(), "abcd", "lstm[reverse]").loss_at == 0


def test_a_sequence_that_changes_its_row_is_followed():
    torch.manual_seed(0)
    cell, x = nn.GRUCell(3, 4).double(), torch.randn(6, 2, 3).double()
    rows = [0, 0, 1, 1, 0, 0]  # beams change places before steps 2 and 4
    with explorer.record(cell, gradients=True) as recording:
        state = None
        for time in range(6):
            state = cell(x[time], state.flip(0) if state is not None and time in (2, 4) else state)
    moved = explorer.gradient_flow(recording, state[0].sum(), "abcdef", index=rows)
    with explorer.record(cell, gradients=True) as recording:
        state = None
        for time, row in enumerate(rows):
            state = cell(x[time, row : row + 1], state)
    alone = explorer.gradient_flow(recording, state.sum(), "abcdef")
    np.testing.assert_allclose(moved.state_log10, alone.state_log10, rtol=1e-12)
    assert np.isfinite(moved.state_log10).all()
