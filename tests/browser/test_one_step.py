"""The page of one step in a real browser: it draws, a press teaches, a click chooses a step, the link restores it."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from pages._one_step import cell, hello, shapes
from tests.browser.accessibility import faults, violations
from tests.browser.chromium import settle, sideways
from tests.browser.readiness import rerun
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


def shows_four_steps_and_the_button_without_scrolling(page: Page) -> None:
    assert sideways(page) == 0
    box = page.locator(WIDE).bounding_box()
    assert box["width"] > 800 and box["y"] + box["height"] <= 720
    assert page.get_by_role("button", name="One training step").bounding_box()["y"] < box["y"]


def shows_one_step_that_the_slider_chooses(page: Page) -> None:
    assert sideways(page) == 0
    expect(page.locator(WIDE)).to_be_hidden()
    expect(page.locator(NARROW)).to_contain_text("reads h")
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(NARROW)).to_contain_text("reads e")


def leaves_the_button_under_the_finger(page: Page) -> None:
    button, before = page.get_by_role("button", name="One training step"), []
    for steps in ("1 training step", "2 training steps"):
        before.append(button.bounding_box()["y"])
        button.click()
        expect(page.get_by_text(f"After {steps}")).to_be_visible()
        settle(page)
    assert before == [button.bounding_box()["y"]] * 2


def test_a_phone_shows_one_step_and_no_view_scrolls_it_sideways_or_shuts_anybody_out(one_step):
    page = one_step(width=390, scheme="dark")
    shows_one_step_that_the_slider_chooses(page)
    leaves_the_button_under_the_finger(page)
    assert faults(page, "one_step-view") == {}


def test_wide_graphs_scroll_in_their_frames_and_the_page_does_not(one_step):
    page = one_step(f"one_step.view={quote(cell.TITLE)}&one_step.lesson=2", PICTURES[cell.TITLE], width=390)
    assert sideways(page) == 0
    # The chosen character has others on both sides of it in sight.
    chosen = page.locator(".st-key-one_step-cell-strip svg.marks text").filter(has_text="▲").bounding_box()
    assert 100 < chosen["x"] < 290
    expect(page.get_by_text("2 of 7: Learning.")).to_be_visible()  # no GRU is at hand, and the lesson says so by leaving it out
    rerun(page, page.locator(".st-key-one_step-view button", has_text=shapes.TITLE).click)
    assert page.locator(PICTURES[shapes.TITLE]).is_visible() and sideways(page) == 0
    expect(page.get_by_text("2 of 7: Learning.")).to_be_visible()


def test_arrow_keys_and_clicks_go_through_the_text(one_step):
    page = one_step(f"one_step.view={quote(cell.TITLE)}&one_step.at=9", PICTURES[cell.TITLE])
    page.get_by_role("slider", name="Character").focus()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"one_step\.at=10(&|$)"))
    settle(page)
    page.locator(".st-key-one_step-cell-strip svg.marks").click(position={"x": 2 + 17 * 3.5, "y": 24})
    expect(page).to_have_url(re.compile(r"one_step\.at=3(&|$)"))


def test_a_wide_page_teaches_and_chooses_its_link_restores_both_and_axe_finds_nothing(one_step):
    page = one_step(height=720)
    shows_four_steps_and_the_button_without_scrolling(page)
    assert violations(page) == {}
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
    assert faults(again, "one_step-view") == {}
