"""The sentences of the page of attention are true of the network, the source and the translation shown beside them."""

import pytest

import models
from models import checkpoint
from models.translation.experiments.edits import Edit
from models.translation.translate import GREEDY, translate
from pages._attention import compute, state
from pages._attention.compute import View
from pages._ui.link import packed
from tests.models.translation.tiny_translation import tiny_translator
from tests.pages.app import sound
from tests.pages.attention_page import TEXT, open_page, own, reading, translators

SHIPPED = {"en-fr": "en-fr-additive", "fr-en": "fr-en-additive"}


@pytest.fixture
def networks(monkeypatch, tmp_path):
    yield from translators(monkeypatch, tmp_path)


@pytest.mark.parametrize("direction", list(SHIPPED))
def test_every_sentence_to_try_shows_what_it_promises(direction, monkeypatch):
    monkeypatch.delenv("EXPLORER_CHECKPOINTS", raising=False)
    loaded = models.load(SHIPPED[direction])
    for text, why, words in state.TRY[direction]:
        assert words in translate(loaded.module, loaded.vocab, text, GREEDY).text, (text, why)


def test_what_to_look_for_is_named_only_where_the_translation_has_it(networks, monkeypatch):
    word = own()[1].text.split()[0]
    for words, is_named in ((word, True), ("not in it", False)):
        monkeypatch.setattr(state, "TRY", {"en-fr": ((TEXT, "a noun", words),)})
        assert reading().markdown[0].value.startswith("What to look for: a noun.") == is_named


def test_without_attention_no_matrix_is_mentioned(networks):
    assert "matrix" not in reading(model="en-fr-none").markdown[0].value
    assert "matrix" in reading().markdown[0].value


def test_a_row_of_several_pieces_says_that_it_is_their_average_and_which_of_them_was_moved(networks):
    view = View("en-fr-additive", TEXT)
    shown = compute.sentence(view)
    assert shown is not None
    row = next(row for row, steps in enumerate(shown.steps) if len(steps) > 1)
    assert any("This word has" in caption and "only" not in caption for caption in captions(row=str(row)))
    assert not any("This word has" in caption for caption in captions(row=str(row), units="pieces"))
    edit, row, count = next(moved_words(view))
    texts = captions(row=str(row), edits=f"{edit.step}l{edit.value}")
    assert f"This word has {count} subwords; its row is their average. Your edit moves the weights of the first subword only." in texts


def moved_words(view: View):
    """Edits of weights after which the step writes a word of several pieces: the edit, the row, and how many."""
    for edit in (Edit(step, "look", word) for step in range(6) for word in range(6)):
        moved = compute.sentence(view.of(edits=(edit,)))
        assert moved is not None
        for row, steps in enumerate(moved.steps):
            if steps[0] == edit.step and len(steps) > 1:
                yield edit, row, len(steps)


def captions(**query: str) -> list[str]:
    return [caption.value for caption in reading(**query).caption]


def test_comparing_begins_with_a_network_that_has_a_matrix(networks):
    box = reading(panel="Compare").selectbox(key="attention.compare.model")
    assert box.options == ["en-fr-uniform", "en-fr-none"] and box.value == "en-fr-uniform"


def test_matrices_side_by_side_have_their_scale_below(networks):
    page = reading(panel="Replace a word", **{"replace.word": "1", "replace.by": "blue"})
    specs = [chart.proto.spec for chart in page.main.get("vega_lite_chart")][-2:]
    assert all('"orient": "bottom"' in spec for spec in specs)


def test_a_panel_without_a_sentence_says_so(networks):
    page = sound(open_page(text=packed(" "), panel="The network"))
    assert any("needs a sentence" in caption.value for caption in page.caption)


def test_the_page_says_how_to_measure_a_network_of_ones_own(networks, tmp_path):
    loaded = tiny_translator(seed=4)
    checkpoint.save(loaded.module, loaded.card, tmp_path / "mine.own")
    page = sound(open_page(panel="Your own network"))
    page.file_uploader(key="attention.own.file").set_value(("mine.safetensors", (tmp_path / "mine.own").read_bytes(), "")).run()
    assert sound(page).selectbox(key=state.MODEL).value.startswith("mine-")
    page.session_state["attention.panel"] = "Is it real?"
    assert "measure mine.safetensors attention" in sound(page.run()).info[0].value


def test_the_truth_and_the_networks_own_words_may_differ_in_length(networks):
    page = sound(open_page(text=packed("She gave me the key."), panel="Step through"))
    page.text_input(key="attention.steps.truth.She gave me the key.").set_value("le chat.").run()
    table = sound(page).dataframe[-1].value.set_index("subword")
    assert table.loc["reference"].tolist().count("") > 0 == table.loc["own output"].tolist().count("")


def test_training_and_test_are_compared_without_the_visitors_edits(networks):
    tables = []
    for edits in ("", "0w9"):
        page = reading(panel="Step through", edits=edits)
        page.text_input(key=f"attention.steps.truth.{TEXT}").set_value("le chat.").run()
        tables.append(sound(page).dataframe[-1].value)
        assert any("Shown without your edits." in caption.value for caption in page.caption) == bool(edits)
    assert tables[0].equals(tables[1])
