"""The sentences of the page "Hidden states": what its first line says is what the figure shows."""

import pytest
from streamlit.testing.v1 import AppTest

import models
from pages._hidden_states import compute, state
from pages._hidden_states.examples import EXAMPLES, disturbed
from pages._ui.link import packed
from tests.pages.app import sound
from tests.pages.test_hidden_states import HIDDEN, open_page, values


def test_the_sentence_says_what_the_gesture_did_and_what_a_text_lacks():
    page = open_page(HIDDEN)
    guide = state.guides(models.available()["wiki-lstm"])[0]
    assert f"better than all three baselines (correlation {guide['r']:.2f} on held-out text)" in first_sentence(page)
    page.button(key="hidden_states.gesture").click().run()
    example, view = EXAMPLES["wiki"], compute.View("wiki-lstm", "", EXAMPLES["wiki"].warm_up, guide["layer"], unit=guide["unit"])
    text = disturbed(example.text, example)
    start = example.text.index("]]")
    stop = text.index("]]", start)
    on = (values(view.of(text=text))[start:stop, guide["unit"]] * guide["sign"] > 0).sum()
    assert f"stays blue for **{on} of {stop - start}** characters" in first_sentence(sound(page)) and on > 50
    assert "This text contains no [[ ]]." in first_sentence(sound(open_page(HIDDEN, text=packed("a plain text"))))


@pytest.mark.parametrize(
    ("looks", "words"),
    [("", "turns blue"), ("flip", "turns orange"), ("lecture", "turns blue"), ("lecture,flip", "turns green")],
)
def test_the_sentence_names_the_colour_that_is_drawn(looks: str, words: str):
    assert words in first_sentence(sound(open_page(HIDDEN, looks=looks)))
    assert "turns" not in first_sentence(open_page(HIDDEN, looks=looks, quantity="forget")), "a gate has colours of its own"


def test_a_search_for_what_a_text_lacks_says_so():
    page = sound(open_page(HIDDEN, panel="Find a unit", **{"find.concept": "comment"}))
    assert "This text contains no comment." in page.info[0].value and not page.dataframe


def test_a_gesture_that_a_text_does_not_allow_says_why():
    page = sound(open_page(HIDDEN, text=packed("a plain text")))
    assert page.button(key="hidden_states.gesture").disabled
    assert page.button(key="hidden_states.gesture").help == "Your text does not contain `]]`, the part that this button changes."
    assert not open_page(HIDDEN).button(key="hidden_states.gesture").help


def test_a_correlation_on_this_text_is_not_called_that_of_the_card():
    page = sound(open_page(HIDDEN, panel="Find a unit"))
    assert "on held-out text" in first_sentence(page)
    assert sum("on the second half of this text, which is held out" in part.value for part in page.markdown) == 1


def first_sentence(page: AppTest) -> str:
    return next(part.value for part in page.markdown if part.value.startswith(("**Unit", "Without the first")))
