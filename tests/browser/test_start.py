"""The start page in a real browser: its line follows what is typed, its doors and pictures lead on, on a phone too."""

import re

import pytest
from playwright.sync_api import Page, expect

from pages._start import line
from tests.browser.accessibility import violations
from tests.browser.chromium import ROOT, settle, sideways
from tests.browser.readiness import still

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
LOADED = "() => [...document.querySelectorAll('.start img')].every(image => image.complete && image.naturalWidth === 480)"


@pytest.fixture
def start(serve, visit):
    def go(**options):
        page = visit(serve(ROOT / "app.py", seconds=120).url, **options)
        page.wait_for_selector(".view.alone[data-unit]", timeout=120_000)
        still(page)
        return page

    return go


def test_the_line_follows_what_is_typed_and_the_doors_open_the_first_lesson_and_ones_own_network(start, tinies):
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
    expect(page.get_by_role("button", name="Learn: One step")).to_be_visible()  # the list of pages says where one is
    page.go_back()
    expect(page.locator(".st-key-start-line input")).to_have_value(line.FIRST.replace("http://", ""))
    the_third_door_opens_a_network_of_ones_own(page, (tinies / "wiki-gru.safetensors").read_bytes())


def the_third_door_opens_a_network_of_ones_own(page: Page, content: bytes) -> None:
    """Axe finds nothing there; a file that is refused and one that opens each get a sentence, and the link leads into its room."""
    page.get_by_role("link", name="I want to see inside my own model").click()
    expect(page.get_by_role("heading", name="What happens inside your own network?")).to_be_visible()
    assert violations(page) == {}
    for file, says in ((b"no checkpoint", "Nothing was changed."), (content, "is open. See it in")):
        page.locator("input[type=file]").set_input_files([{"name": "mine.safetensors", "mimeType": "", "buffer": file}])
        expect(page.get_by_text(says)).to_be_visible()
    assert violations(page) == {}
    with page.expect_popup() as opened:
        page.get_by_test_id("stAlert").get_by_role("link", name="Hidden states").click()
    expect(opened.value.get_by_text("Unit 0 of layer 1")).to_be_visible(timeout=120_000)
    opened.value.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_cut_off(start, scheme: str):
    page = start(width=390, height=844, scheme=scheme)
    assert sideways(page) == 0 and violations(page) == {}
    page.get_by_role("link", name="I teach").tap()
    expect(page.get_by_role("heading", name="The map of the lectures")).to_be_in_viewport()


def test_an_address_that_names_a_panel_opens_at_it_until_the_visitor_scrolls(serve, visit, tinies):
    url = serve(ROOT / "app.py", seconds=120).url
    top = "name => document.querySelector(`.st-key-${name}`)?.getBoundingClientRect().top"
    page = visit(f"{url}/confusions?confusions.panel=Scores", height=600)
    bar = page.locator(".st-key-confusions-panel")
    expect(bar).to_be_in_viewport()
    settle(page)
    assert 0 <= page.evaluate(top, "confusions-panel") < 120, "just below the bar of pages"
    page.mouse.move(600, 400)
    page.mouse.wheel(0, -5_000)
    page.wait_for_function(f"() => ({top})('confusions-panel') > 200")
    page.get_by_role("radio", name="Compare").or_(page.get_by_role("button", name="Compare")).first.dispatch_event("click")
    settle(page)
    assert page.evaluate(top, "confusions-panel") > 200, "a choice on the page does not move it"
    page = visit(f"{url}/confusions", height=600)
    settle(page)
    assert page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTop") == 0
