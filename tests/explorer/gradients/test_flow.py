"""Gradients through time: exact answers, a module left as it was, and every refusal as a sentence."""

import copy
import math
import threading

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.errors import RecordingError
from explorer.recording.autograd_edges import without_cudnn
from tests.explorer.errors import refused


def linear(rho: float, units: int = 8, dtype: torch.dtype = torch.float32) -> tuple[nn.RNN, Tensor]:
    """A relu network whose units are always at 1, so that it is linear: W is rho times an orthogonal matrix; and its input.

    The matrix is a permutation: (1 - rho) + rho is exactly 1 on every processor, while the rounding of any other sum would grow
    as rho^t and leave the linear range.
    """
    torch.manual_seed(0)
    rnn = nn.RNN(units, units, nonlinearity="relu", bias=False).to(dtype).requires_grad_(False)
    rnn.weight_hh_l0.copy_(rho * torch.eye(units)[torch.randperm(units)])
    rnn.weight_ih_l0.copy_(torch.eye(units))
    return rnn, 1 - rnn.weight_hh_l0.sum(1)


@pytest.mark.parametrize(
    ("rho", "steps", "exact"), [(0.9, 50, 5.154e-3), (1.1, 50, 117.39), (0.9, 1000, 1.7479e-46), (1.1, 1000, 2.4699e41)]
)
def test_a_linear_network_decays_exactly(rho: float, steps: int, exact: float):
    rnn, x = linear(rho)
    with explorer.record(rnn, gradients=True) as recording:
        out, _ = rnn(x.expand(steps + 1, -1), torch.ones(1, 8))
    flow = explorer.gradient_flow(recording, out[-1, 0], "x" * (steps + 1))
    assert flow.loss_at == steps
    ratio = 10 ** (flow.state_log10[0, 0] - flow.state_log10[-1, 0])
    assert ratio == pytest.approx(exact, rel=1e-4)
    lags = np.arange(steps, -1, -1)
    np.testing.assert_allclose(flow.state_log10[:, 0], lags * math.log10(rho), atol=1e-4)


def test_a_cell_alone_decays_by_its_forget_gates():
    lstm = nn.LSTM(2, 3).requires_grad_(False)
    for values in lstm.parameters():
        values.zero_()
    lstm.bias_ih_l0[3:6] = 1.0  # forget gates at 0.7311; nothing passes through the hidden state
    with explorer.record(lstm, gradients=True) as recording:
        out, _ = lstm(torch.randn(51, 2), (torch.zeros(1, 3), torch.ones(1, 3)))
    flow = explorer.gradient_flow(recording, out[-1].sum(), "x" * 51)
    assert flow.cell_log10 is not None
    assert 10 ** (flow.cell_log10[0, 0] - flow.cell_log10[-1, 0]) == pytest.approx((1 / (1 + math.exp(-1))) ** 50, rel=1e-4)  # 1.576e-7
    assert (flow.hidden_log10[:-1] == -np.inf).all()
    np.testing.assert_allclose(flow.state_log10[:-1, 0], flow.cell_log10[1:, 0] + math.log10(0.731059), atol=1e-5)


@pytest.mark.parametrize("family", [nn.RNN, nn.GRU, nn.LSTM])
def test_the_state_is_what_the_next_step_is_given(family):
    torch.manual_seed(1)
    module = family(3, 5, 2).double()
    x = torch.randn(20, 3).double()
    with explorer.record(module, gradients=True) as recording:
        out, _ = module(x)
    flow = explorer.gradient_flow(recording, out[17].sum(), "x" * 20)
    for time in (3, 10, 16):  # a second run that begins behind `time`, its first states being leaves
        _, state = module(x[: time + 1])
        leaves = [part.detach().requires_grad_() for part in (state if isinstance(state, tuple) else (state,))]
        later, _ = module(x[time + 1 :], tuple(leaves) if len(leaves) > 1 else leaves[0])
        grads = torch.autograd.grad(later[16 - time].sum(), leaves)
        # The lower layer's state feeds the upper one at its own step too; the upper layer's feeds the next step alone.
        expected = math.log10(math.hypot(*(float(grad[1].norm()) for grad in grads)))
        assert flow.state_log10[time, 1] == pytest.approx(expected, abs=1e-10)
    assert (flow.state_log10[18:] == -np.inf).all()


