"""A stranger's weights give the stranger's own predictions, whatever way they were written and saved."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import nn

from explorer.errors import CheckpointError
from models import checkpoint
from models.char_lm.experiments.gate_clamping import Clamp, continuation, silenced
from models.char_lm.experiments.text_gradients import Span, flow
from models.char_lm.experiments.unit_step import step
from models.char_lm.experiments.window import Layer, read_window
from models.char_lm.network import untrained
from models.char_lm.reading import read, score
from models.foreign.experiments.reading import read_text
from models.foreign.opening import (
    Assumptions,
    as_checkpoint,
    assumptions,
    fitting,
    known_function,
    network_of,
    open_file,
    rows,
    why_no_predictions,
    why_not,
)
from models.foreign.vocabulary import FoundVocabulary
from models.vocabulary.characters import UNICODE
from tests.models.foreign.strangers import (
    LETTERS,
    TEXT,
    Cells,
    CharRNN,
    OneHot,
    Tagger,
    TwoWidths,
    logits_of_min_char_rnn,
    min_char_rnn,
    npz,
    saved,
)

IDS = [LETTERS.index(letter) for letter in TEXT]


def weights_of(network: nn.Module) -> dict:
    return {name: value.clone() for name, value in network.state_dict().items()}


def opened(content: bytes, file: str = "weights.pt", tokens=tuple(LETTERS), **assumed):
    """The network of a file as the app would run it."""
    one = open_file(content, file)
    assert one.choice is not None and why_not(one, one.choice) == ""
    return network_of(one, one.choice, tokens, Assumptions(**assumed))


def logits(loaded, text: str = TEXT) -> np.ndarray:
    """Logits after each character without the unknown mark, [time, token of the file]."""
    with torch.no_grad():
        return loaded.module(torch.tensor([loaded.vocab.encode(text)]))[0][0, :, 1:].numpy()


def own_logits(network: nn.Module) -> np.ndarray:
    with torch.no_grad():
        return network.eval()(torch.tensor([IDS]))[0].numpy()


NETWORKS = {
    "GRU": CharRNN,
    "LSTM of three layers": lambda: CharRNN("LSTM", 3),
    "RNN without biases": lambda: CharRNN("RNN", 2, bias=False),
    "LSTM with a projection": lambda: CharRNN("LSTM", 2, 16, proj_size=12),
    "one-hot": OneHot,
    "two widths": TwoWidths,
    "cells, tied": Cells,
}


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_the_predictions_are_those_of_the_network_that_was_saved(make):
    torch.manual_seed(1)
    network = make()
    loaded = opened(save(weights_of(network)), "weights.safetensors")
    np.testing.assert_allclose(logits(loaded), own_logits(network), atol=2e-6)
    again = checkpoint._loaded(io.BytesIO(as_checkpoint(loaded)), checkpoint.Path("x.safetensors"))
    assert (logits(again) == logits(loaded)).all(), "the checkpoint that the app keeps is exact"


def test_a_whole_module_a_dictionary_with_tokens_and_wrapped_names():
    network = CharRNN("LSTM", 1)
    expected = own_logits(network)
    held = {
        "epoch": 3,
        "state_dict": network.state_dict(),
        "optimizer": {"state": {0: {"exp_avg": torch.ones(12)}}},
        "char2int": {letter: index for index, letter in enumerate(LETTERS)},
    }
    one = open_file(saved(held), "checkpoint.tar")
    assert one.weights.tokens == {"char2int": tuple(LETTERS)} and one.weights.settings["epoch"] == 3
    assert sorted(one.weights.tensors) == sorted(network.state_dict()), "nothing of the optimiser, no prefix"
    for content in (saved(held), saved({f"module.{k}": v for k, v in network.state_dict().items()}), saved(network)):
        np.testing.assert_allclose(logits(opened(content)), expected, atol=2e-6)
    assert [listed.source for listed in fitting(one, rows(one, one.choice) or 0) if listed.sure] == ["char2int"]


def test_the_network_of_min_char_rnn_follows_its_equations():
    weights = min_char_rnn()
    loaded = opened(npz(**weights), "weights.npz")
    np.testing.assert_allclose(logits(loaded), logits_of_min_char_rnn(weights, IDS), atol=2e-6)


def test_weights_stored_as_input_by_output_are_turned():
    network = CharRNN("LSTM", 1)
    turned = {name: value.numpy().T for name, value in network.state_dict().items() if name.startswith(("rnn.weight", "decoder"))}
    loaded = opened(npz(**({name: value.numpy() for name, value in network.state_dict().items()} | turned)), "weights.npz")
    np.testing.assert_allclose(logits(loaded), own_logits(network), atol=2e-6)


def test_relu_is_assumed_where_it_is_asked_for():
    network = CharRNN("RNN", 1, nonlinearity="relu")
    content = saved(network.state_dict())
    np.testing.assert_allclose(logits(opened(content, nonlinearity="relu")), own_logits(network), atol=2e-6)
    assert np.abs(logits(opened(content)) - own_logits(network)).max() > 1e-3


@pytest.mark.parametrize("make", [CharRNN, TwoWidths, lambda: CharRNN("LSTM", 2)], ids=["GRU", "two widths", "LSTM"])
def test_every_experiment_on_characters_runs_on_it(make):
    torch.manual_seed(2)
    loaded = opened(saved(make().state_dict()), shown=0)
    run = read_window(loaded, TEXT, Layer(quantity="hidden"))
    assert run.trace.hidden.shape == (len(TEXT), loaded.card["arguments"]["layers"], loaded.card["arguments"]["units"])
    module: Any = loaded.module
    with torch.no_grad():
        x = module.embedding(torch.tensor([loaded.vocab.encode(TEXT)]))
        direct = module.rnn(x)[0][0].numpy()
    np.testing.assert_allclose(run.trace.hidden[:, -1], direct, atol=1e-6)
    one, state = step(loaded, TEXT[:9], TEXT[9], 0, 3), module.rnn(x[:, :10])[1]
    assert one.kept + one.written == pytest.approx(float((state[1] if isinstance(module.rnn, nn.LSTM) else state)[0, 0, 3]), abs=1e-6)
    moved = continuation(loaded, TEXT[:5], TEXT[5:12], 0, 1, Clamp("input" if isinstance(module.rnn, nn.LSTM) else "update", 0))
    assert moved.held.shape == (7,)
    quiet = read(loaded.__class__(loaded.name, silenced(module, 0, 1), loaded.vocab, loaded.card), TEXT)
    assert np.abs(quiet.bits - run.reading.bits).max() > 0
    assert np.isfinite(flow(loaded, Span(TEXT, 0, 20)).norms.state_log10).all()
    assert type(untrained(loaded).module) is type(module)


def test_a_character_that_the_network_does_not_know_is_read_as_zeros_and_costs_a_choice_among_all_others():
    network = CharRNN("GRU", 1)
    loaded = opened(saved(network.state_dict()))
    reading = read(loaded, "abÄc")
    assert reading.unknown == 1
    assert reading.bits[2] == pytest.approx(np.log2(UNICODE - len(loaded.vocab)), abs=1e-4)
    assert score(loaded, "abÄc")["bits_per_character"] == pytest.approx(reading.bits.mean(), abs=1e-5)
    with torch.no_grad():
        vectors = torch.cat([network.encoder(torch.tensor([[0, 1]])), torch.zeros(1, 1, 7), network.encoder(torch.tensor([[2]]))], 1)
        expected = network.decoder(network.rnn(vectors)[0])[0].log_softmax(-1)
    np.testing.assert_allclose(reading.bits[3], -expected[2, 2].item() / np.log(2), atol=1e-5)


def test_the_unknown_mark_of_the_file_is_the_unknown_mark_here():
    tokens = (*LETTERS[:5], "<unk>", *LETTERS[5:])
    network = CharRNN("GRU", 1, tokens=len(tokens))
    loaded = opened(saved(network.state_dict()), tokens=tokens)
    assert loaded.vocab.has_unknown and len(loaded.vocab) == len(tokens)
    ids = [tokens.index(c) if c in tokens else 5 for c in "abÄc"]
    with torch.no_grad():
        expected = network(torch.tensor([ids]))[0]
        answer = loaded.module(torch.tensor([loaded.vocab.encode("abÄc")]))[0][0]
    np.testing.assert_allclose(answer[:, [*range(1, 6), 0, *range(6, 32)]], expected, atol=2e-6)


def test_a_vocabulary_of_another_length_names_what_it_can():
    vocab = FoundVocabulary.of_tokens("abc", 5)
    assert vocab.tokens[1:4] == ("a", "b", "c") and len(vocab) == 6 and vocab.encode("cad") == [3, 1, 0]
    assert len(FoundVocabulary.of_tokens("abcdefgh", 5)) == 6
    with pytest.raises(CheckpointError, match="does not fit"):
        opened(saved(CharRNN(tokens=4).state_dict()), tokens=("a", "b", "a", "c"))


GRU = {"rnn.weight_ih_l0": (9, 4), "rnn.weight_hh_l0": (9, 3)}
NOT_READ = {
    "neither the rows of an embedding nor one-hot": GRU,
    "nor, as the output has 2, one-hot": GRU | {"fc.weight": (2, 3)},
    "No recurrent layer was found among 2": {"fc.weight": (2, 3), "fc.bias": (2,)},
    "fit no RNN, GRU or LSTM": {"rnn.weight_ih_l0": (10, 4), "rnn.weight_hh_l0": (10, 3)},
}
NOT_PREDICTED = {
    "reads in both directions": GRU | {"emb.weight": (7, 4)} | {f"{name}_reverse": shape for name, shape in GRU.items()},
    "No output layer was found that reads the 3": GRU | {"emb.weight": (7, 4)},
    "reads 7 tokens and gives 5 outputs": GRU | {"emb.weight": (7, 4), "fc.weight": (5, 3)},
}


@pytest.mark.parametrize(("sentence", "shapes"), NOT_READ.items(), ids=NOT_READ)
def test_what_cannot_read_a_text_says_why(sentence, shapes):
    one = open_file(npz(**{name: np.ones(shape, np.float32) for name, shape in shapes.items()}), "x.npz")
    assert sentence in why_not(one, one.choice)
    if one.choice is not None:
        with pytest.raises(CheckpointError, match="cannot read a text here"):
            network_of(one, one.choice, LETTERS)


@pytest.mark.parametrize(("sentence", "shapes"), NOT_PREDICTED.items(), ids=NOT_PREDICTED)
def test_what_predicts_nothing_reads_all_the_same(sentence, shapes):
    one = open_file(npz(**{name: np.full(shape, 0.1, np.float32) for name, shape in shapes.items()}), "x.npz")
    assert one.choice is not None and why_not(one, one.choice) == "" and sentence in why_no_predictions(one, one.choice)
    run = read_text(network_of(one, one.choice, "abcdefg"), "abba")
    assert run.trace.hidden.shape == (4, 1, 3) and run.next_p is None and run.bits is None


@pytest.mark.parametrize("is_backward", [False, True])
def test_both_directions_of_a_tagger(is_backward):
    torch.manual_seed(3)
    tagger = Tagger()
    one = open_file(saved(tagger.state_dict()), "tagger.pt")
    assert one.choice is not None
    run = read_text(network_of(one, one.choice, LETTERS), TEXT, is_backward)
    with torch.no_grad():
        own = tagger.lstm(tagger.embed(torch.tensor([IDS])))[0][0]
    np.testing.assert_allclose(run.trace.hidden[:, -1], own[:, 9 * is_backward : 9 + 9 * is_backward], atol=1e-6)


def test_a_network_of_words_reads_words():
    words = ["<unk>", "<eos>", "the", "cat", "'s", "sat", ".", *(f"word{index}" for index in range(20))]
    network = CharRNN("LSTM", 1, tokens=len(words))
    loaded = opened(saved(network.state_dict()), tokens=words)
    run = read_text(loaded, "The cat sat.\nThe dog")
    assert run.trace.tokens == ("the", "cat", "sat", ".", "\n", "the", "dog") and run.unknown == ("dog",)
    ids = [words.index(word) for word in ("the", "cat", "sat", ".", "<eos>", "the", "<unk>")]
    with torch.no_grad():
        expected = network(torch.tensor([ids]))[0].log_softmax(-1)
    assert run.bits is not None and np.isnan(run.bits[[0, 6]]).all()
    np.testing.assert_allclose(run.bits[1:6], [-expected[t, ids[t + 1]].item() / np.log(2) for t in range(5)], atol=1e-5)


def test_values_that_are_not_finite_are_refused():
    weights = CharRNN().state_dict()
    weights["rnn.bias_hh_l0"][0] = float("nan")
    with pytest.raises(CheckpointError, match=r"rnn\.bias_hh_l0 that are not finite"):
        opened(saved(weights))


def test_a_whole_module_says_the_function_of_its_rnn():
    for function in ("tanh", "relu"):
        network = CharRNN("RNN", 1, nonlinearity=function)
        one = open_file(saved({"net": network}), "whole.pt")
        assert one.choice is not None and known_function(one, one.choice) == function
        loaded = network_of(one, one.choice, LETTERS, assumptions(one, one.choice))
        np.testing.assert_allclose(logits(loaded), own_logits(network), atol=2e-6)
    two = TwoWidths()
    for second in ("relu", "tanh"):
        two.lstm1, two.lstm2 = nn.RNN(6, 10, nonlinearity="relu"), nn.RNN(10, 8, nonlinearity=second)
        one = open_file(saved({"net": two}), "whole.pt")
        assert one.choice is not None and known_function(one, one.choice) == ("relu" if second == "relu" else None)
        assert ("Its plain RNNs use relu and tanh; here all" in why_not(one, one.choice)) == (second == "tanh")
    bare = open_file(saved(network.state_dict()), "bare.pt")
    assert bare.choice is not None and known_function(bare, bare.choice) is None


def test_a_text_without_a_token_is_a_sentence():
    words = ["<unk>", "the", "cat", *(f"word{index}" for index in range(20))]
    loaded = opened(saved(CharRNN("LSTM", 1, tokens=len(words)).state_dict()), tokens=words)
    with pytest.raises(CheckpointError, match="The text has no token that the network could read"):
        read_text(loaded, "   ")
