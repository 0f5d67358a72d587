"""A stranger's network in the rooms: an encoder, a tagger, a network of words, and one whose cell torch does not have."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from models.foreign.given import VARIABLE, Given, give
from models.foreign.opening import Opened, as_checkpoint, network_of, open_file
from models.foreign.vocabulary import FoundVocabulary
from pages._hidden_states import find, state
from pages._ui import uploads
from tests.models.foreign.in_process import in_this_process
from tests.models.foreign.strangers import LETTERS, CharRNN, Tagger
from tests.models.foreign.strangers import saved as stranger
from tests.models.foreign.test_classifier import Classifier
from tests.pages.app import as_read, open_page, sound

__all__ = ["in_this_process"]

WORDS = ("<unk>", *(f"word{index}" for index in range(30)), "the", "network", "reads", "text", "a", "one", ".", ",")
TEXT = "The network reads a text , and the text reads the network . A network , a text , one text , the network reads a text ."


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept").mkdir()
    monkeypatch.setattr(uploads, "_folder", lambda: tmp_path / "kept")


def opened_file(held: dict) -> Opened:
    return open_file(stranger(held), "mine.pt")


def name_of(held: dict, tokens) -> str:
    """A network of some weights, kept as an upload of this visitor."""
    one = opened_file(held)
    assert one.choice is not None
    loaded = network_of(one, one.choice, tokens)
    return uploads.keep("mine.pt", as_checkpoint(loaded), loaded.card["kind"])


def room(name: str, panel: str = "", **more) -> AppTest:
    return sound(open_page("hidden_states", model=name, **({"panel": panel} if panel else {}), **more))


def all_of(page: AppTest) -> str:
    return "\n".join(as_read(part) for kind in (page.markdown, page.caption, page.info) for part in kind)


PANELS = (
    "Find a unit",
    "This unit",
    "What it depends on",
    "All units",
    "Generate",
    "Intervene",
    "Compare",
    "Export and link",
    "The network",
)


def test_a_tagger_opens_in_hidden_states_in_both_directions(in_this_process):
    name = name_of({"state": Tagger().state_dict()}, LETTERS)
    page = room(name)
    assert "It reads from the end too, so it has seen the next token" in all_of(page)

    page = sound(page.selectbox(key=state.DIRECTION).set_value("backwards").run())
    assert page.query_params[state.DIRECTION] == "backwards"
    for panel in PANELS:
        text = all_of(room(name, panel, direction="backwards"))
        if panel in ("This unit", "What it depends on", "Generate", "Intervene"):
            assert text.count("predicts no next token") == 2, panel  # above, and where the panel would need it


def test_the_states_of_both_directions_are_those_of_the_module(in_this_process):
    from models.char_lm.experiments.window import Layer, read_window

    one, module = opened_file({"state": (own := Tagger()).state_dict()}), own.eval()
    assert one.choice is not None
    loaded = network_of(one, one.choice, LETTERS)
    ids = torch.tensor([[LETTERS.index(letter) for letter in "the cat sat on the mat"]])
    with torch.no_grad():
        out = module.lstm(module.embed(ids))[0][0].numpy()
    for path, part in (("rnn", out[:, :9]), ("rnn[reverse]", out[:, 9:])):
        run = read_window(loaded, "the cat sat on the mat", Layer(1, "hidden", path=path))
        np.testing.assert_allclose(run.values, part, atol=1e-6)
        assert not run.predicts and not len(run.bits)


def test_an_encoder_says_what_is_missing_and_how_to_add_it(in_this_process):
    held = {key: value for key, value in CharRNN("GRU", 1).state_dict().items() if not key.startswith("decoder")}
    page = room(name_of({"state": held}, LETTERS))
    assert f"open its weights with an output layer for its {len(LETTERS)} tokens" in all_of(page)
    page = sound(page.button(key="hidden_states.silence_button").click().run())
    assert not page.toggle and "nothing for silencing to change" in all_of(page)


def test_a_network_of_words_counts_words_in_every_panel(in_this_process):
    name = name_of({"state": CharRNN("LSTM", 1, tokens=len(WORDS)).state_dict()}, WORDS)
    from pages._ui.link import packed

    page = room(name, "This unit", text=packed(TEXT), **{"unit.silence": "true"})
    words = FoundVocabulary.of_tokens(WORDS, len(WORDS)).split(TEXT)
    assert len(words) == 28
    assert "bits per word" in page.metric[0].label and page.metric[0].label.startswith("Whole text")
    assert f"of {len(words)} words are not in the vocabulary" in all_of(page)
    assert re.search(r"Silenced: .* bits per word", all_of(page))
    for panel in PANELS:
        page = room(name, panel, text=packed(TEXT))
        if panel == "Generate":
            page = sound(page.number_input(key="hidden_states.generate.length").set_value(10).run())
            page = sound(page.button(key="hidden_states.generate.start").click().run())
            assert len(page.session_state["hidden_states.generate"][1].split()) == 10
    for what, counted in (
        ("steer", "**The next word**"),
        ("transplant", "moves the prediction"),
        ("nudge", "after 8 words, one at a time"),
    ):
        page = room(
            name, "Intervene", text=packed(TEXT), intervene=what, cursor="12", **{"transplant.text": packed("a text . the network")}
        )
        assert counted in all_of(page)
    page = room(name, "Find a unit", text=packed(TEXT), **{"find.way": "a regular expression", "find.pattern": "text"})
    assert not page.error and page.dataframe
    assert find.pattern_track(words, "text").tolist() == [float(word == "text") for word in words]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("A [[tower]] and a [[logbook]] on the shore of the sea.", r"\[\[[^\]]*"),
        ('He said "come in now" and went away.', r'"[^"\n]*'),
        ("the lamp was lit at night by the keeper", "[aeiou]"),
        ("Anna and Berta went home with Clara today, as did all others.", r"[A-Z]\w*"),
        ("xyzxyzxyz", "x"),
    ],
)
def test_the_first_pattern_occurs_in_the_text(text: str, pattern: str):
    assert find.first_pattern(tuple(text)) == pattern


def test_silencing_goes_on_when_the_panel_changes_and_its_button_ends_it():
    page = sound(open_page("hidden_states"))
    page = sound(page.button(key="hidden_states.silence_button").click().run())
    assert "Silenced:" in all_of(page) and page.query_params[state.SILENCE] == "true"
    page = sound(page.segmented_control(key=state.PANEL).set_value("The network").run())
    assert "Silenced:" in all_of(page) and page.button(key="hidden_states.silence_button").label == "**Stop silencing**"
    page = sound(page.segmented_control(key=state.PANEL).set_value(state.UNIT_PANEL).run())
    assert page.toggle(key=state.SILENCE).value
    page = sound(page.toggle(key=state.SILENCE).set_value(False).run())
    assert "Silenced:" not in all_of(page) and state.SILENCE not in page.query_params
    page = sound(page.segmented_control(key=state.PANEL).set_value("The network").run())
    assert "Silenced:" not in all_of(page)


def test_your_model_opens_them_there(in_this_process):
    page = sound(open_page("your_model"))
    content = stranger({"state": Tagger().state_dict(), "tokens": LETTERS})
    page = sound(page.file_uploader(key="your_model.file").set_value(("mine.pt", content, "application/octet-stream")).run())
    page = sound(page.segmented_control(key="your_model.weights.direction").set_value("from the end").run())
    page = sound(page.button(key="your_model.weights.open").click().run())
    links = re.findall(r"\]\(\./([^)]+)\)", page.success[0].value)
    assert [urlsplit(link).path for link in links] == ["hidden_states"], "it makes no prediction that the others could follow"
    query = {key.removeprefix("hidden_states."): value[0] for key, value in parse_qs(urlsplit(links[0]).query).items()}
    assert query["direction"] == "backwards"
    assert sound(open_page("hidden_states", **query)).selectbox(key=state.DIRECTION).value == "backwards"


def test_two_checkpoints_of_one_run_are_compared_unit_by_unit(in_this_process):
    torch.manual_seed(1)
    early = CharRNN("GRU", 1)
    late = {key: value.clone() for key, value in early.state_dict().items()}
    late["rnn.weight_ih_l0"][[5, 17, 29]] *= -2  # all gates of unit 5
    names = [name_of({"state": weights}, LETTERS) for weights in (early.state_dict(), late)]
    page = sound(open_page("hidden_states", model=names[1], panel="Compare", unit="5", **{"compare.model": names[0]}))
    assert "checkpoints of one run, this is the same unit in both" in all_of(page)
    assert all(box.key != "hidden_states.compare.unit" for box in page.number_input), "the unit above is shown here too"
    (table,) = [frame.value for frame in page.dataframe if "difference" in frame.value]
    assert table["unit"][0] == 5 and sorted(table["unit"]) == list(range(12)) and table["difference"].is_monotonic_decreasing
    assert re.search(rf"mean bits per character: {names[1]} [\d.]+, {names[0]} [\d.]+", all_of(page).replace("\\", ""))
    other = name_of({"state": CharRNN("LSTM", 1).state_dict()}, LETTERS)
    page = sound(open_page("hidden_states", model=names[1], panel="Compare", **{"compare.model": other}))
    assert "Unit numbers and signs are not comparable" in all_of(page) and "open the file of the other epoch" in all_of(page)


def test_a_classifier_opens_in_confusions_with_a_test_set(in_this_process):
    torch.manual_seed(0)
    page = sound(open_page("your_model"))
    content = stranger({"state": Classifier().state_dict(), "letters": LETTERS})
    page = sound(page.file_uploader(key="your_model.file").set_value(("mine.pt", content, "application/octet-stream")).run())
    names = page.text_area(key="your_model.weights.labels.3")
    assert names.value == "class 1\nclass 2\nclass 3"
    page = names.set_value("noun\nverb\nverb").run()
    page = page.button(key="your_model.weights.classify").click().run()
    assert "expected 3 different ones" in as_read(page.error[0])
    page = sound(page.text_area(key="your_model.weights.labels.3").set_value("noun\nverb\nother").run())
    page = sound(page.button(key="your_model.weights.classify").click().run())
    links = re.findall(r"\]\(\./([^)]+)\)", page.success[0].value)
    assert {urlsplit(link).path for link in links} == {"hidden_states", "confusions"}
    name = parse_qs(urlsplit(links[0]).query)["hidden_states.model"][0]
    page = sound(open_page("confusions", model=name, panel="Your own texts"))
    assert page.title[0].value == "Which classes get confused, and at which character?"
    assert "Give a test set under “Your own texts” below: a table of text and class." in all_of(page)
    page.text_area(key="confusions.own.paste").set_value("text,class\nthe dog 12,noun\nit sat,verb\nand,Other\nno,noun\nnow,strange")
    (send,) = [button for button in page.button if "Classify these" in button.label]
    page = sound(send.click().run())
    assert re.search(r"4 texts of your own: accuracy [\d.]+, macro recall [\d.]+, macro F1 [\d.]+", all_of(page).replace("*", ""))
    page = sound(page.selectbox(key="confusions.matrix.0").set_value("noun").run())
    (listed,) = [frame.value for frame in page.dataframe if "P(predicted)" in frame.value]
    assert "text" in listed and "name" not in listed
    for panel in ("Letter by letter", "What it depends on", "Scores", "Compare", "Export and link"):
        shown = all_of(sound(page.segmented_control(key="confusions.panel").set_value(panel).run()))
        shown = "\n".join(line for line in shown.split("\n") if "./glossary?" not in line)
        before = shown.split("The network reads one letter at a time")[0]  # the explanation of the page
        assert not re.search(r"\b(name|names|language|languages|romanised)\b", before), panel
    assert "nothing is known of its training" in all_of(
        sound(page.segmented_control(key="confusions.panel").set_value("The network").run())
    )
    assert "predicts no next token" in all_of(room(name))


ATTENDS = """
import torch
import explorer

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.gru = torch.nn.Embedding(9, 6), torch.nn.GRU(6, 6, batch_first=True)
        self.attention = torch.nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, ids):
        read = self.gru(self.embed(ids))[0]
        return self.attention(read, read, read)[0]

def build():
    module = Net()
    module.tap = explorer.Tap("attention")
    module.attention.register_forward_hook(lambda layer, given, out: (out[0], module.tap(out[1])))
    return module

def encode(text):
    letters = text[:12]
    return [ord(letter) % 9 for letter in letters], list(letters)
"""


def test_the_attention_of_a_python_file_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, "{}")  # given back after the test
    (tmp_path / "attends.py").write_text(ATTENDS, encoding="utf-8")
    give(Given((tmp_path / "attends.py",)))
    page = sound(open_page("your_model"))
    assert "Attention at the Tap tap" in all_of(page).replace("*", "") and "which sum to 1" in all_of(page)
    assert len(page.get("vega_lite_chart")) == 1
