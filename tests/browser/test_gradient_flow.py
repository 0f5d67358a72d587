"""The page of gradients in a real browser: it draws, a click or a key chooses the character, the slider lifts a line, the link restores."""

import io
import re
from collections import Counter
from html import unescape

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.accessibility import CONTRAST, faults, recolour, violations
from tests.browser.chromium import printed, settle, sideways
from tests.browser.readiness import rerun

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
FIGURE, CELLS = ".st-key-gradient_flow-curves-frame svg.marks", ".st-key-gradient_flow-curves-text [role=option]"


@pytest.fixture
def flow(room, tinies):
    def go(query: str = "", **options) -> Page:
        return room("gradient_flow", tinies, "How far back does learning reach?", FIGURE, query, **options)

    return go


def draws(page: Page, width: int) -> None:
    """The curves fill the page, and the chosen character is in sight."""
    assert sideways(page) == 0
    chosen, frame = page.locator(f"{CELLS}[aria-selected=true]"), page.locator(".st-key-gradient_flow-curves-text [role=listbox]")
    expect(chosen).to_have_text("]")
    inner, outer = chosen.bounding_box(), frame.bounding_box()
    assert outer["y"] <= inner["y"] and inner["y"] + inner["height"] <= outer["y"] + outer["height"]
    assert page.locator(FIGURE).bounding_box()["width"] > 0.8 * min(width, 1180)
    # The sentence comes when the lines are there: its place is kept from the start, and nothing below it moves.
    assert page.locator(".st-key-gradient_flow-sentence").evaluate("e => getComputedStyle(e).minHeight") == (
        "52px" if width == 390 else "26px"
    )


def drawn(svg: str) -> tuple[Counter, Counter, set]:
    """What an SVG of Vega draws: its marks, its letters with their strength, its colours."""
    marks = Counter(re.findall(r'class="mark-(\w+ role-[\w-]+)', svg))
    letters = Counter((unescape(text), 'opacity="0"' in how) for how, text in re.findall(r"<text([^>]*)>([^<>]+)</text>", svg))
    return marks, letters, set(re.findall(r'(?:fill|stroke)="(#\w{6})"', svg))


def saves_and_prints_what_it_shows(page: Page) -> None:
    """The saved figure is the one on screen, and one sheet of paper has it."""
    page.locator(".st-key-gradient_flow-curves-figure-save button").first.click()
    with page.expect_download() as saved:
        page.locator(".st-key-gradient_flow-curves-figure-SVG button").click()
    page.keyboard.press("Escape")
    marks, letters, colours = drawn(saved.value.path().read_text())
    screen = drawn(page.locator(FIGURE).evaluate("figure => figure.outerHTML"))
    assert (marks, letters) == screen[:2] and colours | {"#ffffff"} == screen[2] | {"#ffffff"}
    assert ("]", True) not in letters and sum(letters.values()) > 100, "letters of the strip"
    sheets, shown = printed(page, [FIGURE, ".st-key-gradient_flow-sentence", ".st-key-printed-link", ".st-key-gradient_flow-panel"])
    assert (sheets, shown) == (1, [True, True, True, False])


def shows_a_surface(page: Page) -> None:
    """The surface is drawn with its sentence."""
    surface = page.locator(".st-key-gradient_flow-clipping-frame")
    expect(surface.locator("canvas").first).to_be_visible()
    expect(surface.locator("[aria-label*='no clipping: longest step 5']").first).to_be_attached()


def follows_its_sliders(page: Page) -> None:
    """The laboratory draws another curve at once."""
    curve = page.locator(".st-key-gradient_flow-laboratory-frame svg.marks .mark-line path").first
    expect(curve).to_be_visible()
    before = curve.get_attribute("d")
    slider = page.get_by_role("slider", name="σ of W")
    slider.focus()
    slider.press("ArrowRight")
    expect(page).to_have_url(re.compile("laboratory.size=3.05"))
    expect(curve).not_to_have_attribute("d", before)


def panel(page: Page, name: str) -> None:
    """Show a panel."""
    rerun(page, page.locator(".st-key-gradient_flow-panel button", has_text=name).click)


