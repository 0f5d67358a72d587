"""The page of gradients in a real browser: it draws, a click or a key chooses the character, the slider lifts a line, the link restores."""

import io
import json
import re
from collections import Counter
from html import unescape

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.chromium import faults, printed, settle, sideways, violations
from tests.models.tiny import save_tiny

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
FIGURE, CELLS = ".st-key-gradient_flow-curves-frame svg.marks", ".st-key-gradient_flow-curves-text [role=option]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tiny networks: what a page does must not hang on what trained ones say."""
    path = tmp_path_factory.mktemp("checkpoints")
    for cell in ("lstm", "gru", "rnn"):
        save_tiny(path / f"wiki-{cell}.safetensors", cell=cell)
    lags = {share: [100, 150, None] for share in ("1/2", "1/10", "1/100", "1/1000")}
    layer = {"lags": lags, "factors": {"0-5": 0.5, "5-20": 0.9, "20-50": 0.9, "50-100": 0.9, "100-200": 0.9}, "half_life": None}
    layer |= {"low": [0.0] * 201, "high": [0.0] * 201}
    record = {"weights": "", "losses": 7, "runs": {"untrained, forget bias 1": [layer]}}
    (path / "wiki-gradients.json").write_text(json.dumps({"wiki-lstm": record}))
    return path


@pytest.fixture
def flow(room, folder):
    def go(query: str = "", **options) -> Page:
        return room("gradient_flow", folder, "How far back does learning reach?", FIGURE, query, **options)

    return go


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_draws_without_scrolling_sideways_with_the_chosen_character_in_sight(flow, width, scheme):
    page = flow(width=width, scheme=scheme)
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_of_ours(flow, scheme):
    assert violations(flow(scheme=scheme)) == {}


def drawn(svg: str) -> tuple[Counter, Counter, set]:
    """What an SVG of Vega draws: its marks, its letters with their strength, its colours."""
    marks = Counter(re.findall(r'class="mark-(\w+ role-[\w-]+)', svg))
    letters = Counter((unescape(text), 'opacity="0"' in how) for how, text in re.findall(r"<text([^>]*)>([^<>]+)</text>", svg))
    return marks, letters, set(re.findall(r'(?:fill|stroke)="(#\w{6})"', svg))


def test_the_saved_figure_is_the_one_on_screen_and_prints_on_one_sheet(flow):
    page = flow()
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


def test_a_click_and_a_key_choose_the_character_and_the_link_restores_it(flow):
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


def test_the_slider_renames_and_lifts_the_line_of_the_untrained_lstm(flow):
    page = flow()
    names = page.locator(f"{FIGURE} .mark-text text")
    expect(names.filter(has_text="forget bias 0").first).to_be_visible()
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(4):
        slider.press("ArrowRight")
        settle(page)  # presses faster than a run may leave an earlier value in the address
    expect(names.filter(has_text="forget bias 2").first).to_be_visible()
    expect(page).to_have_url(re.compile(r"gradient_flow.bias=2(\.0)?(&|$)"))


def test_the_columns_of_the_matrix_are_dragged_and_moved_with_keys(flow):
    page = flow("gradient_flow.panel=Multiply", width=390)
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


def test_the_surface_is_drawn_with_its_sentence(flow):
    page = flow("gradient_flow.panel=Clipping")
    surface = page.locator(".st-key-gradient_flow-clipping-frame")
    expect(surface.locator("canvas").first).to_be_visible()
    expect(surface.locator("[aria-label*='no clipping: longest step 5']").first).to_be_attached()


def test_a_narrow_screen_has_the_whole_surface(flow):
    page = flow("gradient_flow.panel=Clipping", width=390)
    scene = page.locator(".st-key-gradient_flow-clipping-frame canvas").first
    expect(scene).to_be_visible()
    page.wait_for_timeout(2000)  # what is drawn on the graphics card tells nobody when it is
    pixels = np.asarray(Image.open(io.BytesIO(scene.screenshot())).convert("L"), int)
    drawn = np.flatnonzero((abs(pixels - pixels[-1, 0]) > 30).mean(0) > 0.05)  # columns of which more than labels is drawn
    assert 5 < drawn[0] < 60 and 250 < drawn[-1] < pixels.shape[1] - 5


def test_the_laboratory_follows_its_sliders_at_once(flow):
    page = flow("gradient_flow.panel=Laboratory&gradient_flow.laboratory.units=8&gradient_flow.laboratory.steps=20")
    curve = page.locator(".st-key-gradient_flow-laboratory-frame svg.marks .mark-line path").first
    expect(curve).to_be_visible()
    before = curve.get_attribute("d")
    slider = page.get_by_role("slider", name="σ of W")
    slider.focus()
    slider.press("ArrowRight")
    expect(page).to_have_url(re.compile("laboratory.size=3.05"))
    expect(curve).not_to_have_attribute("d", before)


def test_no_panel_scrolls_a_phone_sideways_or_shuts_anybody_out(flow):
    assert faults(flow(width=390), "gradient_flow-panel") == {}
