"""Every choice of a page is in its link: opened from it, each is there again, and what is not chosen stays out."""

from typing import Any

import pytest
import streamlit as st

from pages._ui import link
from pages._ui.link import linked_range, of_range, packed
from tests.models.captioning.tiny_captions import save_tiny_scenes
from tests.models.names.tiny_names import save_tiny_namer
from tests.models.tiny import save_tiny
from tests.models.translation.tiny_translation import save_tiny_translator
from tests.pages.app import open_page, sound

# Page and panel, choices in the link, and where the page keeps each: a widget's value, or what is asked of a state view.
CHOICES = {
    "brushed range": (
        "hidden_states",
        {"selection": "3-9", "cursor": "8"},
        {"hidden_states.map.asked": {"selection": (3, 9), "cursor": 8}},
    ),
    "compared states": (
        "hidden_states",
        {
            "panel": "Compare",
            "compare.map.unit": "2",
            "compare.map.cursor": "4",
            "compare.map.selection": "1-5",
            "compare.map.looks": "flip",
        },
        {"hidden_states.compare.map.asked": {"unit": 2, "cursor": 4, "selection": (1, 5), "looks": ("flip",)}},
    ),
    "path and reference": (
        "attention",
        {"panel": "Step through", "steps.path": "encoder[reverse]", "steps.states.cursor": "1", "steps.truth": packed("le chat dort.")},
        {"attention.steps.path.True": "encoder[reverse]", "attention.steps.states.encoder[reverse].asked": {"cursor": 1}},
    ),
    "maps of a caption": ("captions", {"panel": "Other captions", "alternatives.chosen": "2"}, {}),
    "states of a name": (
        "confusions",
        {"panel": "Letter by letter", "letters.quantity": "update", "letters.states.cursor": "2", "letters.states.selection": "1-3"},
        {"confusions.letters.quantity": "update", "confusions.letters.states.asked": {"cursor": 2, "selection": (1, 3)}},
    ),
    "what a character depends on": (
        "hidden_states",
        {"panel": "What it depends on", "attribution.span": "30", "attribution.target": "actual", "attribution.baseline": "mean"},
        {"hidden_states.attribution.span": "30", "hidden_states.attribution.target": "actual"},
    ),
    "what a name depends on": (
        "confusions",
        {"panel": "What it depends on", "attribution.label": "Greek", "attribution.baseline": "mean"},
        {"confusions.attribution.label": "Greek", "confusions.attribution.baseline": "mean"},
    ),
    "answer to choose": ("one_step", {"lesson": "1", "lessons.answer.0": "2"}, {"one_step.lessons.answer.0": "2"}),
    "answer to type": ("one_step", {"lesson": "2", "lessons.answer.1": "3"}, {"one_step.lessons.answer.1": "3"}),
}


@pytest.fixture
def networks(folder) -> None:
    for cell in ("lstm", "gru"):
        save_tiny(folder / f"wiki-{cell}.safetensors", cell=cell)
        save_tiny_namer(folder / f"names-{cell}.safetensors", cell=cell)
    save_tiny_translator(folder / "en-fr-additive.safetensors", attention="additive")
    save_tiny_scenes(folder / "scenes-soft.safetensors")


def kept(page: Any) -> dict[str, str]:
    return {key: value for key, value in page.query_params.items() if not key.endswith(".weights")}


@pytest.mark.parametrize("about", CHOICES)
def test_a_link_opens_the_choice_and_keeps_it(about: str, networks):
    name, query, places = CHOICES[about]
    page = sound(open_page(name, **query))
    for _ in range(2):
        assert kept(page) == {f"{name}.{key}": value for key, value in query.items()}
        for key, value in places.items():
            now = page.session_state[key]
            assert (value.items() <= now["now"].items()) if isinstance(value, dict) else now == value, key
        page = sound(page.run())
    plain = sound(open_page(name, **{key: value for key, value in query.items() if key in ("panel", "lesson")}))
    assert set(kept(plain)) <= {f"{name}.panel", f"{name}.lesson"}, "what nobody chose is in the link"


def test_an_opened_name_that_is_not_in_its_cell_is_said_and_leaves_the_link(networks):
    page = sound(open_page("confusions", cell="Greek>Greek", opened="Nobody"))
    assert "confusions.opened" not in page.query_params and "name “Nobody”" in page.info[0].value


@pytest.mark.parametrize(
    ("code", "selection"),
    [("3-9", (3, 9)), ("9-3", None), ("3", None), ("3-11", None), ("-1-4", None), ("3-10", (3, 10)), ("a-b", None), ("", None)],
)
def test_a_range_in_a_link_is_checked(code: str, selection: tuple[int, int] | None, monkeypatch):
    monkeypatch.setattr(link, "linked", lambda name, default: code)
    assert linked_range("x", 10) == selection
    assert of_range(selection) == (code if selection else "")


@pytest.mark.parametrize("about", ["compared states", "path and reference", "states of a name"])
def test_every_state_view_has_a_save_menu_with_the_picture_that_is_shown(about: str, networks, monkeypatch):
    menus, buttons = {}, st.download_button

    def button(label, make, *rest, key, **more):
        menus[key] = make
        return buttons(label, make, *rest, key=key, **more)

    monkeypatch.setattr(st, "download_button", button)
    name, query, _ = CHOICES[about]
    page = sound(open_page(name, **query))
    assert not any(".states" in key or key.startswith("hidden_states.compare.map.") for key in menus)  # made when the menu is opened
    menu_keys = [block.proto.id.split("-", 2)[2] for block in page.get("popover") if block.proto.id.endswith(".save")]
    for key in menu_keys:
        page.session_state[key] = True
    sound(page.run())
    made = {
        key.rsplit(".", 1)[1]: make() for key, make in menus.items() if ".states" in key or key.startswith("hidden_states.compare.map.")
    }
    assert list(made) == ["SVG", "PNG", "PDF", "HTML", "CSV"]
    assert made["SVG"].startswith(b"<svg") and made["PNG"][:4] == b"\x89PNG" and made["PDF"][:4] == b"%PDF" and b"<svg" in made["HTML"]
    selected = next((value for key, value in query.items() if key.endswith(".selection")), "")
    assert (b"selected" in made["SVG"]) is bool(selected)