def test_a_wide_page_draws_saves_prints_and_axe_finds_nothing(flow):
    page = flow("gradient_flow.panel=Laboratory&gradient_flow.laboratory.units=8&gradient_flow.laboratory.steps=20")
    draws(page, 1280)
    assert violations(page) == {}
    saves_and_prints_what_it_shows(page)
    follows_its_sliders(page)
    panel(page, "Clipping")
    shows_a_surface(page)
    recolour(page, "dark")
    assert violations(page, rules=CONTRAST) == {}


def drags_and_moves_the_columns_of_a_matrix(page: Page) -> None:
    picture, second = page.locator(".matrix"), page.locator(".matrix .handle").nth(1)
    expect(second).to_have_attribute("aria-valuetext", "0.10 to the right, 0.70 up")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    x, y = (box["x"] + box["width"] * (0.5 + 0.1 / 3.5), box["y"] + box["height"] * (0.5 - 0.7 / 3.5))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - box["width"] * 0.6 / 3.5, y + box["height"] * 0.2 / 3.5, steps=4)
    expect(second).to_have_attribute("aria-valuetext", "-0.50 to the right, 0.50 up")
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"multiply.b=-0.5(&|$)"))
    expect(page).to_have_url(re.compile(r"multiply.d=0.5(&|$)"))
    settle(page)
    second.focus()
    for name in ("ArrowLeft", "ArrowUp", "ArrowUp"):
        page.keyboard.press(name)
    expect(page).to_have_url(re.compile(r"multiply.d=0.6(&|$)"))
    expect(page).to_have_url(re.compile(r"multiply.b=-0.55(&|$)"))
    expect(page.get_by_role("slider", name="b, row 1, column 2")).to_have_value("-0.55")
    assert sideways(page) == 0


def shows_the_whole_surface(page: Page) -> None:
    """What is drawn on the graphics card tells nobody when it is, so it is looked at until it is there."""
    scene = page.locator(".st-key-gradient_flow-clipping-frame canvas").first
    expect(scene).to_be_visible()
    for _ in range(100):
        pixels = np.asarray(Image.open(io.BytesIO(scene.screenshot())).convert("L"), int)
        drawn = np.flatnonzero((abs(pixels - pixels[-1, 0]) > 30).mean(0) > 0.05)  # columns of which more than labels is drawn
        if drawn.size and 5 < drawn[0] < 60 and 250 < drawn[-1] < pixels.shape[1] - 5:
            return
        page.wait_for_timeout(100)
    pytest.fail(f"drawn are the columns {drawn}")


def test_a_phone_draws_drags_and_no_panel_scrolls_it_sideways_or_shuts_anybody_out(flow):
    page = flow(width=390, scheme="dark")
    draws(page, 390)
    assert faults(page, "gradient_flow-panel") == {}
    panel(page, "Multiply")
    drags_and_moves_the_columns_of_a_matrix(page)
    panel(page, "Clipping")
    shows_the_whole_surface(page)


def test_a_click_and_a_key_choose_the_character_the_link_restores_it_and_the_slider_lifts_a_line(flow):
    page = flow()
    page.locator(CELLS).nth(150).click()
    expect(page).to_have_url(re.compile("gradient_flow.at=150"))
    settle(page)
    page.locator(CELLS).nth(150).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("gradient_flow.at=151"))
    expect(page.locator(f"{CELLS}[aria-selected=true]")).to_have_count(1)
    expect(page.locator(CELLS).nth(151)).to_have_attribute("aria-selected", "true")
    again = flow(page.url.split("?")[1])
    expect(again.locator(CELLS).nth(151)).to_have_attribute("aria-selected", "true")
    renames_and_lifts_the_line_of_the_untrained_lstm(again)


def renames_and_lifts_the_line_of_the_untrained_lstm(page: Page) -> None:
    names = page.locator(f"{FIGURE} .mark-text text")
    expect(names.filter(has_text="forget bias 0").first).to_be_visible()
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(4):
        slider.press("ArrowRight")
        settle(page)  # presses faster than a run may leave an earlier value in the address
    expect(names.filter(has_text="forget bias 2").first).to_be_visible()
    expect(page).to_have_url(re.compile(r"gradient_flow.bias=2(\.0)?(&|$)"))
