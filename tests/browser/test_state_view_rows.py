"""The state view in a real browser where its rows are no characters: words at their width."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def open_view(serve, visit):
    def go(query: str = "", **options) -> Page:
        page = visit(f"{serve('bracket').url}/?{query}", **options)
        page.wait_for_selector(".view[data-unit]")
        return page

    return go


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
