"""The page of hidden states in a real browser: it draws, its gesture works, its link restores it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import CONTRAST, faults, recolour, violations
from tests.browser.chromium import ROOT, printed, settle, sideways
from tests.browser.readiness import rerun, still
from tests.pages.test_hidden_states_own import own_checkpoint

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
# Violations of Streamlit's own widgets, not ours: rule -> (what it strikes, reason). A row that strikes nothing fails.
NOT_OURS: dict[str, str] = {}


@pytest.fixture
def hidden_states(serve, visit):
    def go(query: str = "", **options) -> Page:
        page = visit(f"{serve(ROOT / 'app.py', seconds=120).url}/hidden_states?{query}", **options)
        page.wait_for_selector(".view[data-unit]", timeout=120_000)
        still(page)
        return page

    return go


READ = """() => {
    const roots = [...document.querySelectorAll("*")].map((e) => e.shadowRoot);
    const canvas = roots.find((r) => r?.querySelector(".view .text")).querySelector(".text canvas");
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let warm = 0;
    for (let i = 0; i < pixels.length; i += 4) warm += pixels[i] > pixels[i + 2] + 60;
    return [canvas.width, canvas.height, warm];
}"""


def painted(page: Page) -> list[int]:
    """Width, height and the number of warm pixels of the text's canvas."""
    return page.evaluate(READ)


def until(page: Page, wanted: Callable[[list[int]], bool]) -> None:
    """Wait until what is painted is as wanted; fail after forty seconds."""
    for _ in range(200):
        if wanted(painted(page)):
            return
        page.wait_for_timeout(200)
    pytest.fail(f"still painted: {painted(page)}")


def is_one_line(page: Page, beginning: str) -> bool:
    """Whether the sentence above the figure, which begins so, takes one line: a second one would move everything below it."""
    sentence = page.get_by_test_id("stMarkdownContainer").filter(has_text=re.compile(f"^{beginning}")).locator("p")
    return sentence.evaluate("p => p.getBoundingClientRect().height < 1.9 * parseFloat(getComputedStyle(p).lineHeight)")


def draws(page: Page, width: int) -> None:
    """The text is painted in the width of the page, which does not scroll sideways."""
    expect(page.get_by_role("heading", name="What does each neuron remember?")).to_be_visible()
    assert painted(page)[0] > 0.8 * min(width, 1120)
    assert sideways(page) == 0


def excludes_nobody(page: Page, rules: tuple[str, ...] = ()) -> None:
    """Axe finds nothing of ours on the page and in its dialogs."""
    read = {"rules": rules, "known": f"with {rules}"}
    by_rule = violations(page, **read)
    page.get_by_role("button", name="keyboard shortcuts").click()
    by_rule |= violations(page, **read)
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    for dialog in ("Terms", "Save", "Your text", "Change", "inside [[ ]]"):
        page.get_by_role("button", name=dialog).first.click()
        expect(page.get_by_test_id("stPopoverBody").last).to_be_visible()
        by_rule |= violations(page, **read)
        page.keyboard.press("Escape")
    ours = {rule: elements for rule, elements in by_rule.items() if rule not in NOT_OURS}
    assert not ours, ours
    assert set(by_rule) >= set(NOT_OURS), "a row of NOT_OURS is no longer needed"


def prints_figure_sentence_and_link_on_one_sheet(page: Page) -> None:
    parts = [".view .text", "h1", ".st-key-printed-link", ".st-key-hidden_states-panel", "[data-testid=stVegaLiteChart]"]
    assert printed(page, parts) == (1, [True, True, True, False, False])
    expect(page.locator(".st-key-printed-link")).to_contain_text("hidden_states.unit=33")


def test_a_wide_page_draws_prints_and_excludes_nobody_light_and_dark(hidden_states):
    page = hidden_states("hidden_states.panel=This+unit")
    draws(page, 1280)
    excludes_nobody(page)
    recolour(page, "dark")
    draws(page, 1280)
    excludes_nobody(page, CONTRAST)
    page.locator("#unit").fill("33")
    expect(page).to_have_url(re.compile("hidden_states.unit=33"))
    rerun(page, page.locator(".st-key-hidden_states-panel button", has_text="Compare").click)
    prints_figure_sentence_and_link_on_one_sheet(page)
    recolour(page, "light")
    prints_figure_sentence_and_link_on_one_sheet(page)


def keeps_what_is_rarely_changed_behind_one_button(page: Page) -> None:
    layer = page.get_by_role("combobox", name="Layer")
    expect(layer).to_have_count(0)
    page.get_by_role("button", name="Change").tap()
    expect(layer).to_be_visible()
    page.keyboard.press("Escape")
    expect(layer).to_have_count(0)


