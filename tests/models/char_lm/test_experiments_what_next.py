"""The Jacobian equals central differences in float64, and the real nudge a state that is really changed between two calls."""

from typing import Any

import numpy as np
import pytest
import torch

from explorer.errors import AnalysisError
from models.char_lm.experiments.what_next import HORIZONS, what_next
from models.char_lm.experiments.window import Layer, read_window
from tests.models.char_lm.test_experiments_window import network

TEXT = "abcabcacbbacbabcacbcab" * 3


def nudged_by_hand(module: Any, cell: str, ids: torch.Tensor, places: np.ndarray, amount: float) -> np.ndarray:
    """Logits less their mean, [place, horizon, vocab], after unit 2 of layer 1, the last, was raised by an amount."""
    rows = []
    for at in places:
        _, state = module(ids[None, : at + 1])
        if cell == "lstm":  # h follows c through the output gate of that step
            hidden, cells = (part.clone() for part in state)
            gate = hidden[1, 0, 2] / torch.tanh(cells[1, 0, 2])
            cells[1, 0, 2] += amount
            hidden[1, 0, 2] = gate * torch.tanh(cells[1, 0, 2])
            state = hidden, cells
        else:
            hidden = state = state.clone()
            hidden[1, 0, 2] += amount
        first = module.readout(hidden[1])
        later = module(ids[None, at + 1 : at + HORIZONS[-1]], state)[0][0]
        logits = torch.cat([first, later])[torch.tensor(HORIZONS) - 1]
        rows.append(logits - logits.mean(-1, keepdim=True))
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_jacobian_and_the_real_nudge(cell: str):
    loaded = network(cell)
    module: Any = loaded.module.double()
    with torch.no_grad():
        module.readout.weight.mul_(5)  # so that a nudge shows
        ids = torch.tensor(loaded.vocab.encode("cab" + TEXT))
        window = read_window(loaded, TEXT, Layer(), "cab")
        result = what_next(loaded, window, 1, 2)
        moved = {amount: nudged_by_hand(module, cell, ids, result.places + 3, amount) for amount in (0.0, result.nudge, 1e-5, -1e-5)}
    np.testing.assert_allclose(result.real, moved[result.nudge] - moved[0.0], atol=1e-6)
    slope = (moved[1e-5] - moved[-1e-5]) / 2e-5
    np.testing.assert_allclose(result.linear, slope * result.nudge, atol=1e-6)
    assert np.abs(result.linear).max() > 1e-3 and len(result.places) == len(TEXT) - HORIZONS[-1]
    p = np.exp(moved[0.0])
    np.testing.assert_allclose(result.p, p / p.sum(-1, keepdims=True), atol=1e-6)
    after = np.exp(moved[result.nudge])
    change = np.abs(after / after.sum(-1, keepdims=True) - result.p).mean(0)
    assert (result.strongest(1)[:, 0] == change.argmax(-1)).all()
    assert (result.agreement() > 0.9).all()


def test_what_cannot_be_nudged_is_said():
    loaded = network()
    with pytest.raises(AnalysisError, match="at least 28"):
        what_next(loaded, read_window(loaded, TEXT[:25], Layer()), 0, 0)
    dead: Any = loaded.module
    with torch.no_grad():
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
            getattr(dead.rnn, name).zero_()
    with pytest.raises(AnalysisError, match="the same value"):
        what_next(loaded, read_window(loaded, TEXT, Layer()), 0, 3)