def test_several_losses_are_several_flows():
    torch.manual_seed(0)
    gru = nn.GRU(3, 4, 2, batch_first=True)
    with explorer.record(gru, gradients=True) as recording:
        out, last = gru(torch.randn(2, 9, 3))
    losses = torch.stack([out[1, 3].sum(), out[1].sum(), 1e-30 * out[1, 8, 0], last[0, 1].sum(), out[0, 3].sum()])
    flows = explorer.gradient_flows(recording, losses, "abcdefghi", index=1)
    assert [flow.loss_at for flow in flows] == [3, None, 8, 8, None]
    for flow, loss in zip(flows, losses, strict=True):
        alone = explorer.gradient_flow(recording, loss, "abcdefghi", index=1)
        np.testing.assert_allclose(flow.state_log10, alone.state_log10, rtol=1e-5)
    assert (flows[4].state_log10 == -np.inf).all(), "another row of the batch is another sequence"
    assert (flows[3].state_log10[:, 1] == -np.inf).all(), "the upper layer is not read by the lower one"
    with refused("loss has shape (5,); expected a scalar. For a vector of losses call gradient_flows."):
        explorer.gradient_flow(recording, losses, "abcdefghi")


def test_a_module_is_left_as_it_was():
    module = nn.Sequential(nn.Embedding(5, 3), nn.GRU(3, 4, 2, dropout=0.5)).eval().requires_grad_(False)
    ids, enabled = torch.tensor([0, 1, 2, 3]), torch.backends.cudnn.enabled
    plain = module(ids)[0]
    with explorer.record(module, gradients=True) as recording:
        assert not torch.backends.cudnn.enabled
        out = module(ids)[0]
    torch.testing.assert_close(out, plain, rtol=1e-6, atol=1e-7)
    assert torch.backends.cudnn.enabled == enabled
    explorer.gradient_flow(recording, out[-1].sum(), "abcd")
    assert not any(part.training for part in module.modules())
    assert all(p.grad is None and not p.requires_grad for p in module.parameters())
    trace = recording.trace("abcd")
    np.testing.assert_array_equal(trace.hidden[:, 1], out.detach().numpy())


def test_cudnn_comes_back_when_the_last_block_ends():
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with without_cudnn():
            inside.set()
            leave.wait(5)

    enabled = torch.backends.cudnn.enabled
    thread = threading.Thread(target=other)
    with without_cudnn():
        thread.start()
        inside.wait(5)
    assert not torch.backends.cudnn.enabled
    leave.set()
    thread.join()
    assert torch.backends.cudnn.enabled == enabled


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("family", [nn.LSTM, nn.LSTMCell])
def test_a_caller_may_change_what_came_out(family, frozen: bool):
    torch.manual_seed(0)
    module, x = family(3, 4).requires_grad_(not frozen), torch.randn(1, 3)
    flows = []
    for changed in (False, True):
        with explorer.record(module, gradients=True) as recording:
            result = module(x)
        out = result[0]
        # twice the output, once beside it and once in its place: the gradient of the module's own output is the same
        flows.append(explorer.gradient_flow(recording, (out.mul_(2) if changed else out * 2).sum(), "x"))
    np.testing.assert_array_equal(flows[0].hidden_log10, flows[1].hidden_log10)
    assert flows[0].hidden_log10[0, 0] == pytest.approx(math.log10(2 * math.sqrt(4)), abs=1e-6)


