"""The example sentence of the page of attention: every claim of the search about it holds."""

from dataclasses import replace

import numpy as np
import pytest

import models
from models.decoding import Edits
from models.translation import examples
from models.translation.translate import GREEDY, by_words, translate, weights_on
from models.vocabulary.subwords import END
from tests.models.translation.tiny_translation import sentences, tiny_translator

SHIPPED = [name for name, card in models.available().items() if card["kind"] == "seq2seq" and card.get("example")]


def hold(loaded, example: dict) -> None:
    """Every claim of an example, worked out anew from the network."""
    own = translate(loaded.module, loaded.vocab, example["sentence"], GREEDY)
    best = own.hypotheses[0]
    source, target, weights = by_words(loaded.vocab, own.source, best.tokens, best.attention)
    assert target[example["row"]] == example["word"] and source[example["column"]] == example["looks"]
    assert weights[example["row"]].argmax() == example["column"] and source[example["other"]] == example["looks_instead"]
    first, second = (source.index(word) for word in example["crossing"])
    assert first < second and first == example["column"]
    assert any(weights[row].argmax() == second for row in range(example["row"]))
    edits = Edits(attention={example["step"]: weights_on(loaded.vocab, own.source, example["other"])})
    changed = translate(loaded.module, loaded.vocab, example["sentence"], GREEDY, edits).hypotheses[0]
    assert changed.tokens[: example["step"]] == best.tokens[: example["step"]]
    written = next(word for word, steps in loaded.vocab.words(changed.tokens) if example["step"] in steps)
    assert written == example["becomes"] != example["word"]


@pytest.mark.parametrize("name", SHIPPED or [pytest.param("", marks=pytest.mark.xfail(reason="no translator ships yet", run=False))])
def test_the_example_of_a_shipped_network_crosses_and_its_word_changes(name: str):
    loaded = models.load(name)
    hold(loaded, loaded.card["example"])


def test_every_claim_of_an_example_holds(monkeypatch):
    """Networks with random, far from uniform weights show something on some sentence of their own language."""
    shown = 0
    own = [(english, french) for english, french in sentences(200, seed=5) if len(english.split()) == len(set(english.split())) > 3]
    monkeypatch.setattr(examples, "pairs", lambda direction: own)
    monkeypatch.setattr(examples, "SURE", 0.0)
    for seed in (4, 5, 9):
        loaded = tiny_translator(seed=seed)
        loaded.module.bias.data[END] += 5  # otherwise it never ends
        if example := examples.best_example(loaded):
            hold(loaded, example)
            shown += 1
    assert shown


@pytest.mark.parametrize("attention", ["none", "uniform"])
def test_without_an_attention_that_chooses_there_is_nothing_to_show(attention: str, monkeypatch):
    monkeypatch.setattr(examples, "COUNT", 4)
    assert examples.best_example(tiny_translator(attention)) is None


def test_crossings_are_clear_words_left_of_an_earlier_one():
    weights = np.array([[0.1, 0.8, 0.1], [0.9, 0.1, 0], [0.3, 0.3, 0.4]])
    assert list(examples._crossings(weights)) == [(1, 0)]
    assert list(examples._crossings(np.eye(3))) == []


def test_a_colour_that_becomes_a_colour_comes_first():
    example = examples.Example("", "", 5, 5, 3, 7, "black", "red", "noir", "rouge", ("black", "book"))
    assert examples._is_colour_for_colour(example)
    assert not examples._is_colour_for_colour(replace(example, looks_instead="bought", becomes="acheté"))
