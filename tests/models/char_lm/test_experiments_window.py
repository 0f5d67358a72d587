"""A window of a text gives what the plain network gives there, for every window and whatever was read before."""

import numpy as np
import pytest
import torch

import explorer
from explorer.errors import AnalysisError
from models.char_lm.experiments.held import ELSEWHERE, MEAN, Held, read_held
from models.char_lm.experiments.window import Layer, read_window, record_window
from models.char_lm.network import CharLM
from models.char_lm.reading import read
from models.checkpoint import Loaded
from models.vocabulary.characters import UNKNOWN, Vocabulary


def network(cell: str = "lstm", letters: str = "abc") -> Loaded:
    torch.manual_seed(1)
    vocabulary = Vocabulary((UNKNOWN, *letters))
    return Loaded("tiny", CharLM(len(vocabulary), cell, 2, 5, 3).eval().requires_grad_(False), vocabulary, {})


def test_the_second_window_goes_on_where_the_first_ended():
    loaded, text = network(), "abcabcxacb"
    window = record_window(loaded, read(loaded, text, window=4, before="cab"), part=1)
    ids = torch.tensor([loaded.vocab.encode("cab" + text)])
    hidden, _ = loaded.module.rnn(loaded.module.embedding(ids))
    assert window.trace.tokens == tuple("bcxa") and window.start == 4 and window.unknown == ("x",)
    np.testing.assert_allclose(window.trace.hidden[:, 1], hidden[0, 7:11].numpy(), atol=1e-6)
    expected = loaded.module(ids)[0][0].log_softmax(-1)
    np.testing.assert_allclose(window.bits[1], -expected[7, ids[0, 8]] / np.log(2), rtol=1e-5)
    likeliest = expected[7:11].topk(4, dim=-1)
    assert window.next_tokens[0][:4] == [loaded.vocab.tokens[int(id_)] for id_ in likeliest.indices[0]]
    assert window.next_p.shape == (4, 5) and (window.next_p[:, 4] == 0).all() and window.next_tokens[0][4] == UNKNOWN


def test_the_map_is_the_chosen_layer_in_the_chosen_order():
    run = read_window(network("gru"), "abcab", Layer(1, "update", "variance"), warm_up="b")
    np.testing.assert_array_equal(run.values, run.trace.gates["update"][:, 1])
    assert sorted(run.order) == list(range(5))
    with pytest.raises(AnalysisError, match="tanh"):
        read_window(network("gru"), "abcab", Layer(1, "tanh(cell)"))


def test_a_silenced_unit_changes_what_characters_cost_from_the_second_on():
    loaded = network()
    own, silenced = read(loaded, "abcabc").bits, read_held(loaded, "abcabc", "", Held(1, (2,))).bits
    assert own[0] == silenced[0] and (own[1:] != silenced[1:]).all()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("instead", [MEAN, ELSEWHERE])
def test_a_unit_is_held_at_its_mean_or_at_values_of_other_places(cell: str, instead: str):
    loaded, text, warm_up = network(cell), "abcabcacb" * 3, "cab"
    trace = read_window(loaded, text, Layer(), warm_up).trace
    held, state = Held(1, (2,), instead), trace.hidden if trace.cell is None else trace.cell
    value = held.values(trace, len(warm_up) + len(text))
    if instead == MEAN:
        assert value == pytest.approx(state[:, 1, 2].mean())
    else:
        assert np.shape(value) == (30, 1) and set(np.ravel(value)) <= set(state[:, 1, 2].astype(float))
    bits = read_held(loaded, text, warm_up, held, trace).bits
    with torch.no_grad(), explorer.intervene(loaded.module, "rnn", 1, units=2, value=value) as changed:
        logits, _ = changed(torch.tensor(loaded.vocab.encode(warm_up + text))[None])
    logs = logits[0].double().log_softmax(-1)
    ids = loaded.vocab.encode(warm_up + text)
    cost = [-float(logs[at - 1, ids[at]]) / np.log(2) for at in range(len(warm_up), len(ids))]
    np.testing.assert_allclose(bits, cost, atol=1e-4)
