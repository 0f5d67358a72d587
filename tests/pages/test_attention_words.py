"""What the page of attention says in words: true of the network, the sentence and the translation that stand beside it."""

import pytest

import models
from models.translator import GREEDY, translate
from pages._panels.attention import choice
from tests.pages.attention_page import TEXT, own, reading, translators

SHIPPED = {"en-fr": "en-fr-additive", "fr-en": "fr-en-additive"}


@pytest.fixture
def networks(monkeypatch, tmp_path):
    yield from translators(monkeypatch, tmp_path)


@pytest.mark.parametrize("direction", list(SHIPPED))
def test_every_sentence_to_try_shows_what_it_promises(direction, monkeypatch):
    monkeypatch.delenv("EXPLORER_CHECKPOINTS", raising=False)
    loaded = models.load(SHIPPED[direction])
    for text, why, words in choice.TRY[direction]:
        assert words in translate(loaded.module, loaded.vocab, text, GREEDY).text, (text, why)


def test_what_to_look_for_is_told_only_where_the_translation_has_it(networks, monkeypatch):
    word = own()[1].text.split()[0]
    for words, is_told in ((word, True), ("not in it", False)):
        monkeypatch.setattr(choice, "TRY", {"en-fr": ((TEXT, "a noun", words),)})
        assert reading().markdown[0].value.startswith("Look for this: a noun.") == is_told


def test_without_attention_no_matrix_is_spoken_of(networks):
    assert "matrix" not in reading(model="en-fr-none").markdown[0].value
    assert "matrix" in reading().markdown[0].value
