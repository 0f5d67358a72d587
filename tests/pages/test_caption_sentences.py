"""The sentences of the page of captions are true of what it shows beside them."""

import numpy as np
import pytest

from models import checkpoint
from models.captioning.occlusion import CANNOT_TELL, WOULD, WOULD_NOT, Without
from models.scenes.data import DEV
from pages._captions import mistakes, pictures, state
from pages._ui.text import plain
from tests.models.captioning.tiny_captions import save_tiny_captioner, save_tiny_scenes, tiny_scenes
from tests.pages import app
from tests.pages.app import sound
from tests.pages.captions_page import markdown, open_page

BEFORE = "a dog at the bottom"


def verdict(says: str, pixels: str, mean: str, at: int = 4) -> str:
    hidden = Without(pixels, mean, np.zeros((2, 6)), (says,) * 6)
    return pictures.verdict((*BEFORE.split(), "</s>"), at, hidden)


def test_a_verdict_says_where_the_new_captions_do_not_agree_with_it():
    kept, lost = verdict(WOULD, BEFORE, BEFORE), verdict(WOULD_NOT, "a dog", "a cat")
    assert (
        kept == "“bottom” does not depend on the hidden region: given the same previous words, it keeps at least half of its probability."
    )
    assert lost == "“bottom” depends on the hidden region: given the same previous words, it keeps less than half of its probability."
    assert verdict(WOULD, "a dog", "a dog at the left") == f"{kept} Yet neither new caption contains it."
    assert verdict(WOULD, "a dog", BEFORE) == kept and verdict(WOULD_NOT, "a dog", BEFORE) == lost
    assert verdict(WOULD_NOT, BEFORE, "the bottom") == f"{lost} Yet both new captions contain it."
    assert "the two ways of hiding it disagree" in verdict(CANNOT_TELL, "a dog", "a dog")


def test_the_end_mark_is_missing_in_no_caption():
    assert verdict(WOULD, "a dog", "a cat", 5).endswith("half of its probability.")


@pytest.mark.parametrize(
    ("says", "true", "names", "begins"),
    [
        (
            "a red ring left of a blue star",
            "a red ring right of a blue star",
            (None, 0, 0, None, None, None, 1, 1),
            "First error: “left”.",
        ),
        ("a red ring at the top", "a red ring at the top left", (None, 0, 0, None, None, None), "First error: “</s>”."),
        ("a red ring at the top left", "a red ring at the top", (None, 0, 0, None, None, None, None), "First error: “left”."),
        ("a red star", "a red ring", (None, None, None), "“red” names an object that is not in the scene."),
    ],
)
def test_a_wrong_caption_is_explained_at_its_first_wrong_word(says: str, true: str, names: tuple, begins: str):
    words = tuple(says.split())
    at, reason = mistakes._why((*words, "</s>"), words, tuple(true.split()), names)
    word = begins.split("“")[1].split("”")[0]
    assert begins.replace(word, plain(word)) in reason and (*words, "</s>")[at] == word


def test_the_note_on_foreign_pictures_stays_while_places_are_hidden(folder):
    save_tiny_captioner(folder / "caption-soft.safetensors")
    page = sound(open_page(picture="photo:cat", word="0"))
    assert pictures.OUTSIDE in markdown(page)
    page.button(key="captions.gesture").click().run()
    assert pictures.OUTSIDE in markdown(sound(page)) and "the hidden region" in markdown(page)


@pytest.mark.parametrize("changed", [{}, {"fill": "blur"}, {"hole": "1 × 1"}])
def test_the_effect_of_an_example_is_promised_only_for_the_hole_that_the_search_used(folder, changed):
    tiny = tiny_scenes()
    row = {"scene": DEV + 7, "word": 1, "kind": "changes", "says": "a ring", "pixels": "a star", "mean": "a cross", "change": 2.0}
    checkpoint.save(tiny.module, tiny.card | {"examples": [row]}, folder / "scenes-soft.safetensors")
    assert ("and the word disappears" in markdown(sound(app.open_page("captions", **changed)))) == (not changed)


def test_other_likely_words_are_listed_for_the_whole_picture_only(folder):
    save_tiny_scenes(folder / "scenes-soft.safetensors")
    page = sound(open_page())
    assert any(caption.value.startswith("Other likely words:") for caption in page.caption)
    page.button(key="captions.gesture").click().run()
    assert not any(caption.value.startswith("Other likely words:") for caption in sound(page).caption)
    assert state.HIDDEN in page.session_state
