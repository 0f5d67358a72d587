"""The block equations against torch's own modules, for every variant: each gate, then the state that follows from them."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from explorer.recording import cells

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")

VARIANTS = [
    *product((nn.LSTM, nn.GRU, nn.RNN), (1, 2), (False, True), (False, True), ({},)),
    *product((nn.LSTM,), (1, 2), (False, True), (False, True), ({"proj_size": 2},)),
    *product((nn.RNN,), (1, 2), (False, True), (False, True), ({"nonlinearity": "relu"},)),
]


def replayed(module: nn.Module, x: torch.Tensor, layer: int, reverse: bool) -> torch.Tensor:
    """Hidden states of one layer and direction, [time, state], one step at a time through the block equations."""
    kind, w = cells.kind(module), cells.weights(dict(module.named_parameters()), layer, reverse, torch.float32)
    h, c, out = torch.zeros(1, w.U.shape[1]), np.zeros(w.units, np.float32), [torch.empty(0)] * len(x)
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        gates = {name: torch.empty(1, w.units) for name in cells.GATES[kind]}
        cells.fill_gates(kind, w, x[t : t + 1], h, gates)
        cell = torch.empty(1, w.units) if kind == "lstm" else None
        if cell is not None:
            written = gates["input"] * gates["candidate"]
            c = cells.carry_cell(written.numpy(), gates["forget"].numpy(), cell.numpy(), [0], c.copy(), {})
        out[t] = h = cells.new_hidden(kind, w, gates, cell, h)
    return torch.cat(out)


@pytest.mark.parametrize(("family", "layers", "bias", "both", "more"), VARIANTS)
def test_the_equations_are_torchs(family, layers: int, bias: bool, both: bool, more: dict):
    torch.manual_seed(0)
    module, x = family(3, 5, layers, bias=bias, bidirectional=both, **more).eval(), torch.randn(8, 3)
    with torch.no_grad():
        expected, inner = module(x)[0], x
        for layer in range(layers):
            inner = torch.cat([replayed(module, inner, layer, way) for way in ((False, True) if both else (False,))], 1)
    np.testing.assert_allclose(inner, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("family", "more"), [(nn.LSTMCell, {}), (nn.GRUCell, {}), (nn.RNNCell, {}), (nn.RNNCell, {"nonlinearity": "relu"})]
)
@pytest.mark.parametrize("bias", [False, True])
def test_a_cells_equations_are_torchs(family, more: dict, bias: bool):
    torch.manual_seed(0)
    cell, x, state, expected = family(3, 5, bias=bias, **more), torch.randn(8, 3), None, []
    with torch.no_grad():
        for step in x:
            state = cell(step, state)
            expected.append(state[0] if isinstance(state, tuple) else state)
        np.testing.assert_allclose(replayed(cell, x, 0, False), torch.stack(expected), atol=1e-6)


def test_cells_restart_from_the_state_they_were_given():
    written, forget, cell = np.ones((4, 1)), np.full((4, 1), 0.5), np.empty((4, 1))
    last = cells.carry_cell(written, forget, cell, range(4), np.array([2.0]), {2: np.array([8.0])})
    assert cell[:, 0].tolist() == [2, 2, 5, 3.5]
    assert last.tolist() == [3.5]
    cells.carry_cell(written, forget, cell, [3, 2, 1, 0], np.array([0.0]), {})
    assert cell[:, 0].tolist() == [1.875, 1.75, 1.5, 1]
