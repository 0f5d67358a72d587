"""Every page of app.py runs in process, and the page of hidden states with all its panels."""

import ast
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import models
from explorer.figures.scales import Scale
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import compute, export, own_model, state, states
from pages._hidden_states.examples import EXAMPLES, disturbed
from pages._ui import networks, uploads
from pages._ui.link import packed
from tests.pages.app import ROOT, as_read, sound

PAGES = [
    node.args[0].value
    for node in ast.walk(ast.parse((ROOT / "app.py").read_text()))
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "st.Page"
]
HIDDEN = "pages/hidden_states.py"
LECTURE = Scale("diverging", -1, 1).colours(lecture=True).tolist()
CHARACTER_NETWORKS = [name for name, card in models.available().items() if card["kind"] == "char_lm"]


def open_page(path: str, **query: str) -> AppTest:
    """A page in process as a visitor opens it, with these parameters in the link."""
    page = AppTest.from_file(str(ROOT / path), default_timeout=120)
    for name, value in query.items():
        page.query_params[f"hidden_states.{name}"] = value
    return page.run()


def window(view: compute.View) -> WindowRun:
    return compute.window(view, networks.loaded(view.model))


def values(view: compute.View) -> np.ndarray:
    return window(view).values


def shown_text(page: AppTest) -> str:
    return page.text_area(key="hidden_states.draft").value


@pytest.mark.parametrize("path", PAGES)
def test_every_page_draws(path: str):
    assert sound(open_page(path)).title


def test_app_lists_every_page_file():
    assert {Path(p).name for p in PAGES} == {p.name for p in (ROOT / "pages").glob("[!_]*.py")}


@pytest.mark.parametrize("name", CHARACTER_NETWORKS)
def test_every_network_opens(name: str):
    page = sound(open_page(HIDDEN, model=name))
    assert page.selectbox(key=state.MODEL).value == name


PANELS = [
    "Find a unit",
    "This unit",
    "Trace back",
    "What it depends on",
    "All units",
    "Generate",
    "Intervene",
    "Compare",
    "Export and link",
    "The network",
]


@pytest.mark.parametrize("panel", [*PANELS, "Your own network"])
def test_every_panel_draws(panel: str):
    page = sound(open_page(HIDDEN, panel=panel))
    assert page.session_state["hidden_states.panel"] == panel


def test_leave_it_open_takes_one_closing_bracket_pair_away_and_gives_it_back():
    page = open_page(HIDDEN)
    before = shown_text(page)
    page.button(key="hidden_states.gesture").click().run()
    assert shown_text(sound(page)) == disturbed(before, EXAMPLES["wiki"]) == before.replace("]]", "", 1)
    page.button(key="hidden_states.gesture").click().run()
    assert shown_text(sound(page)) == before


def test_a_link_restores_text_unit_layer_and_quantity():
    page = sound(open_page(HIDDEN, text=packed("a [[link]]"), unit="7", layer="layer 2", quantity="forget", order="rows by variance"))
    assert shown_text(page) == "a [[link]]"
    assert page.selectbox(key=state.LAYER).value == "layer 2"
    assert page.selectbox(key=state.QUANTITY).value == "forget"
    assert "Unit 7" in " ".join(m.value for m in page.markdown)


@pytest.mark.parametrize(
    "query",
    [
        {"unit": "99999999"},
        {"unit": "<script>"},
        {"layer": "9"},
        {"quantity": "nonsense"},
        {"model": "none"},
        {"part": "77"},
        {"panel": "x"},
    ],
)
def test_smoke_a_nonsense_link_falls_back_to_the_default(query: dict):
    sound(open_page(HIDDEN, **query))


def test_a_damaged_text_in_the_link_gets_a_sentence():
    page = open_page(HIDDEN, text="not-our-text")
    assert not page.exception
    assert "damaged" in as_read(page.error[0])


@pytest.mark.parametrize(
    "text",
    ["a", "\n", "<script>alert(1)</script>", "שלום עולם, مرحبا", "🗼" * 300, "e\u0301\u202etxt", "\x00\x07", "x" * 12_000],
    ids=["one", "newline", "html", "rtl", "emoji", "combining", "control", "two parts"],
)
def test_smoke_any_text_is_read(text: str):
    sound(open_page(HIDDEN, text=packed(text)))


