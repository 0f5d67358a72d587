"""Edits on the page of attention: a weight moved, another word written, what it costs, and the way back."""

import numpy as np
import pytest
import streamlit as st

from models import checkpoint
from models.decoding import Edits
from models.translation.experiments.edits import ALIKE, Edit
from models.translation.translate import GREEDY, translate, weights_on
from pages._attention import compute, state
from pages._attention.compute import View
from pages._ui.link import packed
from pages._ui.text import plain, share
from tests.models.translation.tiny_translation import tiny_translator
from tests.pages.app import sound
from tests.pages.attention_page import TEXT, matrix_of, open_page, own, reading, says_before, text_of, translators


@pytest.fixture(autouse=True)
def networks(monkeypatch, tmp_path):
    yield from translators(monkeypatch, tmp_path)


def test_a_row_whose_weight_is_moved_writes_what_the_network_writes_with_that_weight():
    loaded, sentence = own()
    page = reading(units="pieces")
    page.selectbox(key="attention.matrix.look").set_value(4).run()
    sound(page)
    rows = {0: weights_on(loaded.vocab, sentence.source, 4)}
    edited = translate(loaded.module, loaded.vocab, TEXT, GREEDY, Edits(attention=rows))
    assert page.session_state[state.EDITS] == (Edit(0, "look", 4),)
    np.testing.assert_allclose(matrix_of(page), edited.hypotheses[0].attention, atol=1e-6)
    np.testing.assert_allclose(matrix_of(page)[0], rows[0], atol=1e-6)
    assert page.query_params["attention.edits"] in ("0l4", ["0l4"])
    again = reading(edits="0l4", units="pieces")
    np.testing.assert_array_equal(matrix_of(again), matrix_of(page))
    again.selectbox(key="attention.matrix.look").set_value(-2).run()
    assert sound(again).session_state[state.EDITS] == ()


def test_another_word_can_be_written_and_taken_back():
    page = reading()
    button = next(button for button in page.button if (button.key or "").startswith("attention.matrix.write."))
    button.click().run()
    (edit,) = sound(page).session_state[state.EDITS]
    written = Edit(0, "write", int(button.key.rsplit(".", 1)[1]))
    assert edit == written and says_before(page)
    assert "Forced by you; probability in this network **" in text_of(page)
    page.button(key="attention.matrix.undo").click().run()
    assert sound(page).session_state[state.EDITS] == () and not says_before(page)
    assert "Probability **" in text_of(page) and "Forced by you" not in text_of(page)


def test_an_edit_drops_those_that_came_after_it():
    st.session_state[state.EDITS] = (Edit(1, "write", 9), Edit(2, "look", 0), Edit(2, "write", 7), Edit(5, "look", 1))
    state.edit(2, "write", 8)
    assert st.session_state[state.EDITS] == (Edit(1, "write", 9), Edit(2, "look", 0), Edit(2, "write", 8))
    state.edit(2, "look", ALIKE)  # other weights may choose another word
    assert st.session_state[state.EDITS] == (Edit(1, "write", 9), Edit(2, "look", ALIKE))
    assert state.edits_of(state.code_of(st.session_state[state.EDITS])) == st.session_state[state.EDITS]
    state.undo(2)
    assert st.session_state[state.EDITS] == (Edit(1, "write", 9),)


def test_a_parameter_given_twice_in_a_link_is_read_once():
    assert state.edits_of("0l1.0l1.0l2.0w9.1la") == (Edit(0, "look", 2), Edit(0, "write", 9), Edit(1, "look", ALIKE))


def test_cancelling_goes_back_to_the_text_and_the_edits_before():
    st.session_state[state.TEXT], st.session_state[state.EDITS] = "the cat.", (Edit(0, "look", 1),)
    state.edit(2, "look", 0)
    state.back()
    assert st.session_state[state.EDITS] == (Edit(0, "look", 1),)
    state.set_text("le " * 200)
    state.back()
    assert st.session_state[state.TEXT] == "the cat." and st.session_state[state.EDITS] == (Edit(0, "look", 1),)


