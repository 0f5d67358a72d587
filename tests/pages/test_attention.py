"""The page of attention in process: it draws for any network and any text, its link restores it, cards and networks of one's own."""

import numpy as np
import pyarrow as pa
import pytest

from models import checkpoint
from models.translation import examples
from models.translation.experiments.edits import ALIKE, Edit
from models.translation.translate import GREEDY, by_words, translate
from pages._attention import compute, export, state
from pages._attention import own_model as own_network
from pages._attention.compute import View
from pages._ui import uploads
from pages._ui.link import packed
from tests.models.translation.tiny_translation import save_tiny_translator, tiny_translator
from tests.pages.app import as_read, sound
from tests.pages.attention_page import TEXT, matrix_of, open_page, own, reading, says_before, text_of, translators
from tests.pages.test_hidden_states_own import own_checkpoint

PANELS = [
    "Step through",
    "Replace a word",
    "Beam",
    "Compare",
    "Is it real?",
    "Your own pairs",
    "Your own network",
    "Export and link",
    "The network",
]


@pytest.fixture(autouse=True)
def networks(monkeypatch, tmp_path):
    yield from translators(monkeypatch, tmp_path)


def test_it_shows_the_translation_and_its_matrix_by_words():
    page = reading()
    loaded, sentence = own()
    best = sentence.hypotheses[0]
    assert sentence.text in page.markdown[1].value.replace("\\", "")
    np.testing.assert_allclose(matrix_of(page), by_words(loaded.vocab, sentence.source, best.tokens, best.attention)[2], atol=1e-6)


def test_subwords_have_a_row_and_a_column_each():
    sentence = own()[1]
    np.testing.assert_allclose(matrix_of(reading(units="pieces")), sentence.hypotheses[0].attention, atol=1e-6)


@pytest.mark.parametrize("name", ["en-fr-additive", "en-fr-none", "en-fr-uniform"])
@pytest.mark.parametrize("panel", PANELS)
def test_smoke_every_panel_draws_for_every_kind_of_network(name: str, panel: str):
    reading(model=name, panel=panel)


@pytest.mark.parametrize(
    "text",
    ["", " ", "a", "...", "x" * 2_000, "🗼 שלום мир 東京", "<b>bold</b> <script>alert(1)</script>", "le " * 200, "\u00a0\t\n", "|*_`$1$"],
)
def test_any_text_is_accepted(text: str):
    page = sound(open_page(text=packed(text), panel="Beam"))
    assert page.text_input(key=state.DRAFT).value == text


def test_replacing_opens_with_a_word_of_the_other_gender_where_there_is_one():
    page = sound(open_page(text=packed("My red dress."), panel="Replace a word"))
    assert page.text_input(key="attention.replace.by").value == "coat" and "before: **" in text_of(page) and "after: **" in text_of(page)
    page = reading(panel="Replace a word")
    assert page.text_input(key="attention.replace.by").value == "" and "before: **" not in text_of(page)


def test_the_scores_of_a_step_are_drawn_and_their_softmax_is_the_weights():
    page = reading(panel="Step through")
    assert any("only differences between scores matter" in caption.value for caption in page.caption)
    tables = (table for chart in page.main.get("vega_lite_chart") for table in chart.proto.datasets)
    frame = next(frame for table in tables if "score" in (frame := pa.ipc.open_stream(table.data.data).read_pandas()))
    shares = np.exp(frame["score"] - frame["score"].max())
    assert (shares / shares.sum()).to_numpy() == pytest.approx(frame["weight"].to_numpy(), abs=1e-3)


def test_a_link_restores_the_step_the_replaced_word_and_the_chosen_sentence_of_the_beam():
    page = reading(panel="Step through", **{"steps.step": "2"})
    (slider,) = page.select_slider
    assert slider.value.startswith("read 3")
    slider.set_value(as_read(slider.options[1])).run()
    assert sound(page).query_params["attention.steps.step"][0] == "1"
    page = reading(panel="Replace a word", **{"replace.word": "1", "replace.by": "blue"})
    assert page.text_input(key="attention.replace.by").value == "blue"
    assert next(box for box in page.selectbox if box.label == "Replace").value == 1
    page = reading(panel="Beam", **{"beam.chosen": "3"})
    assert page.radio(key="attention.beam.list").value == 3
    page.radio(key="attention.beam.list").set_value(1).run()
    assert sound(page).query_params["attention.beam.chosen"][0] == "1"
    for wrong in ("99", "-1", "x", "²"):
        assert sound(reading(panel="Beam", **{"beam.chosen": wrong})).radio(key="attention.beam.list").value == 0


