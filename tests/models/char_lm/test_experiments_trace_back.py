"""Trace back: the parts add up, and every effect is that of really running the network without the write."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import nn

import explorer
from explorer.errors import AnalysisError
from models.char_lm.experiments.trace_back import MOST, Asked, readout, trace_back
from models.char_lm.experiments.window import Layer, read_window
from models.checkpoint import Loaded
from tests.models.tiny import save_tiny

TEXT = "ab[cd]ef gh\nabc[de] fg" * 3


@pytest.fixture(params=["lstm", "gru"])
def loaded(request, tmp_path) -> Loaded:
    torch.manual_seed(0)
    return save_tiny(tmp_path / "tiny.safetensors", cell=request.param, embedding=4)


def window_of(loaded: Loaded, text: str = TEXT, part: int = 0):
    return read_window(loaded, text, Layer(), "gh ab", part)


def by_hand(loaded: Loaded, text: str, without: int | None, unit: int | None, anew: bool) -> torch.Tensor:
    """Log probabilities after a text, in double precision, step by step, without the write of one step into a unit, or into all."""
    module: Any = loaded.module.double()
    rnn, top = module.rnn, module.rnn.num_layers - 1
    x = module.embedding(torch.tensor(loaded.vocab.encode("gh ab" + text)))
    first, is_lstm = len("gh ab"), isinstance(rnn, nn.LSTM)
    lost = torch.zeros(rnn.hidden_size, dtype=torch.float64)
    for layer in range(top + 1):
        W, U, b, d = (getattr(rnn, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        h = c = torch.zeros(rnn.hidden_size, dtype=torch.float64)
        outputs = []
        for t, row in enumerate(x):
            is_step = layer == top and without is not None and t == first + without
            mask = torch.zeros(rnn.hidden_size, dtype=torch.bool)
            mask[slice(None) if unit is None else unit] = is_step
            own, back = W @ row + b, U @ h + d
            if is_lstm:
                i, f, g, o = (own + back).chunk(4)
                keep, write = f.sigmoid(), i.sigmoid() * g.tanh()
            else:
                (r, z, n), (hr, hz, hn) = own.chunk(3), back.chunk(3)
                keep = (z + hz).sigmoid()
                write = (1 - keep) * (n + (r + hr).sigmoid() * hn).tanh()
                keep = torch.where(mask & torch.tensor(anew), torch.ones_like(keep), keep)
            lost = torch.where(mask, write, lost * keep)
            write = torch.where(mask & torch.tensor(anew), torch.zeros_like(write), write)
            c = keep * c + write
            h = o.sigmoid() * c.tanh() if is_lstm else c
            outputs.append(h)
        last = c
        x = torch.stack(outputs)
    if without is not None and not anew:
        rest = last - lost
        h = o.sigmoid() * rest.tanh() if is_lstm else rest
    return (module.readout.weight @ h + module.readout.bias).log_softmax(-1)


@pytest.mark.parametrize("unit", [None, 3])
def test_written_held_and_anew_are_as_in_the_equations(loaded: Loaded, unit: int | None):
    at = 20
    back = trace_back(loaded, window_of(loaded), Asked(at, "", unit, span=15))
    with torch.no_grad():
        own = by_hand(loaded, TEXT[: at + 1], None, None, False)
        answer = loaded.vocab.encode(back.predicted)[0]
        assert back.p == pytest.approx(float(own[answer].exp()), abs=1e-5) and own.argmax() == answer
        assert back.written.sum() + back.earlier == pytest.approx(back.total, abs=1e-6) and back.start == at - 14
        if unit is None:
            assert back.total + back.parts.bias == pytest.approx(back.parts.logit, abs=1e-5)
        assert np.isfinite(back.anew).sum() == min(MOST, 15)
        for index in range(15):
            held = own - by_hand(loaded, TEXT[: at + 1], back.start + index, unit, False)
            assert back.held[index] == pytest.approx(float(held[answer]), abs=1e-5)
            if not np.isnan(back.anew[index]):
                anew = own - by_hand(loaded, TEXT[: at + 1], back.start + index, unit, True)
                assert back.anew[index] == pytest.approx(float(anew[answer]), abs=1e-4)
    assert back.p_after(back.held[2]) == pytest.approx(back.p * np.exp(-back.held[2]))


def test_a_chosen_character_and_the_beginning_of_a_text(loaded: Loaded):
    window, module = window_of(loaded), cast(Any, loaded.module)
    back = trace_back(loaded, window, Asked(0, "]"))
    assert back.predicted == "]" and back.tokens == ("a",) and back.distance == 0
    logs = torch.tensor(window.trace.hidden[0, -1]) @ module.readout.weight.T + module.readout.bias
    assert back.p == pytest.approx(float(logs.softmax(-1)[loaded.vocab.encode("]")[0]]), abs=1e-5)
    assert len(back.strongest) == min(10, len(back.parts.units)) and 0 < back.carried <= 1


def test_the_probability_without_a_unit_is_that_of_the_silenced_network(loaded: Loaded):
    back = trace_back(loaded, window_of(loaded), Asked(10, "", 2))
    ids, module = torch.tensor(loaded.vocab.encode(TEXT[:11]))[None], cast(Any, loaded.module)
    with torch.no_grad():
        _, state = loaded.module(torch.tensor(loaded.vocab.encode("gh ab"))[None])
        with explorer.silenced(module, "rnn", module.rnn.num_layers - 1, 2) as quiet:
            logits, _ = quiet(ids, state)
    assert back.without == pytest.approx(float(logits[0, -1].softmax(-1)[loaded.vocab.encode(back.predicted)[0]]), abs=1e-5)


def test_what_cannot_be_traced_back_says_why(tmp_path, loaded: Loaded):
    plain = save_tiny(tmp_path / "plain.safetensors", cell="rnn", embedding=4)
    with pytest.raises(AnalysisError, match=r"^No step of this cell keeps a part of its state as it was"):
        trace_back(plain, window_of(plain), Asked(5))
    module: Any = loaded.module
    deep = replace(loaded, module=module)
    module.readout = nn.Sequential(module.readout, nn.ReLU(), nn.Linear(module.readout.out_features, 3))
    with pytest.raises(AnalysisError, match=r"^Its predictions are no sum over the units of this layer"):
        readout(deep.module)
