"""Every page of app.py runs in process, and each panel of each page does what it says."""

import ast
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import models
from pages._panels import choice
from pages._shared.examples import EXAMPLES, disturbed
from pages._shared.link import packed

ROOT = Path(__file__).parents[2]
PAGES = [
    node.args[0].value
    for node in ast.walk(ast.parse((ROOT / "app.py").read_text()))
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "st.Page"
]
HIDDEN = "pages/hidden_states.py"


def open_page(path: str, **query: str) -> AppTest:
    page = AppTest.from_file(str(ROOT / path), default_timeout=120)
    for name, value in query.items():
        page.query_params[f"hidden_states.{name}"] = value
    return page.run()


def sound(page: AppTest) -> AppTest:
    assert not page.exception, [e.value for e in page.exception]
    assert not page.error, [e.value for e in page.error]
    return page


def shown_text(page: AppTest) -> str:
    return page.text_area(key="hidden_states.draft").value


@pytest.mark.parametrize("path", PAGES)
def test_every_page_draws(path: str):
    assert sound(open_page(path)).title


def test_app_lists_every_page_file():
    assert {Path(p).name for p in PAGES} == {p.name for p in (ROOT / "pages").glob("[!_]*.py")}


@pytest.mark.parametrize("name", list(models.available()))
def test_every_network_opens(name: str):
    page = sound(open_page(HIDDEN, model=name))
    assert page.selectbox(key=choice.MODEL).value == name


@pytest.mark.parametrize("panel", ["Find a unit", "This unit", "All units", "Generate", "Compare", "Export and link", "The network"])
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
    page = sound(open_page(HIDDEN, text=packed("a [[link]]"), unit="7", layer="2", quantity="forget", order="variance"))
    assert shown_text(page) == "a [[link]]"
    assert page.selectbox(key=choice.LAYER).value == "2"
    assert page.selectbox(key=choice.QUANTITY).value == "forget"
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
def test_a_nonsense_link_falls_back_to_the_default(query: dict):
    sound(open_page(HIDDEN, **query))


def test_a_damaged_text_in_the_link_gets_a_sentence():
    page = open_page(HIDDEN, text="!!!!")
    assert not page.exception
    assert "damaged" in page.error[0].value


@pytest.mark.parametrize(
    "text",
    ["a", "\n", "<script>alert(1)</script>", "שלום עולם, مرحبا", "🗼" * 300, "e\u0301\u202etxt", "\x00\x07", "x" * 12_000],
    ids=["one", "newline", "html", "rtl", "emoji", "combining", "control", "two parts"],
)
def test_any_text_is_read(text: str):
    sound(open_page(HIDDEN, text=packed(text)))


def test_an_empty_text_gets_a_sentence():
    page = open_page(HIDDEN)
    page.session_state[choice.TEXT] = ""
    page.run()
    assert not page.exception
    assert "no text yet" in page.info[0].value


def test_unknown_characters_are_counted_and_named():
    page = sound(open_page(HIDDEN, text=packed("a 🗼🗼 b")))
    assert any("2 of 6 characters" in caption.value and "🗼" in caption.value for caption in page.caption)