@pytest.mark.parametrize("code", ["", "zz", "99999l1", "0l999999", "3w1", "0lx", "0w999999", "-1l2", "0l99"])
def test_no_link_breaks_the_page(code: str):
    page = sound(open_page(text=packed(TEXT), edits=code, row="9999", model="no-such"))
    assert page.session_state[state.EDITS] == () and not says_before(page)


def test_another_network_reads_the_same_sentence():
    page = sound(open_page())
    before = page.text_input(key=state.DRAFT).value
    page.selectbox(key=state.MODEL).select("en-fr-uniform").run()
    assert sound(page).text_input(key=state.DRAFT).value == before


def test_a_text_that_is_too_long_is_cut_and_the_page_says_so():
    page = reading()
    page.text_input(key=state.DRAFT).set_value("le " * 900).run()
    assert len(sound(page).text_input(key=state.DRAFT).value) == 2_000
    assert any("cut to 2,000 characters" in caption.value for caption in page.caption)


def test_a_long_sentence_is_shown_as_lines_first():
    page = reading()
    page.text_input(key=state.DRAFT).set_value("the cat sees two dog and " * 5).run()
    charts = [chart.proto.spec for chart in sound(page).main.get("vega_lite_chart")]
    assert '"word"' in charts[0] and '"cell"' in charts[1]
    bars = page.main.get("vega_lite_chart")[2]
    assert len(pa.ipc.open_stream(bars.proto.datasets[0].data.data).read_pandas()) == 12


def test_traces_come_from_a_recording_and_fit_the_decoders_own_states():
    sentence = own()[1]
    best = sentence.hypotheses[0]
    traces = compute.traces(View("en-fr-additive", TEXT), best.tokens)
    assert list(traces) == ["encoder", "encoder[reverse]", "decoder"]
    np.testing.assert_allclose(traces["decoder"].hidden[:, 0], best.states[0], atol=1e-5)
    assert len(traces["encoder"].tokens) == len(sentence.source)


def test_the_notebooks_lines_compute_what_the_page_shows(capsys):
    view = View("en-fr-additive", TEXT, (Edit(0, "look", 2), Edit(1, "look", ALIKE)))
    exec(export.notebook(view), {})
    assert capsys.readouterr().out.splitlines()[0].startswith(compute.translation(view).text)


def test_without_a_translator_the_page_says_how_to_train_one(networks):
    for file in networks.glob("*.safetensors"):
        file.unlink()
    page = sound(open_page())
    assert "python -m models train en-fr-additive" in page.info[0].value


def test_smoke_a_card_of_the_wrong_form_is_shown_without_it(networks):
    loaded = tiny_translator()
    wrong = {
        "answers": {"looks": "yes"},
        "paired": {"all": {"a": {"p": "x"}}, "against": 3},
        "scores": {"bleu": "high"},
        "example": {"sentence": 3},
        "data": [],
        "parameters": "many",
    }
    checkpoint.save(loaded.module, loaded.card | wrong, networks / "en-fr-additive.safetensors")
    for panel in PANELS:
        reading(panel=panel)


def test_answers_of_the_card_stand_under_the_matrix_and_beside_those_of_fakes(networks):
    loaded = tiny_translator()
    answer = {"says": "no", "value": 0.034, "low": 0.01, "high": 0.05, "unit": "share that follows", "sentences": 321}
    hand = answer | {"says": "yes", "ibm1": 0.076, "diagonal": 0.378}
    answers = dict.fromkeys(("looks", "beyond_position", "used", "points"), answer) | {"points_by_hand": hand}
    checkpoint.save(loaded.module, loaded.card | {"answers": answers}, networks / "en-fr-additive.safetensors")
    save_tiny_translator(networks / "en-fr-fake.safetensors", attention="decoder")
    page = reading(panel="Is it real?")
    assert sum("looks at the source: no (0.034)" in part.value for part in page.markdown) == 1
    answers_table, fakes = (frame.value for frame in page.dataframe)
    assert answers_table["held-out sentences"].tolist() == [321] * 4 and "IBM model 1 0.08" in " ".join(
        caption.value for caption in page.caption
    )
    assert fakes.set_index("attention").loc["decoder only", "Does it look at the source states?"].startswith("no 5")
    assert any("*the reason*" in part.value for part in page.markdown)
    before = page.text_input(key=state.DRAFT).value
    page.button(key="attention.real.fake").click().run()
    assert sound(page).selectbox(key=state.MODEL).value == "en-fr-fake"
    assert page.text_input(key=state.DRAFT).value == before