def test_an_empty_text_gets_a_sentence():
    page = open_page(HIDDEN)
    page.session_state[state.TEXT] = ""
    page.run()
    assert not page.exception
    assert "no text yet" in page.info[0].value


def test_unknown_characters_are_counted_and_named():
    page = sound(open_page(HIDDEN, text=packed("a 🗼🗼 b")))
    assert any("2 of 6 characters" in caption.value and "🗼" in caption.value for caption in page.caption)


def test_what_the_page_says_of_its_first_unit_is_true():
    """The sentence of the first screen, on the shipped checkpoint: on inside every link, off outside, on while left open."""
    about = models.available()["wiki-lstm"]
    guide, example = state.guides(about)[0], EXAMPLES["wiki"]
    assert guide["concept"] == "inside [[ ]]" and guide["clears_all"] and guide["held_out"]
    view = compute.View("wiki-lstm", example.text, example.warm_up, guide["layer"], guide["quantity"], unit=guide["unit"])
    closed = values(view)[:, view.unit] * guide["sign"]
    start, stop = example.text.index("[[") + 2, example.text.index("]]")
    assert (closed[start:stop] > 0).all()
    assert (closed[stop + 3 : example.text.index("[[", stop)] < 0).all()
    opened = values(view.of(text=disturbed(example.text, example)))[:, view.unit] * guide["sign"]
    assert (opened[start : example.text.index("[[", stop) - 2] > 0).all()


def test_what_a_download_makes_later_needs_no_visitor(monkeypatch):
    """Streamlit makes the file of a download outside of any session: what a visitor chose must be read before."""
    made = {}
    monkeypatch.setattr(export.export, "downloads", lambda key, files: made.update({file.label: file.make for file in files}))
    sound(open_page(HIDDEN, panel="Export and link", looks="next,lecture,flip", cursor="9"))
    unit = state.guides(models.available()["wiki-lstm"])[0]["unit"]
    assert json.loads(made["View file"]())["unit"] == unit
    content = {label: make() for label, make in made.items()}
    assert all(isinstance(bytes_of, bytes) for bytes_of in content.values()) and len(made) == 7
    assert content["Picture (PDF)"].startswith(b"%PDF") and content["Picture (PNG)"].startswith(b"\x89PNG")
    for label in ("Picture (SVG)", "Page (HTML)"):
        drawn = content[label].decode()
        assert f"unit {unit}, tanh(cell), sign flipped" in drawn and "character 10" in drawn
        assert drawn.count("<text") > 6 * 400, "each character and the five likely next ones"
        fills = set(re.findall(r'height="20" fill="(#[0-9a-f]{6})"', drawn))
        assert len(fills) > 20 and fills <= {"#{:02x}{:02x}{:02x}".format(*colour) for colour in LECTURE}


def test_the_example_is_read_as_the_network_reads_it():
    """The page's values are those of the plain module: one call over warm-up and text."""
    example, loaded = EXAMPLES["wiki"], models.load("wiki-lstm")
    view = compute.View("wiki-lstm", example.text, example.warm_up, layer=1, quantity="hidden")
    ids = torch.tensor([loaded.vocab.encode(example.warm_up + example.text)])
    hidden, _ = loaded.module.rnn(loaded.module.embedding(ids))
    own = hidden[0, len(example.warm_up) :].numpy()
    assert np.abs(values(view) - own).max() < 1e-5


def test_the_notebook_lines_give_what_the_page_shows(capsys):
    view = compute.View("wiki-lstm", "a [[link]] and more", "Before. ", unit=5)
    names: dict = {}
    exec(export.notebook(view), names)
    assert np.abs(names["run"].values - values(view)).max() == 0
    assert capsys.readouterr().out == f"{values(view)[:, 5]}\n"


