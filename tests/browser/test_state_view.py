"""The state view in a real browser: what is painted and said before and after each gesture."""

import re

import pytest
from playwright.sync_api import Page, expect

from pages._components.state_view import FILES, source
from tests.browser import chromium
from tests.browser.accessibility import CONTRAST, recolour, violations

pytestmark = pytest.mark.browser


READ = """([index]) => {
    const roots = [...document.querySelectorAll("*")].map((e) => e.shadowRoot);
    const canvas = roots.find((r) => r?.querySelector(".view .text")).querySelector(".text canvas");
    const columns = Math.floor(canvas.clientWidth / 10), ratio = devicePixelRatio;
    const x = (index % columns) * 10 + 1, y = Math.floor(index / columns) * 29 + 6;
    return [...canvas.getContext("2d").getImageData(x * ratio, y * ratio, 1, 1).data.slice(0, 3)];
}"""


def painted(page: Page, character: int) -> tuple[int, int, int]:
    """Colour of a character's cell in the first line, read back from the canvas at its upper left corner, beside the glyph."""
    red, green, blue = page.evaluate(READ, [character])
    return red, green, blue


def said(page: Page) -> str:
    """The line under the text."""
    return page.locator(".readout").inner_text().replace("\n", " ")


def wait_until_told(page: Page, text: str) -> None:
    """Waits until Python knows."""
    expect(page.get_by_text(re.compile(rf"Told: .*{text}"))).to_be_visible(timeout=15_000)


def data(page: Page, name: str) -> str:
    return page.locator(".view").get_attribute(f"data-{name}") or ""


def test_the_text_wears_the_colours_of_the_unit_and_changes_with_it_without_a_rerun_and_nothing_swings(open_view):
    page = open_view()
    before = painted(page, 55)
    assert before[2] > before[0] + 50, f"unit 21 is negative outside brackets, so blue; painted {before}"
    page.locator("#unit").fill("7")
    after = painted(page, 55)
    assert data(page, "unit") == "7"
    assert after[0] > after[2] + 20, f"unit 7 is positive late in the line, so orange; painted {after}"
    assert "runs 1" in page.get_by_text("Told:").inner_text(), "painted before Python was told"
    wait_until_told(page, "unit 7, .*runs 2")
    assert "unit 7: tanh(cell)" in said(page)
    is_asked_for_a_unit_again_and_again(page)
    keeps_unit_and_cursor_with_other_data(page)


def is_asked_for_a_unit_again_and_again(page: Page) -> None:
    page.locator("#unit").fill("33")
    wait_until_told(page, "unit 33")
    for unit in ("40", "41"):
        page.get_by_role("button", name="Unit 7").click()
        expect(page.locator(".view[data-unit='7']")).to_be_visible()
        wait_until_told(page, "unit 7,")
        page.locator("#unit").fill(unit)
        wait_until_told(page, f"unit {unit},")
    page.wait_for_timeout(900)
    assert data(page, "unit") == "41"
    wait_until_told(page, "unit 41, .*runs 7")  # two presses, four numbers, the first run: not one more


def keeps_unit_and_cursor_with_other_data(page: Page) -> None:
    page.locator("#unit").fill("33")
    page.locator(".text").focus()
    page.keyboard.press("ArrowRight")
    wait_until_told(page, "unit 33, cursor 1")
    before = data(page, "digest")
    page.get_by_text("Take the brackets away").click()
    expect(page.locator(f".view:not([data-digest='{before}'])")).to_be_visible()
    assert (data(page, "unit"), data(page, "cursor")) == ("33", "1")


def test_arrows_choose_units_in_the_maps_order_move_the_cursor_and_select(open_view):
    page = open_view()
    page.locator(".text").focus()
    page.keyboard.press("ArrowDown")
    below = data(page, "unit")
    assert below != "21"
    page.keyboard.press("ArrowUp")
    assert data(page, "unit") == "21"
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert data(page, "cursor") == "3" and "character 4" in said(page)
    page.keyboard.press("End")
    assert int(data(page, "cursor")) > 400
    page.keyboard.press("Home")
    page.keyboard.press("PageDown")
    assert int(data(page, "cursor")) > 0
    wait_until_told(page, f"cursor {data(page, 'cursor')}")
    page.keyboard.press("Home")
    reads_out_value_guesses_and_bits(page)
    page.keyboard.press("Home")
    selects_with_shift(page)


