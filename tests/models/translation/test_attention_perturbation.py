"""Probes compared with a recording, the plain forward pass and decoding with edits."""

import random

import numpy as np
import pytest
import torch

import explorer
from models.decoding import Edits, Search, greedy
from models.translation.attention_perturbation import ALIKE, ProbingError, alike, moved, probe
from models.translation.gold_alignments import by_hand, words
from models.translation.translate import by_words, encoded, log_probabilities
from models.vocabulary.subwords import START
from tests.models.translation.tiny_translation import names, sentences, tiny_translator

LOOKING = ["additive", "bilinear", "uniform", "decoder"]
PAIRS = sentences(70)


def of(attention: str, pairs=PAIRS):
    loaded = tiny_translator(attention)
    return loaded, probe(loaded.module, loaded.vocab, pairs, seed=3)


@pytest.mark.parametrize("attention", LOOKING)
def test_weights_and_costs_are_those_of_a_recorded_forward_pass(attention: str):
    loaded, probes = of(attention)
    assert len({len(probed.source) for probed in probes}) > 3  # padded in their batches
    for pair, probed in list(zip(PAIRS, probes, strict=True))[::9]:
        assert probed.source[:-1] == tuple(loaded.vocab.encode(pair[0])) and probed.target[:-1] == tuple(loaded.vocab.encode(pair[1]))
        with explorer.record(loaded.module) as recording:
            loaded.module(torch.tensor([probed.source]), torch.tensor([[START, *probed.target[:-1]]]))
        heard = recording.alignment(*names(probed.source, probed.target)).weights
        np.testing.assert_allclose(probed.weights, heard, atol=1e-5)
        assert probed.costs["own"] == pytest.approx(-log_probabilities(loaded.module, probed.source, probed.target).sum(), rel=1e-4)


@pytest.mark.parametrize("attention", ["additive", "decoder"])
def test_weights_put_in_place_cost_what_decoding_with_them_costs(attention: str):
    loaded, probes = of(attention)
    for probed in probes[::11]:
        columns = len(probed.source)
        given = {"uniform": np.full_like(probed.weights, 1 / columns), "permuted": probed.weights[:, list(probed.order)]}
        for name, rows in given.items():
            edits = Edits(dict(enumerate(probed.target)), dict(enumerate(rows)))
            search = Search(longest=len(probed.target))
            hypothesis = greedy(loaded.module, encoded(loaded.module, [list(probed.source)]), search, edits)[0]
            assert hypothesis.tokens == probed.target
            assert probed.costs[name] == pytest.approx(-hypothesis.log_probabilities.sum(), rel=1e-4)
            assert probed.costs[name] != pytest.approx(probed.costs["own"], rel=1e-4)


@pytest.mark.parametrize("attention", ["additive", "bilinear"])
def test_attention_that_looks_follows_the_states_exactly_and_nothing_else_changes(attention: str):
    for probed in of(attention)[1]:
        np.testing.assert_allclose(probed.permuted, probed.weights[:, list(probed.order)], atol=1e-4)
        assert probed.costs["states"] == pytest.approx(probed.costs["own"], rel=1e-4)


def test_the_fake_does_not_follow_and_pays_for_it():
    probes = of("decoder")[1]
    far = [np.abs(probed.permuted - probed.weights[:, list(probed.order)]).max() for probed in probes]
    assert np.median(far) > 0.1 and np.median([abs(probed.costs["states"] - probed.costs["own"]) for probed in probes]) > 1e-3
    first = probes[0]
    np.testing.assert_allclose(first.permuted[0], first.weights[0], atol=1e-6)  # the decoder's first state is unchanged


def test_a_sentence_alone_gives_what_it_gives_in_its_batch():
    loaded, probes = of("additive")
    alone = probe(loaded.module, loaded.vocab, PAIRS[:1], seed=3)[0]
    np.testing.assert_allclose(alone.weights, probes[0].weights, atol=1e-5)
    assert alone.order == probes[0].order and alone.costs == pytest.approx(probes[0].costs, rel=1e-4)


def test_no_state_stays_where_it_was():
    drawn = random.Random(0)
    orders = [moved(count, drawn) for count in range(2, 12) for _ in range(20)]
    assert all(sorted(order) == list(range(len(order))) and not any(at == to for at, to in enumerate(order)) for order in orders)


def test_tens_of_pairs_share_both_lengths_and_no_source_comes_twice():
    pairs = [*sentences(400), *((source, "another one") for source, _ in sentences(300))]
    drawn = alike(pairs, 80, seed=1)
    assert len(drawn) == len({source for source, _ in drawn}) == 80 and drawn == alike(pairs, 80, seed=1) != alike(pairs, 80, seed=2)
    assert set(alike(pairs, 400)) <= set(sentences(400))  # the first target of each source
    for start in range(0, 80, ALIKE):
        assert len({(len(words(source)), len(words(target))) for source, target in drawn[start : start + ALIKE]}) == 1
    with pytest.raises(ProbingError, match="No 10 pairs have equal lengths in words"):
        alike(pairs[:5])


def test_words_of_the_pairs_aligned_by_hand_are_those_of_their_pieces():
    loaded = tiny_translator()
    pairs = by_hand()
    probes = probe(loaded.module, loaded.vocab, [(pair.source, pair.target) for pair in pairs])
    for pair, probed in zip(pairs, probes, strict=True):
        source, target, _ = by_words(loaded.vocab, probed.source, probed.target, probed.weights)
        assert source[:-1] == words(pair.source) and target[:-1] == words(pair.target)


def test_what_cannot_be_probed_gets_a_sentence():
    loaded = tiny_translator("none")
    with pytest.raises(ProbingError, match="has no attention"):
        probe(loaded.module, loaded.vocab, PAIRS)
    loaded = tiny_translator()
    with pytest.raises(ProbingError, match="A sentence is empty"):
        probe(loaded.module, loaded.vocab, [("a cat", "")])
