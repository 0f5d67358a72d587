"""Translating: many sentences at once, edited, very long, word by word, and after saving and loading."""

from typing import Any

import numpy as np
import pytest
import torch

import models
from models.decoding import Edits, Search
from models.translation.translate import BEAM, GREEDY, by_words, log_probabilities, source_of, translate, translate_all
from models.vocabulary.subwords import END
from tests.models.translation.tiny_translation import WORDS, save_tiny_translator, sentences, tiny_translator, vocabulary

PAIRS = sentences(700)


@pytest.mark.parametrize("width", [1, 4])
def test_a_batch_gives_what_each_sentence_gives_alone(width: int):
    loaded = tiny_translator(seed=4)
    lines = [source for source, _ in PAIRS[:30]] + ["", " \u00a0", "cat"] * 2
    reports = []
    search = Search(width, longest=12)
    together = translate_all(loaded.module, loaded.vocab, lines, search, lambda done, total: reports.append((done, total)))
    assert reports[0] == (4, 36) and reports[-1] == (36, 36) and reports == sorted(reports)
    for line, translation in zip(lines, together, strict=True):
        alone = translate(loaded.module, loaded.vocab, line, search)
        assert (translation.text, translation.source) == (alone.text, alone.source)
        assert len(translation.hypotheses) == len(alone.hypotheses)
        for one, other in zip(translation.hypotheses, alone.hypotheses, strict=True):
            assert one.tokens == other.tokens and one.attention.shape == (len(one.tokens), len(translation.source))
            np.testing.assert_allclose(one.attention, other.attention, atol=1e-5)
            np.testing.assert_allclose(one.log_probabilities, log_probabilities(loaded.module, translation.source, one.tokens), atol=1e-4)
        assert (translation.beam is None) == (width == 1 or not translation.source)
    assert together[-2].text == "" and together[-2].hypotheses == ()


def test_edits_go_through_to_the_search():
    loaded = tiny_translator()
    plain = translate(loaded.module, loaded.vocab, "the cat.", Search(1, longest=8))
    row = np.eye(len(plain.source))[0]
    edited = translate(loaded.module, loaded.vocab, "the cat.", Search(1, longest=8), Edits({1: END}, {0: row}))
    assert len(edited.hypotheses[0].tokens) == 2 and (edited.hypotheses[0].attention[0] == row).all()


def test_a_long_input_is_translated_and_cut():
    loaded = tiny_translator()
    translation = translate(loaded.module, loaded.vocab, "the cat sees " * 70)
    assert len(translation.source) > 200 and 0 < len(translation.hypotheses[0].tokens) <= 400


def test_a_long_sentence_is_not_cut_before_its_bound():
    loaded = tiny_translator()
    module: Any = loaded.module
    module.bias[END] = -torch.inf  # it never ends
    short, long = ("the cat.", "the red cat sees two dog " * 30)
    for text, longest in ((short, 2 * len(source_of(loaded.vocab, short)) + 10), (long, 400)):
        (best,) = translate(module, loaded.vocab, text, GREEDY).hypotheses
        assert len(best.tokens) == longest and not best.finished


def test_words_by_hand():
    pieces = vocabulary()
    source, target = ([*pieces.encode("zz cat"), END], [*pieces.encode("chat zz"), END])
    assert len(source) == 5 and len(target) == 5  # z is in no word: "▁", byte, byte
    weights = np.arange(25.0).reshape(5, 5)
    weights /= weights.sum(1, keepdims=True)
    columns, rows, between_words = by_words(pieces, source, target, weights)
    assert columns == ["zz", "cat", "</s>"] and rows == ["chat", "zz", "</s>"]
    np.testing.assert_allclose(between_words[0], [sum(weights[0, :3]), weights[0, 3], weights[0, 4]])
    np.testing.assert_allclose(between_words[1], [weights[1:4, :3].sum() / 3, weights[1:4, 3].mean(), weights[1:4, 4].mean()])
    np.testing.assert_allclose(between_words.sum(1), 1)


@pytest.mark.parametrize("attention", ["none", "additive", "bilinear", "uniform"])
def test_what_is_saved_comes_back(tmp_path, attention: str):
    saved = save_tiny_translator(tmp_path / "x.safetensors", attention=attention)
    loaded = models.checkpoint.load(tmp_path / "x.safetensors")
    assert loaded.vocab == saved.vocab
    texts = [translation.text for translation in translate_all(loaded.module, loaded.vocab, list(WORDS), BEAM)]
    assert texts == [translation.text for translation in translate_all(saved.module, saved.vocab, list(WORDS), BEAM)]


@pytest.mark.parametrize("change", ["merges", "vocabulary", "attention", "units"])
def test_a_damaged_checkpoint_gets_a_sentence(tmp_path, change: str):
    loaded = save_tiny_translator(tmp_path / "x.safetensors")
    changes = {"merges": None, "vocabulary": loaded.card["vocabulary"][:9]}
    arguments = loaded.card["arguments"] | {"attention": {"attention": "dot"}, "units": {"units": 7}}.get(change, {})
    models.checkpoint.update_card(
        tmp_path / "x.safetensors", **({change: changes[change]} if change in changes else {"arguments": arguments})
    )
    expected = {"merges": "lists no merges", "vocabulary": "and 256 bytes", "attention": "attention is 'dot'", "units": "an even number"}
    with pytest.raises(models.checkpoint.CheckpointError, match=expected[change]):
        models.checkpoint.load(tmp_path / "x.safetensors")