def reads_out_value_guesses_and_bits(page: Page) -> None:
    """Of the tenth character, from the first one on."""
    page.locator(".text").focus()
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    text = said(page)
    assert "space" in text and "character 10" in text and re.search(r"tanh\(cell\) −0\.\d\d", text), text
    assert re.search(r"next .+\.\d\d.+ others .*actual next character b ?surprise \d", text), text
    expect(page.locator(".live")).to_contain_text("space, character 10. Unit 21,")


def selects_with_shift(page: Page) -> None:
    """And Escape clears the selection."""
    page.locator(".text").focus()
    page.keyboard.press("ArrowRight")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    wait_until_told(page, "cursor 4, selection 1 to 5")
    page.keyboard.press("Shift+ArrowLeft")
    wait_until_told(page, "selection 1 to 4")
    page.keyboard.press("Escape")
    wait_until_told(page, "selection none")


def test_the_mouse_brushes_and_clicks_in_the_text_and_on_the_map(open_view):
    page = open_view()
    box = page.locator(".text").bounding_box()
    page.mouse.move(box["x"] + 25, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 14, steps=4)
    page.mouse.move(box["x"] + 95, box["y"] + 12, steps=4)
    page.mouse.up()
    wait_until_told(page, "selection 2 to 10")
    assert "8 selected (3 to 10)" in said(page)
    page.mouse.click(box["x"] + 45, box["y"] + 12)
    wait_until_told(page, "cursor 4, selection none")
    chooses_unit_and_character_on_the_map(page)


def chooses_unit_and_character_on_the_map(page: Page) -> None:
    page.locator(".window").hover(position={"x": 300, "y": 30})
    expect(page.locator(".hover")).to_contain_text(re.compile(r"unit \d+ at character \d+"))
    seen = re.search(r"unit (\d+) at character (\d+)", page.locator(".hover").inner_text())
    page.locator(".window").click(position={"x": 300, "y": 30})
    assert (data(page, "unit"), data(page, "cursor")) == (seen[1], str(int(seen[2]) - 1))
    wait_until_told(page, f"unit {seen[1]}, cursor {int(seen[2]) - 1}")


def shows_other_looks(page: Page) -> None:
    """Flipped, in lecture colours, with the next characters."""
    low, height = painted(page, 5), page.locator(".text").bounding_box()["height"]
    page.get_by_role("button", name="flip sign").click()
    high = painted(page, 5)
    assert high[0] > high[2], f"flipped blue is orange; painted {high}"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="flip sign").click()
    assert painted(page, 5) == low
    page.get_by_role("button", name="lecture colours").click()
    assert painted(page, 5) != low
    page.get_by_role("button", name="next characters").click()
    assert page.locator(".text").bounding_box()["height"] > height + 50
    expect(page.get_by_role("button", name="next characters")).to_have_attribute("aria-pressed", "true")


def lists_the_keys(page: Page) -> None:
    page.locator(".text").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("six characters per second")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def says_the_unit_in_words(page: Page) -> None:
    words = "Unit 21, tanh(cell), over all 440 characters: above 0.50 at 88 to 99 (lighthouse]]), 110 to 130 (Isle"
    expect(page.locator(".heard")).to_contain_text(words)
    first = page.locator(".heard").inner_text()
    page.locator(".text").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".heard")).not_to_have_text(first)
    assert "below \u22120.50 at 1 to 87 ({{Infobox" in first, first


def excludes_nobody(page: Page, rules: tuple[str, ...] = ()) -> None:
    """Axe finds nothing in the view."""
    assert page.locator(".st-key-map .view").count() == 1
    assert violations(page, ".st-key-map", rules) == {}