def test_a_phone_draws_keeps_a_button_for_the_rest_and_no_panel_scrolls_it_sideways_or_shuts_anybody_out(hidden_states):
    page = hidden_states(width=390, height=844, scheme="dark")
    draws(page, 390)
    keeps_what_is_rarely_changed_behind_one_button(page)
    assert faults(page, "hidden_states-panel") == {}
    draws(page, 390)


def test_on_a_phone_rows_of_attribution_open_at_the_prediction_and_can_be_scrolled(hidden_states):
    page = hidden_states("hidden_states.panel=What it depends on", width=390, height=844)
    rows = page.locator("[class*=st-key-scrolling-end-]")
    rows.locator("svg.marks").wait_for(timeout=60_000)
    left = "part => [part.scrollLeft, part.scrollWidth - part.clientWidth]"
    page.wait_for_function("() => document.querySelector('[class*=st-key-scrolling-end-]').scrollLeft > 0")
    at, most = rows.evaluate(left)
    assert most > 300 and at >= most - 1
    rows.evaluate("part => { part.scrollLeft = 40; document.body.append(document.createElement('i')); }")
    page.wait_for_timeout(300)
    assert rows.evaluate(left)[0] == 40, "once it has opened, it stays where the visitor put it"


def test_text_map_and_panels_stand_on_a_screen_of_720_pixels_and_a_unit_is_silenced_from_there(hidden_states):
    page = hidden_states(height=720)
    bottoms = {part: page.locator(part).first.bounding_box() for part in (".view .text", ".view .window", ".st-key-hidden_states-panel")}
    assert {part: box for part, box in bottoms.items() if box["y"] + box["height"] > 720} == {}
    expect(page.locator(".more")).to_have_text(re.compile("scroll the text for the others"))
    page.get_by_role("button", name="Silence this unit").click()
    expect(page.get_by_text(re.compile("Silenced: .* bits per character"))).to_be_visible()
    expect(page).to_have_url(re.compile("unit.silence=true"))
    page.get_by_role("button", name="Stop silencing").click()
    expect(page.get_by_text(re.compile("Silenced: .* bits per character"))).to_have_count(0)


def floods_the_text_and_is_undone(page: Page) -> None:
    """Leave it open, and close it again."""
    before = painted(page)
    assert is_one_line(page, r"Unit \d+, a neuron, turns")
    page.get_by_role("button", name="Leave it open").click()
    expect(page.get_by_role("button", name="Close it again")).to_be_visible(timeout=60_000)
    settle(page, 60_000)
    assert is_one_line(page, "Without the first")
    expect(page).to_have_url(re.compile("hidden_states.text="))
    until(page, lambda now: now != before)
    page.get_by_role("button", name="Close it again").click()
    expect(page.get_by_role("button", name="Leave it open")).to_be_visible(timeout=60_000)
    settle(page, 60_000)
    expect(page).not_to_have_url(re.compile("hidden_states.text="))
    until(page, lambda now: now == before)


def opens_another_network_at_its_own_layer(page: Page, content: bytes) -> None:
    """And the widgets say so."""
    layer = page.locator(".st-key-hidden_states-layer input")
    page.get_by_role("button", name="Change").click()
    expect(layer).to_have_value("layer 2")  # of wiki-lstm's first unit
    page.keyboard.press("Escape")
    own = {"name": "mine.safetensors", "mimeType": "", "buffer": content}
    page.locator("input[type=file]").set_input_files([own])
    expect(page.get_by_text("Unit 0 of layer 1")).to_be_visible()
    page.get_by_role("button", name="Change").click()
    expect(layer).to_have_value("layer 1")


def test_the_gesture_is_undone_a_unit_reaches_the_link_which_restores_it_and_another_network_has_its_own_layer(hidden_states, tmp_path):
    page = hidden_states()
    floods_the_text_and_is_undone(page)
    page.locator("#unit").fill("33")
    expect(page).to_have_url(re.compile("hidden_states.unit=33"), timeout=30_000)
    settle(page, 60_000)
    seen = painted(page)
    again = hidden_states(page.url.split("?")[1])
    assert again.locator(".view").get_attribute("data-unit") == "33"
    assert painted(again) == seen
    rerun(again, again.locator(".st-key-hidden_states-panel button", has_text="Your own network").click)
    opens_another_network_at_its_own_layer(again, own_checkpoint(tmp_path, layers=2))


def test_markup_in_the_text_is_text(hidden_states):
    from pages._ui.link import packed

    page = hidden_states("hidden_states.text=" + packed("<script>document.title = 'owned'</script><b>bold</b>"))
    assert "owned" not in page.title()