def test_a_cells_gradient_leaves_out_its_own_output():
    """torch computes an LSTMCell's output from the very cell state it returns, and shows that to autograd or not."""
    torch.manual_seed(0)
    cell = nn.LSTMCell(3, 4).double()
    for shape in ((3,), (1, 3)):
        with explorer.record(cell, gradients=True) as recording:
            h, c = cell(torch.randn(shape).double())
        flow = explorer.gradient_flow(recording, h.sum() + 3 * c.sum(), "x")
        assert flow.state_log10[0, 0] == pytest.approx(math.log10(math.hypot(2, 6)), abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_made_float32_and_says_so(dtype: torch.dtype):
    torch.manual_seed(0)
    rnn, x = nn.GRU(3, 8).to(dtype), torch.randn(100, 3).to(dtype)
    with explorer.record(rnn, gradients=True) as recording:
        out = rnn(x)[0]
    flow = explorer.gradient_flow(recording, out[-1].sum(), "x" * 100)
    name = str(dtype).removeprefix("torch.")
    assert flow.note == f"'gru' ran in {name}: its weights and states were made float32 before any gradient was computed."
    whole = copy.deepcopy(rnn).float()
    with explorer.record(whole, gradients=True) as other:
        out = whole(x.float())[0]
    expected = explorer.gradient_flow(other, out[-1].sum(), "x" * 100)
    assert expected.note == ""
    assert expected.state_log10[0, 0] < -8, "float16 itself holds nothing so small"
    np.testing.assert_allclose(flow.state_log10, expected.state_log10, atol=0.5 if dtype == torch.bfloat16 else 0.1)
    with explorer.record(rnn, gradients=True) as recording:
        state = rnn(x[:50])[1]
        out = rnn(x[50:], state)[0]
    with pytest.raises(
        RecordingError, match=rf"^'gru' ran in {name} and was called 2 times: .* Record copy.deepcopy\(module\).float\(\) instead.$"
    ):
        explorer.gradient_flow(recording, out[-1].sum(), "x" * 100)


def test_what_has_no_gradient_is_a_sentence():
    gru, x = nn.GRU(3, 4), torch.randn(5, 3)
    with explorer.record(gru) as recording:
        out = gru(x)[0]
    with refused("This recording was made without gradients. Make it with record(module, gradients=True)."):
        explorer.gradient_flow(recording, out.sum(), "abcde")
    with torch.no_grad(), explorer.record(gru, gradients=True) as recording:
        out = gru(x)[0]
    with refused("'gru' ran without a graph, under torch.no_grad() or torch.inference_mode(). Call the module outside them."):
        explorer.gradient_flow(recording, out.sum(), "abcde")
    with explorer.record(gru, gradients=True) as recording:
        out = gru(x)[0]
        other = gru(x)[0]
    with pytest.raises(RecordingError, match=r"^'gru' read 2 sequences, because its state was reset: "):
        explorer.gradient_flow(recording, out.sum(), "x" * 10)
    with explorer.record(gru, gradients=True) as recording:
        out = gru(x)[0]
    no_gradient = (
        "The loss has no gradient. Compute it from what the module returned inside `with record(module, gradients=True)`, "
        "outside torch.no_grad() and without detach()."
    )
    with refused(no_gradient):
        explorer.gradient_flow(recording, out.detach().sum(), "abcde")
    with refused("The loss depends on nothing that was recorded. Compute it from what the module returned in the block."):
        explorer.gradient_flow(recording, other.sum(), "abcde")
    with refused("loss has shape (5, 4); expected a scalar, or a vector of losses. Take its sum or its mean."):
        explorer.gradient_flows(recording, out, "abcde")
    loss = out.square().sum()
    loss.backward()
    with pytest.raises(RecordingError, match=r"^Autograd cannot follow this loss back \(.*Ask for gradients before loss.backward\(\)"):
        explorer.gradient_flow(recording, loss, "abcde")
    with refused("'gru' read 5 steps and 4 tokens were given. Give one token for each step."):
        explorer.gradient_flow(recording, out.sum(), "abcd")


def test_a_network_beside_a_tapped_module_has_the_gradient_that_it_has_alone():
    torch.manual_seed(0)
    model, x = nn.ModuleDict({"hand": nn.Sequential(explorer.Tap("hidden")), "rnn": nn.RNN(3, 4)}), torch.randn(4, 3)
    with explorer.record(model, gradients=True) as recording:
        out = model["rnn"](model["hand"](x))[0]
    with explorer.record(model["rnn"], gradients=True) as alone:
        same = model["rnn"](x)[0]
    flow = explorer.gradient_flow(recording, out[3].sum(), "abcd", "rnn")
    np.testing.assert_array_equal(flow.state_log10, explorer.gradient_flow(alone, same[3].sum(), "abcd").state_log10)
    by_itself = "a gradient needs the state of each step by itself, inside the loop: h = self.hidden(h)."
    with refused(f"Tap('hidden') received 1 value of shape (4, 3) for 4 steps; {by_itself}"):
        explorer.gradient_flow(recording, out[3].sum(), "abcd", "hand")


def test_a_network_in_training_mode_with_dropout_is_refused():
    lstm = nn.LSTM(3, 4, 2, dropout=0.5).train()
    with explorer.record(lstm, gradients=True) as recording:
        out = lstm(torch.randn(6, 3))[0]
    with pytest.raises(RecordingError, match=r"It is in training mode with dropout: call module.eval\(\) first.$"):
        explorer.gradient_flow(recording, out[-1].sum(), "abcdef")
