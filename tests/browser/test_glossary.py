"""The page of the glossary in a real browser, and the button Terms: by keyboard and at the width of a telephone."""

import re

import pytest
from playwright.sync_api import expect

from pages._glossary.search import matches
from pages._ui.glossary import entries
from tests.browser.chromium import sideways, violations
from tests.models.names.tiny_names import save_tiny_namer

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
ENTRIES = ".st-key-glossary-entries h2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny classifier, whose page has terms to explain."""
    path = tmp_path_factory.mktemp("checkpoints")
    save_tiny_namer(path / "names-gru.safetensors")
    return path


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_search_shows_its_term_first_and_is_in_the_link(room, folder, width, scheme):
    page = room("glossary", folder, "What do the words mean?", ENTRIES, "", width=width, scheme=scheme)
    expect(page.locator(ENTRIES)).to_have_count(len(entries()))
    assert sideways(page) == 0
    page.get_by_role("textbox", name="Search").fill("gate")
    names = [entry.name for entry in matches("gate", entries())]
    assert names[0] == "gate" and 1 < len(names) < len(entries())
    expect(page.locator(ENTRIES)).to_have_text(names)
    expect(page).to_have_url(re.compile(r"glossary\.search=gate"))
    assert violations(page) == {}


def test_an_address_opens_one_term(room, folder):
    page = room("glossary", folder, "What do the words mean?", ENTRIES, "glossary.search=Jacobian")
    expect(page.locator(ENTRIES)).to_have_text(["Jacobian"])
    assert page.get_by_role("link", name="See it: Gradient flow, Laboratory").get_attribute("href").startswith("./gradient_flow?")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_button_terms_opens_by_keyboard_within_the_screen(room, folder, width):
    page = room("confusions", folder, "Which languages get confused", ".st-key-scrolling-confusions-matrix svg.marks", "", width=width)
    button = page.get_by_role("button", name="Terms").first
    button.focus()
    page.keyboard.press("Enter")
    terms = page.get_by_test_id("stPopoverBody")
    expect(terms.get_by_role("link", name="Wilson interval")).to_be_attached()
    box = terms.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width and sideways(page) == 0
    page.keyboard.press("Escape")
    expect(terms).to_be_hidden()
