"""Long work in a real browser: after a second there is a bar and a way out."""

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import ROOT

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong


def test_cancel_ends_the_work_and_gives_back_what_was_there(serve, visit):
    page = visit(serve(ROOT / "tests/browser/apps/patient.py").url)
    page.get_by_role("button", name="Read a long text").click()
    expect(page.get_by_text("The network reads: ")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("This is the old text.")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(page.get_by_text("The network reads: ")).to_have_count(0)


def test_heavy_work_waits_with_its_place_in_line_and_can_be_cancelled_there(serve, visit):
    url = serve(ROOT / "tests/browser/apps/patient.py").url
    other, page = visit(url), visit(url)
    other.get_by_role("button", name="Others come").click()
    waiting = page.get_by_text("Waiting: the server is busy with other jobs, yours is next")
    for _ in range(2):
        page.get_by_role("button", name="Read it in turn").click()
        expect(waiting).to_be_visible()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_text("This is the old text.")).to_be_visible()
        expect(waiting).to_have_count(0)
    page.get_by_role("button", name="Read it in turn").click()
    expect(waiting).to_be_visible()
    other.get_by_role("button", name="Others leave").click()
    expect(page.get_by_text("The network reads: ")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("This is the old text.")).to_be_visible()


def test_two_tabs_of_a_browser_are_one_visitor_and_another_browser_is_another(serve, visit):
    url = serve(ROOT / "tests/browser/apps/patient.py").url
    one, two, stranger = visit(url), visit(url), visit(url, alone=True)
    for page in (one, two, stranger):
        page.get_by_role("button", name="Read it in turn").click()
        says = "Waiting: another job of yours is running" if page is two else "The network reads: "
        expect(page.get_by_text(says)).to_be_visible()
    one.get_by_role("button", name="Cancel").click()
    expect(two.get_by_text("The network reads: ")).to_be_visible()
    for page in (two, stranger):
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_text("This is the old text.")).to_be_visible()
