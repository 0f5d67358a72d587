"""The sentences of the page of captions are true of what it shows beside them."""

from types import SimpleNamespace

import numpy as np
import pytest

from models import checkpoint
from models.captioning.experiments.dependence import Dependence
from models.captioning.occlusion import CANNOT_TELL, WOULD, WOULD_NOT, Without
from models.scenes.data import DEV, GROUNDS, Scene, Thing
from pages._captions import gallery, mistakes, pictures, readout, state
from pages._captions.compute import View
from pages._ui.text import plain
from tests.models.captioning.tiny_captions import save_tiny_captioner, save_tiny_scenes, tiny_scenes
from tests.pages import app
from tests.pages.app import sound
from tests.pages.captions_page import drawn, markdown, open_page, run_of, without

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


@pytest.mark.parametrize(
    ("asked", "kind"), [("Drawn scenes", "scene:"), ("scene:", "scene:"), ("Photographs", "photo:"), ("Your picture", "own:")]
)
def test_a_link_may_name_the_kind_of_picture(folder, asked: str, kind: str):
    save_tiny_scenes(folder / "scenes-soft.safetensors")
    save_tiny_captioner(folder / "caption-soft.safetensors")
    page = open_page(source=asked)
    assert not page.exception and page.session_state[state.SOURCE] == kind
    assert not any("something that is not here" in info.value for info in page.info)


def test_a_kind_of_picture_that_there_is_not_is_said(folder):
    save_tiny_scenes(folder / "scenes-soft.safetensors")
    assert any("something that is not here: source “nonsense”" in info.value for info in open_page(source="nonsense").info)


def test_other_likely_words_are_listed_for_the_whole_picture_only(folder):
    save_tiny_scenes(folder / "scenes-soft.safetensors")
    page = sound(open_page())
    assert any(caption.value.startswith("Other likely words:") for caption in page.caption)
    page.button(key="captions.gesture").click().run()
    assert not any(caption.value.startswith("Other likely words:") for caption in sound(page).caption)
    assert state.HIDDEN in page.session_state


def test_the_sentence_and_the_title_on_a_photograph_are_computed(folder, monkeypatch):
    sent = drawn(monkeypatch)
    save_tiny_captioner(folder / "caption-soft.safetensors", view="late")
    page = sound(app.open_page("captions"))
    view = View("caption-soft", state.DOG)
    run, word = run_of(view), sent[-1]["word"]
    spoken, weights = plain(run.words[word]), run.alignment.weights[word]
    assert page.title[0].value == f"Where did the model look for “{spoken}”, and did it need to?"
    covered = gallery.PHOTOS["dog"].covered(run.grid)
    on, area = sum(w * c for w, c in zip(weights.tolist(), covered.tolist(), strict=True)), float(np.mean(covered))
    assert f"{on:.0%} of the attention lies on the dog, on {area:.0%} of the picture." in markdown(page)
    page.button(key="captions.gesture").click().run()
    hidden = without(view.of(word=word, hidden=page.session_state[state.HIDDEN]))
    said = [f"“{plain(text)}”" if text != run.text else "the same" for text in (hidden.pixels, hidden.mean)]
    both = (
        f"With that place (the regions with half of the attention) turned grey the caption would have been {said[0]}; "
        f"with the features of the mean picture there, {said[1]}."
    )
    one = f"Without that place (the regions with half of the attention) the caption would have been {said[0]}."
    assert (one if said[0] == said[1] else both) in markdown(sound(page))


@pytest.mark.parametrize(
    ("word", "pixels", "mean", "answer"),
    [
        (1, "a dog runs", "the dog", "No: with that place hidden, it still says “dog”."),
        (1, "a dogma", "a cat", "Yes: with that place hidden, it no longer says “dog”."),
        (1, "a dog", "a cat", "depends on how the place is hidden"),
        (2, "a", "a", ""),
    ],
)
def test_the_question_of_the_title_is_answered_by_the_captions_without_the_place(word: int, pixels: str, mean: str, answer: str):
    run = SimpleNamespace(words=("a", "dog", "</s>"), text="a dog")
    said = readout._answer(SimpleNamespace(word=word), run, Without(pixels, mean, np.zeros((2, 3)), (WOULD,) * 3))
    assert answer in said and bool(said) == bool(answer)


def test_a_scene_is_read_out_by_its_figures():
    scene = Scene(GROUNDS[0], (Thing("ring", "blue", 0.25, 0.25, 0.3), Thing("star", "red", 0.75, 0.75, 0.2)))
    for cell, wanted in ((3 * 14 + 3, "the blue ring"), (10 * 14 + 10, "the red star"), (0, "the background at the top left")):
        assert readout._thing(scene, np.eye(196)[cell], (14, 14)) == wanted
    assert readout._thing(None, np.eye(49)[24], (7, 7)) == "the picture in the centre"


def test_the_previous_words_alone_are_said_to_suffice_only_if_they_do():
    run = SimpleNamespace(words=("a", "dog"), hypothesis=SimpleNamespace(log_probabilities=np.log([0.5, 0.9])))
    same = readout._alone(run, 1, Dependence((), None, (("dog", 0.25), ("cat", 0.1)), 0.25))
    assert same == "Without any picture, “dog” would still be the first guess after the previous words (probability 0.25 instead of 0.90)."
    other = readout._alone(run, 1, Dependence((), None, (("men", 0.25), ("dog", 0.1)), 0.1))
    assert other.endswith("would be “men” (0.25; “dog”: probability 0.10 instead of 0.90).")
