"""A state put into another text: whole it is the other text read, onto itself it is nothing, in part it is a loop by hand."""

from typing import Any

import numpy as np
import pytest
import torch

from models.char_lm.experiments.steered import Sampling
from models.char_lm.experiments.transplant import Place, transplant
from models.char_lm.experiments.window import Layer, read_window
from tests.models.char_lm.test_experiments_window import network

GIVER, RECEIVER, SAMPLING = "abcabbca", "ccbabcacb", Sampling(count=2, length=12, temperature=1.0)


def places(loaded):
    return Place(read_window(loaded, GIVER, Layer()), 4), Place(read_window(loaded, RECEIVER, Layer()), len(RECEIVER) - 1)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_whole_state_is_the_other_text_and_its_own_state_is_nothing(cell: str):
    loaded = network(cell)
    giver, receiver = places(loaded)
    whole = transplant(loaded, giver, receiver, (None, None), SAMPLING)
    assert whole.written[2] == whole.written[0] and whole.share == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(whole.p[2], whole.p[0], atol=1e-6)
    own = transplant(loaded, receiver, receiver, (None, None), SAMPLING)
    assert own.written[2] == own.written[1] and np.isnan(own.share)
    np.testing.assert_allclose(own.bits[2], own.bits[1], atol=1e-4)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize(("layers", "units"), [(0, None), (1, None), (1, 3), (None, 3)])
def test_a_part_of_the_state_is_overwritten_and_the_text_read_on(cell: str, layers: int | None, units: int | None):
    loaded = network(cell)
    giver, receiver = places(loaded)
    module: Any = loaded.module
    result = transplant(loaded, giver, receiver, (layers, units), SAMPLING)

    def after(text: str) -> tuple[torch.Tensor, ...]:
        state = module(torch.tensor([loaded.vocab.encode(text)]))[1]
        return state if isinstance(state, tuple) else (state,)

    with torch.no_grad():
        given, before, x = after(GIVER[:5]), after(RECEIVER[:-1]), module.embedding(torch.tensor(loaded.vocab.encode(RECEIVER[-1])))
        states = []
        for layer in range(2):  # the last token by torch's cells; the layer above reads what was put into the one below
            one: Any = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell, "rnn": torch.nn.RNNCell}[cell](x.shape[1], 5)
            one.load_state_dict({name: getattr(module.rnn, f"{name}_l{layer}") for name in one.state_dict()})
            parts = tuple(part[layer] for part in before)
            new = one(x, parts) if cell == "lstm" else (one(x, parts[0]),)
            for part, other in zip(new, given, strict=True):
                if layers in (None, layer):
                    which = slice(None) if units is None else units
                    part[0, which] = other[layer, 0, which]
            states.append(new)
            x = new[0]
        joined = tuple(torch.stack(parts) for parts in zip(*states, strict=True))
        first = module.readout(x)[0].double().log_softmax(-1)
        ids = torch.tensor([loaded.vocab.encode("".join(result.written[0][0]))])
        later = module(ids, joined if cell == "lstm" else joined[0])[0][0].double().log_softmax(-1)
    logs = torch.cat([first[None], later[:-1]])
    np.testing.assert_allclose(result.bits[2], -logs.gather(1, ids[0, :, None])[:, 0] / np.log(2), atol=1e-4)
    np.testing.assert_allclose(result.p[2], first.exp(), atol=1e-6)
