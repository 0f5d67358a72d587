"""The page of one step in a real browser: it draws, a press teaches, a click chooses a step, the link restores it."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from pages._one_step import cell, hello, shapes
from tests.browser.accessibility import faults
from tests.browser.chromium import settle, sideways, violations
from tests.models.tiny import save_tiny
from tests.models.translation.tiny_translation import save_tiny_translator

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
WIDE, NARROW = (f".st-key-one_step-hello-{part} svg.marks" for part in ("wide", "narrow"))


PICTURES = {
    hello.TITLE: ".st-key-one_step-hello-graphs svg.marks:visible",
    cell.TITLE: ".st-key-scrolling-one_step-cell svg.marks",
    shapes.TITLE: ".st-key-scrolling-one_step-bidirectional svg.marks",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tiny networks: what a page does must not hang on what trained ones say."""
    path = tmp_path_factory.mktemp("checkpoints")
    save_tiny(path / "tiny-lstm.safetensors")
    save_tiny_translator(path / "tiny-additive.safetensors")
    return path


@pytest.fixture
def one_step(room, folder):
    def go(query: str = "", picture: str = PICTURES[hello.TITLE], **options) -> Page:
        return room("one_step", folder, "What exactly happens in one step?", picture, query, **options)

    return go


def test_a_wide_screen_shows_four_steps_and_the_button_without_scrolling(one_step):
    page = one_step(height=720)
    assert sideways(page) == 0
    box = page.locator(WIDE).bounding_box()
    assert box["width"] > 800 and box["y"] + box["height"] <= 720
    assert page.get_by_role("button", name="One training step").bounding_box()["y"] < box["y"]


def test_a_narrow_screen_shows_one_step_that_the_slider_chooses(one_step):
    page = one_step(width=390, scheme="dark")
    assert sideways(page) == 0
    expect(page.locator(WIDE)).to_be_hidden()
    expect(page.locator(NARROW)).to_contain_text("reads h")
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(NARROW)).to_contain_text("reads e")


def test_a_press_leaves_the_button_under_the_finger(one_step):
    page = one_step(width=390)
    button, before = page.get_by_role("button", name="One training step"), []
    for steps in ("1 training step", "2 training steps"):
        before.append(button.bounding_box()["y"])
        button.click()
        expect(page.get_by_text(f"After {steps}")).to_be_visible()
        settle(page)
    assert before == [button.bounding_box()["y"]] * 2


@pytest.mark.parametrize("view", PICTURES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(one_step, scheme, view):
    assert violations(one_step(f"one_step.view={quote(view)}", PICTURES[view], scheme=scheme)) == {}


@pytest.mark.parametrize("view", [cell.TITLE, shapes.TITLE])
def test_wide_graphs_scroll_in_their_frames_and_the_page_does_not(one_step, view):
    page = one_step(f"one_step.view={quote(view)}&one_step.lesson=2", PICTURES[view], width=390)
    assert sideways(page) == 0
    if view == cell.TITLE:
        # The chosen character has others on both sides of it in sight.
        chosen = page.locator(".st-key-one_step-cell-strip svg.marks text").filter(has_text="▲").bounding_box()
        assert 100 < chosen["x"] < 290
    expect(page.get_by_text("2 of 7: Learning.")).to_be_visible()  # no GRU is at hand, and the lesson says so by leaving it out


def test_arrow_keys_and_clicks_go_through_the_text(one_step):
    page = one_step(f"one_step.view={quote(cell.TITLE)}&one_step.at=9", PICTURES[cell.TITLE])
    page.get_by_role("slider", name="Character").focus()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"one_step\.at=10(&|$)"))
    settle(page)
    page.locator(".st-key-one_step-cell-strip svg.marks").click(position={"x": 2 + 17 * 3.5, "y": 24})
    expect(page).to_have_url(re.compile(r"one_step\.at=3(&|$)"))


def test_a_press_teaches_a_click_chooses_and_the_link_restores_both(one_step):
    page = one_step()
    page.get_by_role("button", name="One training step").click()
    expect(page.get_by_text("After 1 training step")).to_be_visible()
    settle(page)
    page.locator(WIDE).click(position={"x": 30 + 2.5 * 206, "y": 240})
    expect(page).to_have_url(re.compile(r"one_step\.step=3"))
    expect(page).to_have_url(re.compile(r"one_step\.stretches=1(&|$)"))
    expect(page.locator(NARROW)).to_contain_text("reads l")
    again = one_step(page.url.split("?")[1])
    expect(again.get_by_text("After 1 training step")).to_be_visible()
    expect(again.get_by_role("slider")).to_have_value("3")


def test_no_panel_scrolls_a_phone_sideways_or_shuts_anybody_out(one_step):
    assert faults(one_step(width=390), "one_step-view") == {}