def test_a_click_in_another_row_chooses_it_and_in_the_chosen_row_moves_the_weight(monkeypatch):
    from pages._attention import matrix

    view = View("en-fr-additive", TEXT)
    shown = compute.sentence(view)
    assert shown is not None
    st.session_state[state.EDITS], st.session_state[state.ROW] = (), 0
    matrix._cell_clicked(view, shown, {"row": 3, "column": 1})
    assert st.session_state[state.ROW] == 3 and st.session_state[state.EDITS] == ()
    matrix._cell_clicked(view.of(row=3), shown, {"row": 3, "column": 1})
    assert st.session_state[state.EDITS] == (Edit(shown.steps[3][0], "look", 1),)


def test_a_network_without_attention_ignores_the_weights_of_a_link():
    page = reading(model="en-fr-none", edits="0l1.1w9")
    assert page.session_state[state.EDITS] == (Edit(1, "write", 9),)


def test_the_costs_of_weights_and_of_written_words_are_shown_separately():
    page = reading(edits="0w9.1l2", units="pieces")
    loaded, sentence = own()
    caption = next(part.value for part in page.caption if "Your weights change" in part.value)
    best, rows = sentence.hypotheses[0], {1: weights_on(loaded.vocab, sentence.source, 2)}
    after = translate(loaded.module, loaded.vocab, TEXT, GREEDY, Edits(dict(enumerate(best.tokens)), rows)).hypotheses[0].log_probabilities
    assert f"change the cross-entropy of this translation by {best.log_probabilities.sum() - after.sum():+.1f} nats" in caption
    assert f"” from {share(np.exp(best.log_probabilities[1]))} to {share(np.exp(after[1]))}." in caption
    now = translate(loaded.module, loaded.vocab, TEXT, GREEDY, Edits({0: 9}, rows)).hypotheses[0].log_probabilities.sum()
    assert f"{best.log_probabilities.sum():.1f} before, {now:.1f} with your words" in caption


def test_the_sentence_names_the_word_that_stands_there_and_only_after_the_gesture_alone(networks):
    loaded = tiny_translator()
    claims = {"truth": "", "looks": "the", "looks_instead": "cat", "word": "x", "becomes": "y", "crossing": ["the", "cat"]}
    shown = {"sentence": TEXT, "row": 1, "step": 1, "column": 0, "other": 2} | claims
    checkpoint.save(loaded.module, loaded.card | {"example": shown}, networks / "en-fr-additive.safetensors")
    page = sound(open_page())
    assert page.markdown[0].value.startswith("The translation reverses “the cat”")
    page.button(key="attention.gesture").click().run()
    drawn = compute.sentence(View("en-fr-additive", TEXT, (Edit(1, "look", 2),)))
    assert drawn is not None
    word = next(word for word, steps in zip(drawn.target, drawn.steps, strict=True) if 1 in steps)
    assert f"Looking at “cat”, it writes “{plain(word)}”" in sound(page).markdown[0].value
    page = sound(open_page(edits="0w9.1l2", text=packed(TEXT)))
    assert page.markdown[0].value.startswith("Click a row")
    assert page.query_params["attention.text"] in (packed(TEXT), [packed(TEXT)])  # edits travel with their sentence


def test_the_words_from_before_cost_what_the_network_says_with_the_edited_weights():
    loaded, sentence = own()
    view = View("en-fr-additive", TEXT, (Edit(0, "look", 2),))
    tokens = sentence.hypotheses[0].tokens
    edits = Edits(dict(enumerate(tokens)), {0: weights_on(loaded.vocab, sentence.source, 2)})
    wanted = translate(loaded.module, loaded.vocab, TEXT, GREEDY, edits).hypotheses[0].log_probabilities
    np.testing.assert_allclose(compute.unedited_words(view).log_probabilities, wanted, atol=1e-6)
