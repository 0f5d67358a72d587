"""The photographs of the project: their files, their outlines, and what the shipped captioner says to them."""

import numpy as np
import pytest

import models
from models.captioning.experiments.captions import caption_with_regions
from models.captioning.images import opened, squashed
from models.captioning.photographs import FOLDER, Photograph, listed, main_word

ANIMALS = {name: photo for name, photo in listed().items() if photo.thing}


@pytest.mark.parametrize("name", list(ANIMALS))
def test_a_photograph_of_an_animal_is_small_and_names_author_and_address(name: str):
    photo = ANIMALS[name]
    assert (FOLDER / photo.file).stat().st_size <= 60_000 and max(opened(FOLDER / photo.file).size) <= 640
    assert "](https://commons.wikimedia.org/wiki/File:" in photo.credit and photo.credit.endswith(", public domain")
    assert (
        photo.names
        and photo.outline
        and all(len(corners) % 2 == 0 and 0 <= min(corners) <= max(corners) <= 100 for corners in photo.outline)
    )


def test_the_list_begins_with_the_dog_and_ends_with_the_six_older_photographs():
    assert list(listed())[:9] == list(ANIMALS) and next(iter(ANIMALS)) == "dog"
    assert list(listed())[9:] == ["cat", "coffee", "rocket", "astronaut", "flower", "temple"]


def test_the_share_of_a_region_that_an_outline_covers():
    half = Photograph("", "", "", "it", ("it",), ((0, 0, 50, 0, 50, 100, 0, 100), (75, 0, 100, 0, 100, 50, 75, 50)))
    np.testing.assert_allclose(half.covered((2, 2)), (1, 0.5, 1, 0), atol=0.06)
    np.testing.assert_allclose(half.covered((1, 4)), (1, 1, 0, 0.5), atol=0.06)
    assert 0.2 < ANIMALS["dog"].covered((7, 7)).mean() < 0.5 and 0.02 < ANIMALS["owl"].covered((7, 7)).mean() < 0.2


def test_the_main_word_is_the_first_for_an_animal_or_a_person():
    assert main_word(("three", "black", "dogs", "near", "a", "man")) == 2 and main_word(("a", "tree")) is None


def test_the_dog_is_named_rightly_by_the_shipped_captioner(monkeypatch):
    monkeypatch.delenv("EXPLORER_CHECKPOINTS", raising=False)
    loaded = models.load("caption-soft")
    words = caption_with_regions(loaded, squashed(opened(FOLDER / ANIMALS["dog"].file))).text.split()
    assert ANIMALS["dog"].is_named(words) and main_word(words) == words.index("dog") and {"black", "brown", "grass"} <= set(words)
