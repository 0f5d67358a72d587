"""The page of confusions in a real browser: it draws, its gesture works, a click opens a cell and a name, the link restores it."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from models.names.network import probabilities
from tests.browser.accessibility import CONTRAST, faults, recolour, violations
from tests.browser.chromium import settle, sideways
from tests.models.names.tiny_names import source, tiny_namer

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
CELLS = ".st-key-scrolling-confusions-matrix g.mark-rect.role-mark path"  # row by row as the labels come, then the diagonal


@pytest.fixture
def confusions(room, tinies):
    drawn = ".st-key-scrolling-confusions-matrix svg.marks"
    return lambda query="", **options: room("confusions", tinies, "Which languages get confused, and", drawn, query, **options)


def draws(page: Page, width: int) -> None:
    """The pairs stand below the matrix, on a phone above it; the legend is in sight and the right edge fades where it is cut."""
    assert sideways(page) == 0
    pairs, matrix = (page.locator(f".st-key-{part}").first for part in ("confusions-matrix-pair-0", "scrolling-confusions-matrix"))
    assert (matrix.bounding_box()["y"] < pairs.bounding_box()["y"]) is (width > 640)
    legend = matrix.locator(".role-legend").bounding_box()
    assert legend["x"] >= 0 and legend["x"] + legend["width"] <= width
    is_cut = matrix.evaluate("e => e.scrollWidth > e.clientWidth")
    fades = [page.evaluate("e => getComputedStyle(e).getPropertyValue('--cut-right')", matrix.element_handle())]
    matrix.evaluate("e => new Promise((end) => { e.scrollTo(9999, 0); requestAnimationFrame(() => requestAnimationFrame(end)); })")
    fades.append(page.evaluate("e => getComputedStyle(e).getPropertyValue('--cut-right')", matrix.element_handle()))
    assert (is_cut, fades) == ((True, ["40px", "0px"]) if width == 390 else (False, ["0px", "0px"]))


def names_its_lines(page: Page) -> None:
    """The lines stand over the letters of Nowak and end with the answers' names."""
    labels = tiny_namer().card["labels"]
    svg = page.locator(".st-key-scrolling-confusions-lines svg.marks")
    letters = svg.locator(".role-axis-label text")
    assert [letter for letter in letters.all_text_contents() if letter.isalpha()] == list("nowak")
    ends = svg.locator(".mark-text.role-mark:not([aria-hidden]) text").all_text_contents()
    assert len(ends) == 5 and "other" in ends and set(ends) - {"other"} <= set(labels)


def opens_terms(page: Page, width: int) -> None:
    """The button Terms opens by keyboard within the screen, and closes."""
    page.get_by_role("button", name="Terms").first.focus()
    page.keyboard.press("Enter")
    terms = page.get_by_test_id("stPopoverBody")
    expect(terms.get_by_role("link", name="Wilson interval")).to_be_attached()
    box = terms.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width and sideways(page) == 0
    page.keyboard.press("Escape")
    expect(terms).to_be_hidden()


def test_a_wide_page_draws_names_its_lines_opens_terms_and_axe_finds_nothing(confusions):
    page = confusions("confusions.text=Nowak")
    draws(page, 1280)
    names_its_lines(page)
    assert violations(page) == {}
    opens_terms(page, 1280)
    recolour(page, "dark")
    assert violations(page, rules=CONTRAST) == {}


def can_be_pressed_by_a_finger(page: Page) -> None:
    """What a finger presses is high enough."""
    boxes = "[data-testid=stTextInputRootElement], [data-testid=stSelectbox] div:has(> input)"
    parts = page.locator(
        f"[data-testid=stMain] :is(button:not([data-testid=stSelectbox] *, [data-testid$=Toolbar]), summary, {boxes}):visible"
    )
    low = [part.evaluate("e => e.outerHTML.slice(0, 300)") for part in parts.all() if part.bounding_box()["height"] < 44]
    assert not low and parts.count() > 20


def test_a_phone_draws_opens_terms_and_no_panel_scrolls_it_sideways_or_shuts_anybody_out(confusions):
    page = confusions(f"confusions.panel=Compare&confusions.cell={source().labels[0]}>{source().labels[1]}", width=390, scheme="dark")
    can_be_pressed_by_a_finger(page)
    draws(page, 390)
    opens_terms(page, 390)
    assert faults(page, "confusions-panel") == {}


def test_the_gesture_takes_the_last_letter_the_link_restores_it_and_typing_is_the_gesture_without_enter(confusions):
    page = confusions()
    columns = page.locator(".st-key-scrolling-confusions-lines .role-axis-label text")
    expect(columns.filter(has_text=re.compile("^v$"))).to_have_count(2)  # silvanov
    page.get_by_role("button", name="Delete the last letter").click()
    expect(columns.filter(has_text=re.compile("^v$"))).to_have_count(1)
    expect(page).to_have_url(re.compile("confusions.text=Silvano(&|$)"))
    again = confusions(page.url.split("?")[1])
    expect(again.get_by_role("textbox", name="Name")).to_have_value("Silvano")
    again.get_by_role("button", name="Put the").click()
    expect(again).not_to_have_url(re.compile("confusions.text"))
    settle(page)
    types_without_enter(page, columns)


def types_without_enter(page: Page, letters: Locator) -> None:
    """Typing is the stepper without Enter, and no letter is lost."""
    box = page.get_by_role("textbox", name="Name")
    expect(box).to_have_value("Silvano")
    box.press("End")
    box.press("Backspace")
    expect(page).to_have_url(re.compile("confusions.text=Silvan(&|$)"))
    page.keyboard.type("czewski", delay=70)  # faster than the page draws
    expect(page).to_have_url(re.compile("confusions.text=Silvanczewski(&|$)"))
    expect(box).to_have_value("Silvanczewski")
    expect(box).to_be_focused()
    expect(letters.filter(has_text=re.compile("^z$"))).to_have_count(1)


def test_a_click_opens_a_cell_and_its_names(confusions):
    page = confusions("confusions.order=order+by+index")
    labels = source().labels
    row, column = 3, 5
    page.locator(CELLS).nth(row * len(labels) + column).click()
    expect(page).to_have_url(re.compile(f"confusions.cell={labels[row]}(%3E|>){labels[column]}"))
    expect(page.get_by_text(f"{labels[row]} names classified as {labels[column]}")).to_be_visible()


def test_a_name_of_a_cell_is_read_where_the_visitor_is(confusions):
    loaded, (_, dev) = tiny_namer(), source().split()
    pairs = list(zip(dev.targets.tolist(), probabilities(loaded, dev.texts).argmax(1).tolist(), strict=True))
    cell = ">".join(dev.labels[label] for label in max(set(pairs), key=pairs.count))
    page = confusions(f"confusions.cell={cell}")
    table = page.locator("[data-testid=stDataFrame]").first
    table.click(position={"x": 18, "y": 52})  # the box before the first name
    said = page.get_by_text("is the most likely language").last
    expect(page.locator(".st-key-scrolling-confusions-opened svg.marks")).to_be_visible()
    expect(said).to_be_in_viewport()
    expect(page.get_by_role("button", name="Show it at the top")).to_be_visible()
