"""The start page in a real browser: its line follows what is typed, its doors and pictures lead on, on a phone too."""

import re

import pytest
from playwright.sync_api import expect

from pages._start import line
from tests.browser.chromium import ROOT, settle, sideways, violations

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
LOADED = "() => [...document.querySelectorAll('.start img')].every(image => image.complete && image.naturalWidth === 480)"


@pytest.fixture
def start(serve, visit):
    def go(**options):
        page = visit(serve(ROOT / "app.py", seconds=120).url, **options)
        page.wait_for_selector(".view.alone[data-unit]", timeout=120_000)
        settle(page, 120_000)
        return page

    return go


def test_the_line_follows_what_is_typed_and_a_door_opens_the_first_lesson(start):
    page = start(height=720)
    view = page.locator(".view.alone")
    first = view.get_attribute("data-digest")
    expect(view.locator(".map")).to_be_hidden()
    assert page.locator(".start .doors").bounding_box()["y"] + page.locator(".start .doors").bounding_box()["height"] <= 720
    page.locator(".st-key-start-line input").fill(line.FIRST.replace("http://", ""))  # typed, without Enter
    expect(view).not_to_have_attribute("data-digest", str(first))
    expect(page).to_have_url(re.compile("start.line="))
    assert page.evaluate(LOADED)
    page.get_by_role("link", name="I am learning").click()
    expect(page.get_by_text("The loss of a step")).to_be_visible(timeout=120_000)
    page.go_back()
    expect(page.locator(".st-key-start-line input")).to_have_value(line.FIRST.replace("http://", ""))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_cut_off(start, scheme: str):
    page = start(width=390, height=844, scheme=scheme)
    assert sideways(page) == 0 and violations(page) == {}
    page.get_by_role("link", name="I teach").tap()
    expect(page.get_by_role("heading", name="The map of the lectures")).to_be_in_viewport()