@pytest.mark.parametrize("button", ["real", "back"])
def test_fake_attention_is_announced_above_the_matrix_and_leads_back(networks, button):
    save_tiny_translator(networks / "en-fr-bilinear.safetensors", attention="bilinear")
    save_tiny_translator(networks / "en-fr-fake.safetensors", attention="decoder")
    page = reading(model="en-fr-bilinear")
    assert not page.warning
    page.button(key="attention.real.fake").click().run()
    assert ["Fake attention" in warning.value for warning in sound(page).warning] == [True]
    page.button(key=f"attention.real.{button}").click().run()
    assert sound(page).selectbox(key=state.MODEL).value == "en-fr-bilinear" and not page.warning


def test_the_table_says_whether_a_difference_is_chance(networks):
    loaded = tiny_translator("none")
    paired = {"against": "en-fr-additive", "all": {"en-fr-additive": {"bleu": 9.0, "p": None}, "en-fr-none": {"bleu": 8.0, "p": 0.02}}}
    checkpoint.save(loaded.module, loaded.card | {"paired": paired}, networks / "en-fr-none.safetensors")
    table = reading(panel="The network").dataframe[0].value.set_index("network")
    assert table.loc["en-fr-none", "p-value of the difference"] == "0.020 (compared with en-fr-additive)"


def test_two_hundred_sentences_of_our_own_each_once_and_each_way():
    english, french = examples.pairs(), examples.pairs("fr-en")
    assert len(set(english)) == 200 and [(b, a) for a, b in french] == english
    assert english[0][1] == "La voiture rouge est devant la grande maison blanche."
    assert ("My blue coat is on the black dress.", "Mon manteau bleu est sur la robe noire.") in english


UPLOAD = "attention.own.file"


def test_a_translator_of_ones_own_opens_in_every_panel(networks, tmp_path):
    loaded = tiny_translator(seed=4)
    lies = {"direction": "de-nl", "scores": {"bleu": 99}, "answers": "lies", "example": {"sentence": "lies"}}
    checkpoint.save(loaded.module, loaded.card | lies, tmp_path / "mine.own")
    page = reading(panel="Your own network")
    page.file_uploader(key=UPLOAD).set_value(("my net.safetensors", (tmp_path / "mine.own").read_bytes(), "")).run()
    name = sound(page).selectbox(key=state.MODEL).value
    wanted = translate(loaded.module, loaded.vocab, TEXT, GREEDY)
    assert name.startswith("my-net-") and compute.translation(View(name, TEXT)).text == wanted.text
    for panel in PANELS:
        page.session_state["attention.panel"] = panel
        sound(page.run())
    assert sound(open_page(model=name)).selectbox(key=state.MODEL).value == name  # the link opens it for others
    assert name not in sound(open_page()).selectbox(key=state.MODEL).options


def test_a_network_of_another_kind_gets_a_sentence_and_changes_nothing(tmp_path):
    page = reading(panel="Your own network")
    content = own_checkpoint(tmp_path / "..")
    page.file_uploader(key=UPLOAD).set_value(("lm.safetensors", content, "")).run()
    assert not page.exception and "of kind 'char_lm'; this page opens 'seq2seq'" in as_read(page.error[0])
    assert as_read(page.error[0]).endswith("Nothing was changed.") and page.selectbox(key=state.MODEL).value == "en-fr-additive"


def test_the_lines_of_the_panel_of_ones_own_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(own_network.SAVE, {})
    assert uploads.keep("mine.safetensors", (tmp_path / "mine.safetensors").read_bytes(), "seq2seq").startswith("mine-")
    exec(own_network.RECORD, {})
    assert capsys.readouterr().out.count("[") == 3 and (tmp_path / "alignment.html").stat().st_size > 100_000
