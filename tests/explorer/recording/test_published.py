"""Steps of published cells, each against the package that has the class: states, gates, output, gradient."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from LRU_pytorch import LRU
from mambapy.mamba import MambaBlock, MambaConfig
from minGRU_pytorch.minGRU import minGRU
from minGRU_pytorch.minLSTM import minLSTM
from torch import Tensor, nn
from torchrecurrent import PeepholeLSTMCell
from xlstm.blocks.slstm.cell import sLSTMCell, sLSTMCellConfig

import explorer
from explorer.analysis.ledger import ledger
from explorer.analysis.quantities import memory_time, quantities
from explorer.figures.notebook import show
from explorer.recording.published import linear_memory, lru_eigenvalues

TOKENS = "twelve steps"
TIME = len(TOKENS)


def recorded(module: nn.Module, x: Tensor, *given, **options) -> tuple[explorer.Recording, Tensor]:
    with explorer.record(module, gradients=True) as recording:
        result = module(x, *given, **options)
    return recording, result


def states_of(module: nn.Module, x: Tensor, state: Callable) -> list[Tensor]:
    """States after each step by the package alone, one step a call."""
    states, before = [], None
    for step in x:
        before = state(module, step, before)
        states.append(before)
    return states


def close(values: np.ndarray, own: Tensor) -> None:
    np.testing.assert_allclose(values, own.detach(), atol=2e-5)


@pytest.mark.parametrize("kind", [minGRU, minLSTM])
@pytest.mark.parametrize("expansion", [1.0, 1.5])
def test_the_minimal_networks(kind: type[nn.Module], expansion: float):
    torch.manual_seed(0)
    module, x = kind(6, expansion_factor=expansion), torch.randn(2, TIME, 6)
    recording, out = recorded(module, x)
    trace = recording.trace(TOKENS, index=1)

    def one_step(module, step, before):
        return module(step[None, None], before, return_next_prev_hidden=True)[1]

    own = torch.stack(states_of(module, x[1], one_step))[:, 0, 0]
    close(trace.hidden[:, 0], own)
    keeps = trace.gates["update" if kind is minGRU else "forget"][:, 0]
    kept = keeps * np.concatenate([np.zeros((1, own.shape[1])), trace.hidden[:-1, 0]])
    close(kept + (1 - keeps) * trace.parts["candidate state"][:, 0], own)
    assert (memory_time(trace, 0) > 0).all() and trace.cell is None
    flow = explorer.gradient_flow(recording, out[1, -1].sum(), TOKENS, index=1)
    assert np.isfinite(flow.state_log10).all() and flow.loss_at == TIME - 1
    # The state can reach the loss through the states between alone: the gradient shrinks by what is kept.
    to_last = np.ones(own.shape[1]) if expansion == 1 else module.to_out.weight.detach().sum(0).numpy()
    expected = [np.linalg.norm(to_last * np.prod(keeps[step + 1 :], axis=0)) for step in range(TIME)]
    np.testing.assert_allclose(flow.state_log10[:, 0], np.log10(expected), atol=1e-4)


def test_a_minimal_network_goes_on_from_its_state():
    torch.manual_seed(0)
    module, x = minGRU(6), torch.randn(2, TIME, 6)
    whole, _ = recorded(module, x)
    with explorer.record(module) as recording:
        _, state = module(x[:, :5], return_next_prev_hidden=True)
        module(x[:, 5:], state, return_next_prev_hidden=True)
    close(recording.trace(TOKENS, index=1).hidden, torch.tensor(whole.trace(TOKENS, index=1).hidden))


@pytest.mark.parametrize("batch", [True, False])
def test_the_linear_recurrent_unit(batch: bool):
    torch.manual_seed(0)
    module, x = LRU(3, 2, 5, rmin=0.6, rmax=0.99), torch.randn(2, TIME, 3)
    recording, out = recorded(module, x if batch else x[1])
    trace = recording.trace(TOKENS, index=int(batch))
    assert quantities(trace) == ("size", "phase", "forget") and np.iscomplexobj(trace.hidden)
    shown = torch.tensor(trace.hidden[:, 0]) @ module.C.T
    close((out[1] if batch else out).detach(), shown.real + x[1] @ module.D.T)
    steps, turns = linear_memory(lru_eigenvalues(module))
    np.testing.assert_allclose(memory_time(trace, 0), steps, rtol=1e-4)
    np.testing.assert_allclose(steps, torch.exp(-module.nu_log).detach(), rtol=1e-4)  # |lambda| = exp(-exp(nu))
    np.testing.assert_allclose(np.exp(2j * np.pi * turns), torch.exp(1j * torch.exp(module.theta_log)).detach(), atol=1e-5)
    flow = explorer.gradient_flow(recording, (out[1] if batch else out)[-1, 0], TOKENS, index=int(batch))
    to_last = module.C[0].detach().abs().numpy()
    sizes = lru_eigenvalues(module).abs().detach().numpy()
    expected = [np.linalg.norm(to_last * sizes ** (TIME - 1 - step)) for step in range(TIME)]
    np.testing.assert_allclose(flow.hidden_log10[:, 0], np.log10(expected), atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"inner_layernorms": True, "bias": True, "pscan": False, "d_conv": 3}])
def test_mamba(options: dict):
    torch.manual_seed(0)
    config = MambaConfig(d_model=6, n_layers=1, d_state=4, **options)
    module, x = MambaBlock(config), torch.randn(2, TIME, 6)
    recording, out = recorded(module, x)
    trace = recording.trace(TOKENS, index=1)
    cache, states = (None, torch.zeros(1, config.d_inner, config.d_conv - 1)), []
    for step in x[1]:
        _, cache = module.step(step[None], cache)
        states.append(cache[0][0].flatten())
    close(trace.hidden[:, 0], torch.stack(states))
    assert {name: values.shape[2] for name, values in trace.parts.items()} == {
        "window": config.d_inner * (config.d_conv - 1), "delta": config.d_inner, "B": 4, "C": 4,
    }  # fmt: skip
    A = -torch.exp(module.A_log).detach().numpy()
    np.testing.assert_allclose(trace.gates["forget"][:, 0], np.exp(trace.parts["delta"][:, 0, :, None] * A).reshape(TIME, -1), atol=1e-5)
    flow = explorer.gradient_flow(recording, out[1, -1].sum(), TOKENS, index=1)
    cache, states = (None, torch.zeros(1, config.d_inner, config.d_conv - 1)), []
    for step in x[1]:
        y, cache = module.step(step[None], cache)
        cache[0].retain_grad()
        states.append(cache[0])
    y.sum().backward()
    norms = torch.stack([state.grad.norm() for state in states]).log10()
    np.testing.assert_allclose(flow.hidden_log10[:, 0], norms, atol=1e-4)


def test_the_peephole_lstm():
    torch.manual_seed(0)
    cell, x = PeepholeLSTMCell(3, 4), torch.randn(TIME, 2, 3)
    with explorer.record(cell) as recording:
        state, own = None, []
        for step in x:
            state = cell(step, state)
            own.append(torch.stack(state)[:, 1].detach())
    trace = recording.trace(TOKENS, index=1)
    close(trace.hidden[:, 0], torch.stack(own)[:, 0])
    close(trace.cell[:, 0], torch.stack(own)[:, 1])
    before = np.concatenate([np.zeros((1, 4)), trace.cell[:-1, 0]])
    close(trace.gates["forget"][:, 0] * before + trace.gates["input"][:, 0] * trace.gates["candidate"][:, 0], torch.stack(own)[:, 1])
    close(trace.gates["output"][:, 0] * np.tanh(trace.cell[:, 0]), torch.stack(own)[:, 0])


@pytest.mark.parametrize("given", [False, True])
def test_slstm(given: bool):
    """Against the package, and against the equations of the paper without its stabiliser, in float64."""
    torch.manual_seed(0)
    config = sLSTMCellConfig(hidden_size=8, num_heads=2, backend="vanilla", recurrent_weight_init="standard")
    cell, x = sLSTMCell(config), 2 * torch.randn(2, TIME, 32)
    state = cell(x)[1].detach() if given else None
    recording, (out, _) = recorded(cell, x, state)
    trace = recording.trace(TOKENS, index=1)
    close(trace.hidden[:, 0], out[1].transpose(0, 1).flatten(1))
    assert {"normaliser", "stabiliser"} == set(trace.parts) and set(trace.gates) == {"input", "forget", "candidate", "output"}
    h, c, n, m = (torch.zeros(4, 8) if state is None else state[:, 1]).double()
    c, n = c * m.exp(), n * m.exp()
    R = cell._recurrent_kernel.detach().double()
    for time, row in enumerate(x[1].double()):
        back = torch.stack([R[head] @ h.view(2, 4)[head] for head in range(2)]).view(2, 4, 4).transpose(0, 1).reshape(4, 8)
        i, f, z, o = row.view(4, 8) + back + cell._bias.detach().double().view(4, 8)
        c, n = f.sigmoid() * c + i.exp() * z.tanh(), f.sigmoid() * n + i.exp()
        h = o.sigmoid() * c / n
        close(trace.hidden[time, 0], h)
        close(trace.cell[time, 0] / trace.parts["normaliser"][time, 0], c / n)
    flow = explorer.gradient_flow(recording, out[1, :, -1].sum(), TOKENS, index=1)
    states, before = [], state
    for step in range(TIME):
        _, before = cell(x[:, step : step + 1], before)
        before.retain_grad()
        states.append(before)
    before[0, 1].sum().backward()
    norms = torch.stack([of.grad[:, 1].norm() for of in states]).log10()
    np.testing.assert_allclose(flow.state_log10[:, 0], norms, atol=1e-4)


def test_every_figure_of_a_trace_draws_them():
    torch.manual_seed(0)
    slstm_cell = sLSTMCell(sLSTMCellConfig(hidden_size=4, num_heads=2, backend="vanilla", recurrent_weight_init="standard"))
    modules = {minGRU(4): 4, minLSTM(4): 4, LRU(4, 4, 3): 4, MambaBlock(MambaConfig(d_model=4, n_layers=1, d_state=2)): 4, slstm_cell: 16}
    for module, width in modules.items():
        recording, _ = recorded(module, torch.randn(1, TIME, width))
        trace = recording.trace(TOKENS)
        for what in quantities(trace):
            assert what in str(show(trace, what))
        if not np.iscomplexobj(trace.hidden):
            assert "Gates and state update" in str(show(trace, "gates", unit=1))
            book = ledger(trace, 0)
            np.testing.assert_allclose(book.kept + book.written, book.state, atol=1e-5)
            np.testing.assert_array_equal(book.shown, trace.hidden[:, 0])
