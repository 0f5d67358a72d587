"""The page of captions in a real browser: words change the mask without a run, a click hides a place, keys and playing work."""

import re

import pytest
from playwright.sync_api import Page, expect

from models.captioning.images import cell_at
from models.captioning.occlusion import around
from tests.browser.accessibility import CONTRAST, faults, recolour, violations
from tests.browser.chromium import ROOT, settle, sideways

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
SCENE = "captions.picture=scene:3&captions.word=0"


@pytest.fixture
def captions(serve, visit, tinies):
    def go(query: str = SCENE, **options) -> Page:
        server = serve(ROOT / "app.py", seconds=120, environment={"EXPLORER_CHECKPOINTS": str(tinies)})
        page = visit(f"{server.url}/captions?{query}", **options)
        expect(page.get_by_role("heading", name="Where did the model look")).to_be_visible()
        page.wait_for_selector(".view .words button", timeout=120_000)
        settle(page, 120_000)
        return page

    return go


def pressed(page: Page) -> int:
    """The place of the word whose button is pressed."""
    states = page.locator(".view .words button:not(.play)").evaluate_all("all => all.map((one) => one.ariaPressed)")
    assert states.count("true") == 1
    return states.index("true")


def mask(page: Page, which: int = 0) -> str:
    return page.locator(".view .mask").nth(which).get_attribute("src") or ""


def draws(page: Page, is_wide: bool) -> None:
    """Both pictures are square, side by side or one below the other, and nothing scrolls sideways."""
    assert sideways(page) == 0
    boxes = [page.locator(".view .picture").nth(which).bounding_box() for which in range(2)]
    assert all(box and box["width"] == box["height"] for box in boxes)
    assert (boxes[0]["y"] == boxes[1]["y"]) == is_wide


def test_a_wide_page_draws_and_axe_finds_nothing(captions):
    page = captions()
    draws(page, is_wide=True)
    assert violations(page) == {}
    recolour(page, "dark")
    draws(page, is_wide=True)
    assert violations(page, rules=CONTRAST) == {}


def test_a_phone_draws_and_no_panel_scrolls_it_sideways_or_shuts_anybody_out(captions):
    page = captions(width=390, scheme="dark")
    draws(page, is_wide=False)
    assert faults(page, "captions-panel") == {}
    draws(page, is_wide=False)


def test_another_word_shows_another_mask_at_once_and_playing_goes_through_all_where_motion_is_wanted(captions):
    page = captions()
    first = mask(page), mask(page, 1)
    page.locator(".view .words button").nth(1).click()
    assert pressed(page) == 1 and mask(page) != first[0] and mask(page, 1) != first[1]
    expect(page).to_have_url(re.compile("captions.word=1"))
    settle(page)
    assert pressed(page) == 1
    page.locator(".view").focus()
    page.keyboard.press("ArrowLeft")
    assert pressed(page) == 0 and mask(page) == first[0]
    expect(page).to_have_url(re.compile("captions.word=0"))
    settle(page)
    words = page.locator(".view .words button:not(.play)").count()
    page.locator(".view").evaluate("""(root) => {
        window.seen = new Set();
        const note = root.querySelector('.note');
        new MutationObserver(() => window.seen.add(note.textContent)).observe(note, { childList: true });
    }""")
    page.get_by_role("button", name="play the words").click()
    page.wait_for_function(f"window.seen.size >= {words}")
    page.get_by_role("button", name="stop", exact=True).click()
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    page.wait_for_selector(".view .words button")
    settle(page)
    assert page.locator(".view .play").is_hidden()
    before = pressed(page)
    page.locator(".view").focus()
    page.keyboard.press("Space")  # steps once
    assert pressed(page) == (before + 1) % words


def hides_and_shows_by_the_keyboard_alone(page: Page) -> None:
    page.locator(".view .words button").last.focus()
    page.keyboard.press("Tab")
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    box, first = (page.locator(f".view {part}").first.bounding_box() for part in (".cursor", ".picture"))
    assert box["x"] - first["x"] == pytest.approx(5 * first["width"] / 14, abs=1)  # from the middle of 14: row 7, column 7
    assert pressed(page) == 0  # the arrows did not choose a word
    page.keyboard.press("Enter")
    cells = ".".join(map(str, around((6, 5), (14, 14), 3)))
    expect(page).to_have_url(re.compile(f"captions.hidden={cells}(&|$)"))
    settle(page)
    expect(page.get_by_role("button", name="show row 7, column 6")).to_have_count(2)
    page.locator(".view .cursor").first.press("Enter")
    expect(page).not_to_have_url(re.compile("captions.hidden"))
    settle(page)


def hides_and_shows_by_two_clicks(page: Page) -> None:
    """A second click at the same point takes the first one back."""
    box = page.locator(".view .picture").first.bounding_box()
    point = box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"]
    page.mouse.click(*point)
    expect(page).to_have_url(re.compile("captions.hidden"))
    settle(page)
    expect(page.get_by_role("button", name="Show the whole picture")).to_be_visible()
    assert page.locator(".view .picture").first.bounding_box() == box  # it did not move away under the mouse
    page.mouse.click(*point)
    expect(page).not_to_have_url(re.compile("captions.hidden"))
    settle(page)


def test_a_place_is_hidden_by_keys_and_clicks_where_the_picture_was_clicked_and_the_link_restores_it(captions):
    page = captions()
    hides_and_shows_by_the_keyboard_alone(page)
    hides_and_shows_by_two_clicks(page)
    box = page.locator(".view .picture").nth(1).bounding_box()
    x, y = 0.3 * box["width"], 0.8 * box["height"]
    page.mouse.click(box["x"] + x, box["y"] + y)
    cells = around(cell_at(x, y, (14, 14), (box["width"], box["height"])), (14, 14), 3)
    expect(page).to_have_url(re.compile(f"captions.hidden={'.'.join(map(str, cells))}$|captions.hidden={'.'.join(map(str, cells))}&"))
    expect(page.get_by_text("mean features:")).to_be_visible()
    settle(page)
    hole = page.locator(".view .picture").nth(0).locator(".hole").first.bounding_box()
    first = page.locator(".view .picture").nth(0).bounding_box()
    assert hole["x"] - first["x"] == pytest.approx(cells[0] % 14 * first["width"] / 14, abs=1)
    assert hole["y"] - first["y"] == pytest.approx(cells[0] // 14 * first["height"] / 14, abs=1)
    again = captions(page.url.split("?")[1])
    expect(again.get_by_text("mean features:")).to_be_visible()
    again.get_by_role("button", name="Show the whole picture").click()
    expect(again).not_to_have_url(re.compile("captions.hidden"))


def test_a_photograph_has_the_same_clicks(captions):
    hides_and_shows_by_two_clicks(captions("captions.picture=photo:temple&captions.word=0"))
