"""Steering equals a loop by hand: the recurrent module run token by token, the held cells overwritten after each."""

from typing import Any

import numpy as np
import pytest
import torch

from models.char_lm.experiments.held import ELSEWHERE, HIGHEST, LOWEST, MEAN, ZERO, Held
from models.char_lm.experiments.steered import Sampling, continuations, read_on
from models.char_lm.experiments.window import Layer, read_window
from tests.models.char_lm.test_experiments_window import network

TEXT, AT = "abcabcacb" * 4, 13


def window_of(loaded):
    return read_window(loaded, TEXT, Layer(), "cab")


@pytest.mark.parametrize("at", [ZERO, MEAN, HIGHEST, LOWEST, ELSEWHERE, 2.5])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_reading_on_equals_the_cells_overwritten_step_by_step(cell: str, at: str | float):
    loaded, held = network(cell), Held(0, (1, 4), at)
    window = window_of(loaded)
    module: Any = loaded.module
    ids = torch.tensor(loaded.vocab.encode("cab" + TEXT))
    first = 3 + AT
    own = window.trace.cell if cell == "lstm" else window.trace.hidden
    assert own is not None
    values = held.values(window.trace, len(ids) - first)
    if at == HIGHEST:
        np.testing.assert_allclose(values[0], own[:, 0, [1, 4]].max(axis=0))
    with torch.no_grad():
        _, state = module(ids[None, :first])
        bits, after = [], []
        for step, id_ in enumerate(ids[first:]):
            # Layer 0 alone first; what it hands on is h after the change.
            below, state = one_step(module, cell, id_, state, values[step if len(values) > 1 else 0])
            logs = module.readout(below).double().log_softmax(-1)
            after.append(logs.exp().numpy())
            if first + step + 1 < len(ids):
                bits.append(-float(logs[ids[first + step + 1]]) / np.log(2))
    read = read_on(loaded, window, AT, held)
    np.testing.assert_allclose(read.bits, bits, atol=1e-5)
    np.testing.assert_allclose(read.p, after[0], atol=1e-6)
    best = [loaded.vocab.tokens[int(p.argmax())] for p in after[:-1]]
    assert read.follows == tuple(TEXT[AT + 1 :]) and list(read.likeliest) == best


def one_step(module: Any, cell: str, id_, state: Any, values: np.ndarray):
    """One token through both layers by torch's cells, with units 1 and 4 of the first one overwritten: top hidden state, new state."""
    rnn, x = module.rnn, module.embedding(id_[None])
    before = state if isinstance(state, tuple) else (state,)
    news = []
    for layer in range(2):
        one: Any = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell, "rnn": torch.nn.RNNCell}[cell](x.shape[1], 5)
        one.load_state_dict({name: getattr(rnn, f"{name}_l{layer}") for name in one.state_dict()})
        parts = [part[layer] for part in before]
        new: Any = one(x, tuple(parts)) if cell == "lstm" else (one(x, parts[0]),)
        if layer == 0 and cell == "lstm":
            w = one.weight_ih @ x[0] + one.bias_ih + one.weight_hh @ parts[0][0] + one.bias_hh
            shown = torch.sigmoid(w.chunk(4)[3])
            new[1][0, [1, 4]] = torch.tensor(values, dtype=torch.float32)
            new = (shown * torch.tanh(new[1]), new[1])
        elif layer == 0:
            new[0][0, [1, 4]] = torch.tensor(values, dtype=torch.float32)
        news.append(new)
        x = new[0]
    joined = tuple(torch.stack(parts) for parts in zip(*news, strict=True))
    return x[0], joined if cell == "lstm" else joined[0]


def test_nothing_held_gives_the_recorded_surprise():
    loaded = network()
    window = window_of(loaded)
    np.testing.assert_allclose(read_on(loaded, window, AT).bits, window.bits[AT + 1 :], atol=1e-5)
    assert not len(read_on(loaded, window, len(TEXT) - 1).bits), "nothing follows the last character"


def test_continuations_share_their_random_numbers():
    loaded, sampling = network(), Sampling(count=4, length=30, temperature=1.0, seed=5)
    window = window_of(loaded)
    own = continuations(loaded, window, AT, sampling)
    assert own == continuations(loaded, window, AT, sampling) and len(set(own)) == 4 and {len(one) for one in own} == {30}
    assert window.trace.cell is not None
    unread = Held(1, (0,), float(window.trace.cell[AT, 1, 0]))  # held at its own value for the first prediction: the first token stays
    assert [one[0] for one in continuations(loaded, window, AT, sampling, unread)] == [one[0] for one in own]
    assert continuations(loaded, window, AT, sampling, Held(1, (0, 1, 2), 30.0)) != own
    greedy = continuations(loaded, window, AT, Sampling(2, 5, 0.0))
    assert greedy[0] == greedy[1] and greedy[0][0] == max(zip(read_on(loaded, window, AT).p[1:], "abc", strict=True))[1]


def test_the_noise_draws_each_character_as_often_as_its_probability():
    loaded = network()
    window = window_of(loaded)
    first = [one[0] for one in continuations(loaded, window, AT, Sampling(4_000, 1, 1.0))]
    p = read_on(loaded, window, AT).p[1:]
    shares = [first.count(sign) / 4_000 for sign in "abc"]
    np.testing.assert_allclose(shares, p / p.sum(), atol=4 * np.sqrt(0.25 / 4_000))