def test_html_is_text_looks_change_keys_are_listed_and_the_unit_is_said_in_words(open_view):
    page = open_view()
    assert page.locator(".view b >> text=lit").count() == 0 and page.locator(".view ref").count() == 0
    lists_the_keys(page)
    shows_other_looks(page)
    page.get_by_role("button", name="lecture colours").click()  # back to its own
    excludes_nobody(page)
    says_the_unit_in_words(page)
    recolour(page, "dark", is_app=False)
    excludes_nobody(page, CONTRAST)


def test_playing_moves_the_cursor_and_reduced_motion_only_steps(open_view):
    page = open_view(alone=True)
    page.clock.install(time=0)
    page.clock.pause_at(3600)
    page.locator(".text").focus()
    page.keyboard.press("Space")
    page.clock.run_for(2000)
    page.keyboard.press("Escape")
    stopped = int(data(page, "cursor"))
    assert 12 <= stopped <= 13, "one at once, then six characters a second"
    page.clock.run_for(500)
    assert int(data(page, "cursor")) == stopped
    page.emulate_media(reduced_motion="reduce")
    page.keyboard.press("Space")
    page.clock.run_for(600)
    assert int(data(page, "cursor")) == stopped + 1


def test_long_texts_paint_only_what_is_in_sight_and_scroll(open_view):
    """How long a repaint takes is in tests/benchmarks/state_view.py; here, that it takes as much for 10,000 characters as for 2,000."""
    painted_lines = []
    for characters in (2000, 10_000):
        page = open_view(f"n={characters}")
        page.locator(".text").focus()
        page.keyboard.press("ArrowDown")
        assert float(data(page, "repaint-ms")) >= 0  # 0.00 where the browser rounds its clock
        first, last = map(int, data(page, "lines").split("-"))
        painted_lines.append(last - first)
        page.keyboard.press("End")
        assert data(page, "cursor") == str(characters - 1)
        is_at_end = page.locator(".text").evaluate("e => e.scrollTop + e.clientHeight >= e.scrollHeight - 2")
        assert is_at_end and not data(page, "lines").startswith("0-")
    assert painted_lines[1] == painted_lines[0] > 3


def test_a_small_screen_has_large_targets_and_scrolls_nothing_sideways(open_view):
    page = open_view(width=390, height=844)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Display").tap()
    has_large_targets(page)
    box = page.locator(".text").bounding_box()
    page.touchscreen.tap(box["x"] + 30, box["y"] + 14)
    assert data(page, "cursor") == "2"
    hold(page, box["x"] + 80, box["y"] + 14)
    expect(page.locator(".readout .name")).to_contain_text("selected (3 to ")
    recolour(page, "dark", is_app=False)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    has_large_targets(page)


def has_large_targets(page: Page) -> None:
    buttons = page.locator(".bar button:visible").all()
    assert buttons
    for button in buttons:
        box = button.bounding_box()
        assert box["height"] >= 44 and box["width"] >= 44, button.inner_text()


def hold(page: Page, x: float, y: float) -> None:
    """A finger that rests on the text for half a second."""
    finger = {"clientX": x, "clientY": y, "pointerType": "touch", "pointerId": 7, "button": 0, "bubbles": True}
    page.locator(".text").dispatch_event("pointerdown", finger)
    page.wait_for_timeout(600)
    page.locator(".text").dispatch_event("pointerup", finger)


def test_without_its_javascript_nothing_is_painted(serve, visit, tmp_path):
    """The tests above see the component: with an empty function in its place they would find nothing."""
    empty = tmp_path / "empty.py"
    app = (chromium.ROOT / "tests/browser/apps/bracket.py").read_text()
    swap = "import pages._components.state_view as view\nview.source = lambda *names: 'export default function () {\\n}\\n'\n"
    empty.write_text(
        app.replace(
            "from pages._components.state_view import state_choice, state_view",
            swap + "state_choice, state_view = view.state_choice, view.state_view",
        )
    )
    page = visit(serve(empty).url)
    page.wait_for_selector(".view", state="attached")
    assert "export default" in source(*FILES)
    assert page.locator(".view").count() == 1 and page.locator(".view[data-unit]").count() == 0
