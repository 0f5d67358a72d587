"""The page of attention in a real browser: it draws, a click moves the weight of a word, the link restores it."""

import re

import pytest
from playwright.sync_api import Page, expect

from models import checkpoint
from pages._ui.link import packed
from tests.browser.chromium import faults, settle, sideways, violations
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


def test_a_link_to_the_page_is_the_first_visit_of_a_server_and_goes_through_the_app(attention):
    page = attention()
    expect(page.get_by_role("link", name="Hidden states")).to_be_visible()
    assert page.locator(".stMainBlockContainer").bounding_box()["width"] > 1_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_draws_without_scrolling_sideways(attention, width, scheme):
    page = attention(width=width, scheme=scheme)
    assert sideways(page) == 0
    lines = page.locator(".st-key-attention-lines")
    expect(lines).to_be_visible() if width < 640 else expect(lines).to_be_hidden()


@pytest.mark.parametrize("width", [1280, 390])
def test_cells_keep_their_size_and_compare_stays_within_the_page(attention, width):
    page = attention(TEXT + "&attention.panel=Compare", width=width)
    cell = page.locator(CELLS).first.bounding_box()
    assert cell is not None and cell["width"] > 20 and cell["height"] > 20, "a figure is never squeezed into its column"
    pictures = page.locator("[class*=st-key-scrolling-compare]")
    expect(pictures).to_have_count(3)
    for index in range(3):
        expect(pictures.nth(index).locator("svg.marks")).to_be_visible()
        box = pictures.nth(index).bounding_box()
        assert box is not None and box["width"] > 150 and box["x"] + box["width"] <= width
    assert sideways(page) == 0


def test_no_panel_scrolls_the_page_of_a_phone_sideways(attention):
    page = attention(f"{TEXT}&attention.replace.by=blue", width=390)
    assert sideways(page) == 0 and page.locator(".st-key-attention-panel button").count() == 8
    assert faults(page, "attention-panel") == {}


def test_the_tools_of_a_table_lie_on_no_words_of_a_phone(attention):
    page = attention(TEXT + "&attention.panel=Is+it+real%3F", width=390)
    tools = page.get_by_test_id("stDataFrame").get_by_test_id("stElementToolbar").bounding_box()
    above = page.locator("p", has_text="Reference models: small networks").bounding_box()
    assert tools is not None and above is not None and tools["y"] >= above["y"] + above["height"]


def test_a_word_of_hundreds_of_letters_does_not_scroll_a_phone_sideways(attention):
    assert sideways(attention("attention.text=" + packed("x" * 1_500), width=390)) == 0


def test_a_click_chooses_a_row_and_a_click_in_the_chosen_row_moves_its_weight(attention):
    page = attention()
    click(page, 1, 2)
    expect(page).to_have_url(re.compile("attention.row=1"))
    settle(page)
    assert "attention.edits" not in page.url
    click(page, 1, 4)
    expect(page).to_have_url(re.compile("attention.edits=[0-9]+l4"))
    expect(page.get_by_text("before:")).to_be_visible()


def test_a_click_moves_the_matrix_from_under_no_pointer(attention):
    page = attention(width=1280)
    before = page.locator(CELLS).first.bounding_box()
    click(page, 0, 4)
    expect(page.get_by_text("before:")).to_be_visible()
    settle(page)
    after = page.locator(CELLS).first.bounding_box()
    assert before is not None and after is not None and abs(after["y"] - before["y"]) < 2


def test_the_weight_of_a_word_is_moved_and_the_link_restores_it(attention):
    page = attention()
    page.get_by_role("combobox", name="Looks at").click()
    page.get_by_role("option", name="5 two").click()
    expect(page).to_have_url(re.compile("attention.edits=0l4"))
    expect(page.get_by_text("before:")).to_be_visible()
    again = attention(page.url.split("?")[1])
    expect(again.get_by_text("before:")).to_be_visible()
    again.get_by_role("button", name="Undo all edits").click()
    expect(again).not_to_have_url(re.compile("attention.edits"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_of_ours(attention, scheme):
    assert violations(attention(scheme=scheme)) == {}
