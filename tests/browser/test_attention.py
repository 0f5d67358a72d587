"""The page of attention in a real browser: it draws, a click moves the weight of a word, the link restores it."""

import re

import pytest
from playwright.sync_api import Page, expect

from models import checkpoint
from pages._ui.link import packed
from tests.browser.accessibility import CONTRAST, faults, recolour, violations
from tests.browser.chromium import settle, sideways
from tests.browser.readiness import rerun
from tests.models.translation.tiny_translation import tiny_translator

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
CELLS = ".st-key-scrolling-attention-matrix .view_1_marks path"
TEXT = "attention.text=" + packed("the red cat sees two dog.")


BLEU = {length: {"bleu": 9.0, "interval": [8.0, 10.0], "sentences": 200} for length in ("1-5", "6-8", "16+")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tiny translators: what a page does must not hang on what a trained one says."""
    path = tmp_path_factory.mktemp("checkpoints")
    for attention in ("additive", "uniform"):
        loaded = tiny_translator(attention)
        scores = BLEU["1-5"] | {"bleu_by_length": BLEU}
        checkpoint.save(loaded.module, loaded.card | {"scores": scores}, path / f"en-fr-{attention}.safetensors")
    return path


@pytest.fixture
def attention(room, folder):
    return lambda query=TEXT, **options: room("attention", folder, "Where does the decoder look", CELLS, query, **options)


def click(page: Page, row: int, column: int) -> None:
    """Click a cell of the matrix; eight source words stand across."""
    page.locator(CELLS).nth(8 * row + column).click()


def undo(page: Page) -> None:
    """Take all edits back."""
    page.get_by_role("button", name="Undo all edits").click()
    expect(page).not_to_have_url(re.compile("attention.edits"))
    settle(page)


def compares(page: Page, width: int) -> None:
    """The panel Compare draws its three matrices within the page, and the matrix above keeps its size."""
    cell = page.locator(CELLS).first.bounding_box()
    assert cell is not None and cell["width"] > 20 and cell["height"] > 20, "a figure is never squeezed into its column"
    pictures = page.locator("[class*=st-key-scrolling-compare]")
    expect(pictures).to_have_count(3)
    for index in range(3):
        expect(pictures.nth(index).locator("svg.marks")).to_be_visible()
        box = pictures.nth(index).bounding_box()
        assert box is not None and box["width"] > 150 and box["x"] + box["width"] <= width
    assert sideways(page) == 0


def test_a_link_is_the_first_visit_of_a_server_and_draws_a_wide_page_in_which_axe_finds_nothing(attention):
    page = attention(f"{TEXT}&attention.panel=Compare")
    expect(page.get_by_role("button", name="Look inside")).to_be_visible()
    assert page.locator(".stMainBlockContainer").bounding_box()["width"] > 1_000
    for scheme, rules in (("light", ()), ("dark", CONTRAST)):
        if scheme == "dark":
            recolour(page, scheme)
        compares(page, 1280)
        expect(page.locator(".st-key-attention-lines")).to_be_hidden()
        assert violations(page, rules=rules) == {}


def test_a_phone_shows_lines_and_no_panel_scrolls_it_sideways_or_shuts_anybody_out(attention):
    page = attention(f"{TEXT}&attention.replace.by=blue&attention.panel=Compare", width=390, scheme="dark")
    expect(page.locator(".st-key-attention-lines")).to_be_visible()
    compares(page, 390)
    assert page.locator(".st-key-attention-panel button").count() == 9
    assert faults(page, "attention-panel") == {}
    expect(page.locator(".st-key-attention-lines")).to_be_visible()
    rerun(page, page.locator(".st-key-attention-panel button", has_text="Is it real?").click)
    tools = page.get_by_test_id("stDataFrame").get_by_test_id("stElementToolbar").bounding_box()
    above = page.locator("p", has_text="Reference models: small networks").bounding_box()
    assert tools is not None and above is not None and tools["y"] >= above["y"] + above["height"], "its tools lie on words"


def test_a_word_of_hundreds_of_letters_does_not_scroll_a_phone_sideways(attention):
    assert sideways(attention("attention.text=" + packed("x" * 1_500), width=390)) == 0


def test_a_click_chooses_a_row_and_a_click_in_the_chosen_row_moves_its_weight_from_under_no_pointer(attention):
    page = attention()
    before = page.locator(CELLS).first.bounding_box()
    click(page, 0, 4)
    expect(page.get_by_text("before:")).to_be_visible()
    settle(page)
    after = page.locator(CELLS).first.bounding_box()
    assert before is not None and after is not None and abs(after["y"] - before["y"]) < 2
    undo(page)
    click(page, 1, 2)
    expect(page).to_have_url(re.compile("attention.row=1"))
    settle(page)
    assert "attention.edits" not in page.url
    click(page, 1, 4)
    expect(page).to_have_url(re.compile("attention.edits=[0-9]+l4"))
    expect(page.get_by_text("before:")).to_be_visible()
    undo(page)
    page.get_by_role("combobox", name="Looks at").click()
    page.get_by_role("option", name="5 two").click()
    expect(page).to_have_url(re.compile("attention.edits=1l4"))
    expect(page.get_by_text("before:")).to_be_visible()
    again = attention(page.url.split("?")[1])
    expect(again.get_by_text("before:")).to_be_visible()
    undo(again)
