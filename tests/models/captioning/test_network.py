"""Captioners: their equations by hand, searched greedily and with a beam, recorded from outside, with regions hidden."""

from typing import Any

import numpy as np
import pytest
import torch

import explorer
from models.captioning.caption import (
    describe,
    describe_all,
    encoded,
    log_probabilities,
    occlusion_importance,
    visual,
    visual_gates,
    without,
)
from models.captioning.network import ATTENTIONS, Captioner
from models.decoding import DecodingError, Edits, Search, beam, greedy
from models.scenes.network import SceneCaptioner
from models.scenes.training import drawn
from models.vocabulary.subwords import END, PAD, START
from models.vocabulary.words import FIXED, Words
from tests.models.captioning.tiny_captions import network, tiny_scenes

VOCABULARY = Words((*FIXED, "a", "dog", "runs"))
EVERY = [(attention, seed) for attention in ATTENTIONS for seed in range(4)]


def pictures(count: int = 3, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 4, 5, generator=torch.Generator().manual_seed(seed))


def by_hand(module: Captioner, features: torch.Tensor, target: list[int]) -> tuple[np.ndarray, list, list]:
    """Logits [out, vocab], alphas and betas of one picture [in, channel], from the equations of the docstring alone."""
    w = {name: value.double().numpy() for name, value in module.state_dict().items()}

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    of_scenes = isinstance(module, SceneCaptioner)
    what, where = np.split(features.double().numpy(), [w["region.weight"].shape[1]], -1)  # where: empty but for scenes
    a = np.concatenate([np.maximum(what @ w["region.weight"].T + w["region.bias"], 0), where], -1)
    mean, units = a.mean(0), a.shape[1]
    h = c = np.zeros(units)
    if module.looks and not of_scenes:
        begun = np.tanh(w["begin.weight"] @ mean + w["begin.bias"])
        h, c = begun[:units], begun[units:]
    logits, alphas, betas = [], [], []
    for t, token in enumerate(target):
        y = w["embedding.weight"][token] * np.sqrt(w["embedding.weight"].shape[1])
        if module.looks:
            known = np.concatenate([h, y]) if of_scenes else h
            e = np.tanh(a @ w["key.weight"].T + w["query.weight"] @ known + w["query.bias"]) @ w["weight.weight"][0]
            alphas.append(np.exp(e) / np.exp(e).sum())
            betas.append(sigmoid(w["gate.weight"] @ h + w["gate.bias"])[0])
            z = betas[-1] * alphas[-1] @ a
        else:
            z = mean if t == 0 else np.zeros(units)
        gates = w["decoder.weight_ih"] @ np.concatenate([y, z]) + w["decoder.bias_ih"] + w["decoder.weight_hh"] @ h + w["decoder.bias_hh"]
        i, f, g, o = np.split(gates, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        mixed = np.tanh(w["mixture.weight"] @ np.concatenate([h, z, y]) + w["mixture.bias"])
        logits.append(w["embedding.weight"] @ mixed + w["bias"])
    return np.array(logits), alphas, betas


@pytest.mark.parametrize(("attention", "seed"), EVERY)
def test_the_equations(attention: str, seed: int):
    module, target = network(attention, seed=seed), [START, 4, 6, 5]
    features = pictures(seed=seed)
    logits = module(features, torch.tensor([target] * 3))
    for row in range(3):
        np.testing.assert_allclose(logits[row], by_hand(module, features[row], target)[0], atol=1e-4)


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_the_equations_of_scenes(attention: str):
    module: Any = tiny_scenes(attention).module
    target = [START, 6, 20, 5]
    features = module.look(drawn(range(2))[1])
    logits = module(features, torch.tensor([target] * 2))
    for row in range(2):
        np.testing.assert_allclose(logits[row], by_hand(module, features[row], target)[0], atol=1e-3)


def test_without_attention_the_picture_enters_once():
    """Given its first state, `none` writes the same whatever the picture; `soft` does not."""
    for attention, same in (("none", True), ("soft", False)):
        module = network(attention)
        one, other = encoded(module, pictures(2)), encoded(module, pictures(2, seed=5))
        state = module.step(one, module.start(one), torch.tensor([START, START])).state
        later = [module.step(memory, state, torch.tensor([4, 5])).logits for memory in (one, other)]
        assert torch.allclose(*later) == same
        first = [module.step(memory, module.start(one), torch.tensor([START, START])).logits for memory in (one, other)]
        assert not torch.allclose(*first)


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_padding_costs_nothing_and_changes_nothing(attention: str):
    module, features = network(attention), pictures(4)
    captions = [[START, 4, 5, 6, 4], [START, 5, 6], [START], [START, 4, 4]]  # and not sorted by length
    table = torch.tensor([row + [PAD] * (5 - len(row)) for row in captions])
    together = module.written(encoded(module, features), table)
    for row, caption in enumerate(captions):
        alone = module.written(encoded(module, features[row : row + 1]), torch.tensor([caption]))
        torch.testing.assert_close(together.hidden[row, : len(caption)], alone.hidden[0], atol=1e-5, rtol=1e-5)
        if attention == "soft":
            torch.testing.assert_close(together.attention[row, : len(caption)], alone.attention[0], atol=1e-5, rtol=1e-5)
            assert (together.attention[3, 3:] == 0).all()
    calls = []
    module.decoder.register_forward_pre_hook(lambda cell, args: calls.append(len(args[0])))
    module.written(encoded(module, features), table.sort(0, descending=True).values)
    assert sum(calls) < table.numel()


@pytest.mark.parametrize(("attention", "seed"), EVERY)
def test_a_beam_of_one_is_greedy_and_costs_what_teacher_forcing_says(attention: str, seed: int):
    module, features = network(attention, seed=seed), pictures(seed=seed)
    memory, search = encoded(module, features), Search(longest=9)
    for row, (plain, result) in enumerate(zip(greedy(module, memory, search), beam(module, memory, search), strict=True)):
        best = result.hypotheses[0]
        assert plain.tokens == best.tokens and plain.score == pytest.approx(best.score, abs=1e-5)
        costs = log_probabilities(module, features[row : row + 1], plain.tokens)[0]
        np.testing.assert_allclose(plain.log_probabilities, costs, atol=1e-5)
        assert (plain.attention is None) == (attention == "none")
        wide = beam(module, memory, Search(5, longest=9))[row].hypotheses
        np.testing.assert_allclose(
            wide[0].log_probabilities, log_probabilities(module, features[row : row + 1], wide[0].tokens)[0], atol=1e-5
        )


@pytest.mark.parametrize("width", [1, 3])
def test_a_recording_hears_weights_that_sum_to_one_and_the_gate(width: int):
    module, features = network("soft", seed=2), pictures(1)[0]
    with explorer.record(module) as recording:
        caption = describe(module, VOCABULARY, features, Search(width, longest=7))
    best, out = caption.hypotheses[0], len(caption.hypotheses[0].tokens)
    heard = recording._heard["attention"].values
    assert all(abs(float(row.sum()) - 1) < 1e-6 for value in heard for row in value)
    if width == 1 or len(heard) == out:
        alignment = recording.alignment(list("abcd"), [str(n) for n in best.tokens], rows=list(best.rows))
        np.testing.assert_allclose(alignment.weights, best.attention, atol=1e-6)
        np.testing.assert_allclose(alignment.weights.sum(1), 1, atol=1e-12)
        trace = recording.trace([str(n) for n in best.tokens], index=list(best.rows))
        np.testing.assert_allclose(trace.hidden[:, 0], best.states[0], atol=1e-6)
        np.testing.assert_allclose(trace.cell[:, 0], best.states[1], atol=1e-6)
        gates = [float(value[row, 0]) for value, row in zip(recording._heard["visual_gate"].values, best.rows, strict=True)]
        np.testing.assert_allclose(visual_gates(module, features, best), gates, atol=1e-6)
    _, alphas, betas = by_hand(module, features, [START, *best.tokens[:-1]])
    np.testing.assert_allclose(best.attention, alphas, atol=1e-5)
    np.testing.assert_allclose(visual_gates(module, features, best), betas, atol=1e-5)
    assert visual_gates(network("none"), features, best) is None


@pytest.mark.parametrize(("attention", "seed"), EVERY)
def test_hiding_nothing_changes_nothing_and_hiding_all_leaves_the_mean_picture(attention: str, seed: int):
    module, features = network(attention, seed=seed), pictures(seed=seed)[0]
    target = describe(module, VOCABULARY, features, Search(longest=6)).hypotheses[0].tokens
    assert torch.equal(without(module, features, []), features)
    assert torch.equal(without(module, features, range(4)), module.average)
    one = without(module, features, [2])
    assert torch.equal(one[[0, 1, 3]], features[[0, 1, 3]]) and torch.equal(one[2], module.average[2])
    gain = visual(module, features, target)
    own, mean = (log_probabilities(module, picture[None], target)[0] for picture in (features, module.average))
    np.testing.assert_allclose(gain, own - mean, atol=1e-5)
    reports = []
    lost = occlusion_importance(module, features, target, lambda done, total: reports.append((done, total)))
    assert lost.shape == (len(target), 4) and reports == [(0, 4), (4, 4)]
    np.testing.assert_allclose(lost[:, 2], own - log_probabilities(module, one[None], target)[0], atol=1e-5)
    together = occlusion_importance(module, features, target, hidden=[[0], [1], [0, 1, 2, 3], [3]])
    np.testing.assert_allclose(together[:, 2], gain, atol=1e-5)  # all regions hidden: the mean picture
    same = without(module, features, [])
    assert np.abs(occlusion_importance(module, module.average, target)).max() < 1e-6 and np.abs(lost).max() > 1e-3
    np.testing.assert_array_equal(log_probabilities(module, same[None], target)[0], own)


def test_edits_reach_the_search():
    module, features = network("soft"), pictures()[0]
    row = np.eye(4)[1]
    edited = describe(module, VOCABULARY, features, Search(1, longest=8), Edits({1: END}, {0: row})).hypotheses[0]
    assert len(edited.tokens) == 2 and (edited.attention[0] == row).all()
    own = describe(module, VOCABULARY, features, Search(1, longest=8)).hypotheses[0]
    kept = describe(module, VOCABULARY, features, Search(1, longest=8), Edits(attention={0: own.attention[0]})).hypotheses[0]
    assert kept.tokens == own.tokens
    with pytest.raises(DecodingError, match="this network has no attention"):
        describe(network("none"), VOCABULARY, features, Search(1), Edits(attention={0: row}))


@pytest.mark.parametrize("width", [1, 4])
def test_a_batch_gives_what_each_picture_gives_alone(width: int):
    module, features, reports = network("soft", seed=3), pictures(7), []
    search = Search(width, longest=8)
    together = describe_all(module, VOCABULARY, features.split(3), search, lambda done, total: reports.append((done, total)))
    assert reports == [(0, 3), (1, 3), (2, 3), (3, 3)] and len(together) == 7
    for row, caption in enumerate(together):
        alone = describe(module, VOCABULARY, features[row], search)
        assert caption.text == alone.text and (caption.beam is None) == (width == 1)
        np.testing.assert_allclose(caption.hypotheses[0].attention, alone.hypotheses[0].attention, atol=1e-5)


def test_an_unknown_attention_gets_a_sentence():
    with pytest.raises(ValueError, match="attention is 'hard'; expected one of none, soft"):
        network("hard")
