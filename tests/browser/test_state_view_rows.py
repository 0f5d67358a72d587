"""The state view in a real browser where its rows are no characters: words at their width, numbers as lines."""

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import violations

pytestmark = pytest.mark.browser


def said(page: Page) -> str:
    """The line under the text."""
    return page.locator(".readout").inner_text().replace("\n", " ")


def wait_until_told(page: Page, text: str) -> None:
    """Waits until Python knows."""
    expect(page.get_by_text(re.compile(rf"Told: .*{text}"))).to_be_visible(timeout=15_000)


def test_words_are_clicked_walked_selected_and_called_words(open_view):
    page = open_view("rows=words")
    box = page.locator(".text").bounding_box()
    # {{Infobox, building, |, name: ten, nine, two columns of 10 px, the last of them free.
    for x, cursor, word in ((85, 0, "{{Infobox"), (105, 1, "building"), (185, 1, "building"), (195, 2, "|"), (225, 3, "name")):
        page.mouse.click(box["x"] + x, box["y"] + 12)
        expect(page.locator(f".view[data-cursor='{cursor}']")).to_be_visible()
        assert said(page).startswith(word) and f"word {cursor + 1} " in said(page)
    page.locator(".text").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowRight")
    wait_until_told(page, "cursor 3, selection 2 to 4")
    page.keyboard.press("ArrowDown")
    assert page.locator(".view").get_attribute("data-unit") != "21"
    expect(page.locator(".came")).to_contain_text("actual next word")
    expect(page.get_by_role("button", name="next words")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("move the cursor one word")
    expect(page.get_by_role("dialog")).to_contain_text("five most likely next words")


INKED = """([left, top, width, height]) => {
    const roots = [...document.querySelectorAll("*")].map((e) => e.shadowRoot);
    const canvas = roots.find((r) => r?.querySelector(".view .text")).querySelector(".text canvas");
    const data = canvas.getContext("2d").getImageData(left, top, width, height).data;
    const isDark = (at) => (data[at + 3] > 100 && data[at] < 90 ? 1 : 0);
    return [...Array(height).keys()].map((y) => [...Array(width).keys()].map((x) => isDark((y * width + x) * 4)));
}"""


def inked(page: Page, left: int, top: int, width: int, height: int) -> np.ndarray:
    """Which pixels of the lanes have dark ink, [row, column]."""
    return np.array(page.evaluate(INKED, [left, top, width, height]))


def test_numbers_are_lines_with_the_gestures_of_text(open_view):
    page = open_view("rows=numbers&n=400")
    box = page.locator(".text").bounding_box()
    column = box["width"] / 400
    # The warmth turns with the year: coldest at its start, warmest after half of it, and nothing where ten days are missing.
    lane = inked(page, 0, 62 + 18, int(box["width"]), 40)
    rows = np.array([lane[:, int((day + 0.5) * column)].nonzero()[0].mean() for day in (10, 183, 350)])
    assert rows[1] < 8 and rows[0] > 28 and rows[2] > 28, rows
    assert not lane[:-2, int(21 * column) : int(29 * column)].any()
    page.mouse.click(box["x"] + 25.5 * column, box["y"] + 30)
    assert "rain, mm 4 · temperature missing · day 25 · step 26 · 2001-03-30" in said(page)
    page.mouse.move(box["x"] + 40.5 * column, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 60.5 * column, box["y"] + 30, steps=4)
    page.mouse.up()
    wait_until_told(page, "cursor 60, selection 40 to 61")
    page.locator(".text").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    wait_until_told(page, "cursor 61, .*runs 3")
    shows_one_alone_and_stretches(page)
    expect(page.locator(".heard")).to_contain_text(re.compile(r"over all 400 steps: .* \(2001-\d\d-\d\d"))
    assert "rain, mm from 0 to 4" in (page.locator(".text canvas").get_attribute("aria-label") or "")
    assert violations(page, ".st-key-map") == {}


def shows_one_alone_and_stretches(page: Page) -> None:
    """By key and by list; the axis of the lanes stays that of the map."""
    height = page.locator(".text").bounding_box()["height"]
    page.keyboard.press("c")
    assert page.locator(".text").bounding_box()["height"] == height - 2 * 62
    assert "temperature" not in said(page)
    wait_until_told(page, "alone 0")
    page.get_by_label("inputs that are drawn").select_option("day alone")
    wait_until_told(page, "alone 2")
    page.get_by_label("inputs that are drawn").select_option("all inputs")
    width = page.locator(".window .sizer").bounding_box()["width"]
    page.get_by_role("button", name="fewer steps in the width").click()
    assert page.locator(".window .sizer").bounding_box()["width"] > 1.9 * width
    box = page.locator(".text").bounding_box()
    page.mouse.click(box["x"] + 200, box["y"] + 30)
    chosen = page.locator(".view").get_attribute("data-cursor")
    page.locator(".window").hover(position={"x": 200, "y": 20})
    expect(page.locator(".hover")).to_contain_text(f"step {int(chosen or 0) + 1},")


def test_ten_thousand_numbers_are_seen_whole_and_none_is_lost(open_view):
    page = open_view("rows=numbers&n=10000", width=390, height=844)
    box = page.locator(".text").bounding_box()
    assert box["width"] < 390 and box["y"] + box["height"] < 844
    top = inked(page, 2, 18 + 1, int(box["width"]) - 4, 3)
    assert top.any(0).all(), "it rains every tenth day, so in each pixel"
    page.locator(".text").focus()
    page.keyboard.press("End")
    assert "step 10,000 · 2028-07-20" in said(page)
