"""Networks that read the bytes of a text: their alphabets, the columns of their view, and how they are told from Latin-1."""

import numpy as np
import pytest
import torch

from explorer.figures import characters
from models.foreign.experiments.behaviour import BEYOND_ASCII, SAMPLE, best_list, of_run
from models.foreign.experiments.reading import read_text
from models.foreign.opening import Assumptions, fitting, network_of, open_file
from models.foreign.tokens import ALPHABETS, BYTES
from models.foreign.vocabulary import FoundVocabulary
from tests.models.foreign.strangers import CharRNN, saved

TEXT = "né à 5 €"


def pairs(ids: list[int], size: int) -> dict:
    """Weights of a network that predicts as the pairs of neighbours among ids: one unit for each token."""
    counts = np.full((size, size), 0.02)
    np.add.at(counts, (ids[:-1], ids[1:]), 1)
    network = CharRNN("RNN", 1, size, size, size, nonlinearity="relu")
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
        network.rnn.weight_ih_l0.copy_(torch.eye(size))
        network.encoder.weight.copy_(torch.eye(size))
        network.decoder.weight.copy_(torch.tensor(np.log(counts / counts.sum(1, keepdims=True)).T) / np.tanh(1))
    return network.state_dict()


@pytest.mark.parametrize("name", [name for name, tokens in ALPHABETS.items() if set(BYTES) <= set(tokens)])
def test_a_network_of_bytes_gets_the_bytes_of_utf_8(name: str):
    tokens = tuple(ALPHABETS[name])
    first = tokens.index(BYTES[0])
    torch.manual_seed(0)
    network = CharRNN("GRU", 1, tokens=len(tokens))
    one = open_file(saved(network.state_dict()), "x.pt")
    assert one.choice is not None and name in [listed.source for listed in fitting(one, len(tokens))]
    run = read_text(network_of(one, one.choice, tokens), TEXT)
    assert run.trace.tokens == tuple(BYTES[byte] for byte in TEXT.encode()) and not run.unknown
    ids = torch.tensor([[first + byte for byte in TEXT.encode()]])
    with torch.no_grad():
        logs = network(ids)[0].log_softmax(-1)
        hidden = network.rnn(network.encoder(ids))[0][0]
    np.testing.assert_allclose(run.trace.hidden[:, 0], hidden, atol=1e-6)
    assert run.bits is not None
    np.testing.assert_allclose(run.bits[1:], -logs[:-1].gather(1, ids[0, 1:, None])[:, 0] / np.log(2), atol=1e-5)
    assert characters.noun(run.trace.tokens) == "bytes" and characters.name(run.trace.tokens[1]) == "byte C3"


def test_every_byte_may_have_its_name_and_latin_1_is_characters():
    named = FoundVocabulary.of_tokens(["<pad>", *(f"<0x{byte:02X}>" for byte in range(256))], 257)
    assert named.noun == "byte" and named.encode("aé") == [2 + 0x61, 2 + 0xC3, 2 + 0xA9]
    assert FoundVocabulary.of_tokens(ALPHABETS["Latin-1"], 256).noun == "character"
    words = FoundVocabulary.of_tokens([*BYTES, *(f"word{index}" for index in range(300))], 556)
    assert words.noun == "word"


@pytest.mark.parametrize("name", ["UTF-8 bytes", "Latin-1"])
def test_bytes_and_latin_1_are_told_apart_by_a_text_beyond_ascii(name: str):
    text = SAMPLE + BEYOND_ASCII
    ids = list(text.encode() if name == "UTF-8 bytes" else text.encode("latin-1"))
    one = open_file(saved(pairs(ids, 256)), "x.pt")
    assert one.choice is not None
    best = best_list(one, one.choice, Assumptions())
    assert best is not None and best[0].source == name
    assert best[1]["UTF-8 bytes"] == pytest.approx(best[1]["Latin-1"]), "a text of ASCII does not say"


def test_bytes_in_another_order_are_noticed():
    one = open_file(saved(pairs(list(SAMPLE.encode()), 256)), "x.pt")
    assert one.choice is not None
    order = np.random.default_rng(0).permutation(256)
    for tokens, level in ((BYTES, "info"), (tuple(BYTES[index] for index in order), "warning")):
        loaded = network_of(one, one.choice, tokens)
        said = next(finding for finding in of_run(loaded, read_text(loaded, SAMPLE)) if finding.code == "bits")
        assert said.level == level and ("another order" in said.text) == (level == "warning")