def test_silencing_changes_the_cost_of_closing_the_link():
    example = EXAMPLES["wiki"]
    guide = state.guides(models.available()["wiki-lstm"])[0]
    view = compute.View("wiki-lstm", example.text, example.warm_up, guide["layer"], unit=guide["unit"])
    network = networks.loaded(view.model)
    sums = [compute.silenced_bits(view.of(instead=instead), network).sum() for instead in state.HELD_AT]
    assert min(sums) > window(view).bits.sum() and len(set(sums)) == 3
    page = sound(open_page(HIDDEN, panel="This unit", **{"unit.silence": "true", "unit.instead": "mean", "unit": str(guide["unit"])}))
    (metric, *_) = page.metric
    mean = sums[list(state.HELD_AT).index("mean")] / len(example.text)
    assert metric.value == f"{mean:.3f}" and any(f"→ {mean:.3f} bits" in as_read(part) for part in page.markdown)


def test_a_view_file_opens_what_it_was_saved_from_and_nonsense_changes_nothing():
    page = open_page(HIDDEN, panel="Export and link")
    view = {"model": "wiki-lstm", "text": "half \ud800 of a pair", "unit": 3, "part": 0, "layer": 1, "quantity": "cell", "order": "index"}
    page.file_uploader(key="hidden_states.export.upload").set_value(("a.json", json.dumps(view).encode(), "application/json")).run()
    assert shown_text(sound(page)) == "half ? of a pair"
    assert page.selectbox(key=state.ORDER).value == "rows by index"
    view |= {"cursor": 4, "looks": ["flip", "nonsense"], "stretched": True, "text": "abcdef"}
    page.file_uploader(key="hidden_states.export.upload").set_value(("c.json", json.dumps(view).encode(), "application/json")).run()
    assert page.session_state[state.CURSOR] == 4 and page.session_state[state.LOOKS] == ("flip",)
    assert sound(page).selectbox(key=state.SCALE).value == state.STRETCHED
    page.session_state[state.TEXT] = "half ? of a pair"
    page.file_uploader(key="hidden_states.export.upload").set_value(("b.json", b"[1]", "application/json")).run()
    assert not page.exception and "not a view file" in as_read(page.error[0])
    assert shown_text(page) == "half ? of a pair"


def test_the_colours_of_this_text_reach_its_largest_value_and_say_so():
    view = compute.View("wiki-lstm", "A", layer=1, quantity="hidden")
    fixed, own = (states.figure(view.of(stretched=stretched), window(view)).scale for stretched in (False, True))
    largest = np.abs(values(view)).max()
    assert (fixed.low, fixed.high, fixed.says) == (-1, 1, "same scale for all texts")
    assert own.says == "scaled to this text" and largest <= own.high < 1 and own.low == -own.high
    page = sound(open_page(HIDDEN, scale=state.STRETCHED))
    assert page.selectbox(key=state.SCALE).value == state.STRETCHED


def test_the_lines_of_the_panel_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(own_model.SAVE, {})
    assert uploads.keep("mine.safetensors", (tmp_path / "mine.safetensors").read_bytes(), "char_lm").startswith("mine-")
    exec(own_model.RECORD, {})
    assert capsys.readouterr().out == "(7, 2, 5)\n"


def test_the_second_text_of_a_comparison_is_in_the_link():
    page = sound(open_page(HIDDEN, panel="Compare", **{"compare.way": "another text", "compare.text": "b [[c"}))
    assert page.text_input(key="hidden_states.compare.text").value == "b [[c"


def test_a_new_text_begins_at_its_first_part(monkeypatch):
    monkeypatch.setattr(compute, "WINDOW", 200)
    page = open_page(HIDDEN, text=packed("ab " * 100), part="1")
    assert sound(page).number_input(key="hidden_states.part_box").value == 2
    page.text_area(key="hidden_states.draft").set_value("cd " * 100)
    page.button(key="FormSubmitter:hidden_states.text_form-Read it").click().run()
    assert sound(page).number_input(key="hidden_states.part_box").value == 1


def test_the_link_of_the_gesture_knows_the_way_back():
    example = EXAMPLES["wiki"]
    page = sound(open_page(HIDDEN, text=packed(disturbed(example.text, example))))
    assert example.close_label in page.button(key="hidden_states.gesture").label
