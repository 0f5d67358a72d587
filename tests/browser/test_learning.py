"""Training live in a real browser: the picture grows, pause and cancel work, a closed tab and SIGTERM end it cleanly."""

import re
import signal
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import violations
from tests.browser.chromium import sideways

pytestmark = pytest.mark.browser
expect.set_options(timeout=90_000)  # a busy machine is slow, not wrong
START, MAP = ".st-key-gradient_flow-learn-start button", ".st-key-gradient_flow-learn-picture svg.marks"
ENDED = re.compile(r"work ended: (\w+)")


def train(page: Page) -> None:
    page.locator(START).click()
    expect(page.get_by_text(re.compile(r"Training: [1-9]"))).to_be_visible(timeout=240_000)


def cells(page: Page) -> int:
    return page.locator(f"{MAP} .mark-rect path").count()


def ended(server, many: int) -> list[str]:
    """How trainings ended so far, by the server's log, as soon as there are so many."""
    limit = time.monotonic() + 120
    while len(endings := ENDED.findall(server.output())) < many:
        assert time.monotonic() < limit, server.output()
        time.sleep(0.2)
    return endings


def test_it_grows_pauses_and_ends_with_cancel_with_its_tab_and_with_the_server(serve, visit):
    server = serve("learning", seconds=120)
    query = "gradient_flow.learn.length=100&gradient_flow.learn.units=64&gradient_flow.learn.kinds=LSTM"  # takes minutes
    page = visit(f"{server.url}/?{query}", width=390, scheme="dark")
    train(page)
    page.wait_for_selector(MAP, timeout=240_000)
    first = cells(page)
    assert first >= 10
    expect(page.locator(START)).to_be_disabled()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused after")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)  # the old button fades away
    assert violations(page) == {}
    assert sideways(page) == 0
    page.get_by_role("button", name="Resume").click()
    page.wait_for_function(f"document.querySelectorAll('{MAP} .mark-rect path').length > {first}", timeout=240_000)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled after")).to_be_visible()
    assert ended(server, 1) == ["cancelled"]
    train(page)
    page.close()
    assert ended(server, 2)[1] == "left"
    page = visit(f"{server.url}/?{query}")
    train(page)
    # The page would complain that its server is gone; its training is not left yet. The context takes its connections with it:
    # uvicorn waits without end for one that the browser keeps.
    page.context.close()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0, server.output()
    assert ended(server, 3)[2] == "cancelled"
