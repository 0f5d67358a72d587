"""When a page in the browser is ready to be looked at: waits that end when what they wait for is there, never after a fixed time."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.browser.chromium import IDLE, settle

# Put into every page before its own scripts. It counts the runs that the server says have ended (field 6 of Streamlit's ForwardMsg; 2 is
# a run that gives way to the next one), because a short run may never be seen in the page, and it counts the changes of the document. And
# it stops the shimmer of Streamlit's placeholders and the turning of its wheel: drawn sixty times a second, they cost as much as the page.
PREPARED = """
window.runsEnded = window.changesSeen = 0;
new MutationObserver((changes) => { window.changesSeen += changes.length; })
  .observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
{
  const endsRun = (bytes) => {
    let at = 0;
    const varint = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++];
        value += (byte & 127) * scale;
        if (!(byte & 128)) return value;
      }
    };
    while (at < bytes.length) {
      const tag = varint(), value = varint();
      if (tag >> 3 == 6) return value != 2;
      if ((tag & 7) == 2) at += value;
    }
    return false;
  };
  window.WebSocket = class extends WebSocket {
    constructor(...how) {
      super(...how);
      this.addEventListener("message", ({ data }) => {
        if (data instanceof ArrayBuffer && endsRun(new Uint8Array(data))) window.runsEnded++;
      });
    }
  };
  const waiting = ":is([data-testid=stAppSkeleton], [data-testid=stSkeleton], [data-testid=stSpinner])";
  const unmoved = new CSSStyleSheet();
  unmoved.replaceSync(`${waiting}, ${waiting} * { animation: none !important; }`);
  document.adoptedStyleSheets = [unmoved];
}
"""
# Five looks in a row, a fiftieth of a second apart, at which no run is on, no placeholder or undrawn chart is in sight, no colour is on
# its way to another one, what Streamlit leaves out has been added (pages/_components/accessible), and nothing has changed. A browser that
# is busy looks later, so a slow machine waits longer.
STILL = """async (idle) => {
  const shown = (selector) => [...document.querySelectorAll(selector)].filter((part) => part.checkVisibility());
  const charts = "[data-testid=stVegaLiteChart], [data-testid=stPlotlyChart]";
  const isDrawn = () => document.querySelector(idle) && !shown("[data-testid=stSkeleton]").length
    && (!document.querySelector(".st-key-accessible") || "mended" in document.documentElement.dataset)
    && shown(charts).every((chart) => chart.querySelector("svg.marks, .main-svg, canvas"))
    && !document.getAnimations().some((change) => change instanceof CSSTransition && change.playState == "running");
  let seen = -1;
  for (let looks = 0, same = 0; looks < 15000; looks++) {
    same = isDrawn() && seen == window.changesSeen ? same + 1 : 0;
    if (same == 5) return true;
    seen = window.changesSeen;
    await new Promise((end) => setTimeout(end, 20));
  }
  return false;
}"""
ENDED = """async (before) => {
  for (let looks = 0; looks < 15000; looks++) {
    if (window.runsEnded > before) return true;
    await new Promise((end) => setTimeout(end, 20));
  }
  return false;
}"""


def still(page: Page) -> None:
    """Until the script of the page has ended, what it draws is drawn, and nothing changes any more."""
    assert page.evaluate(STILL, IDLE), "the page is not still after five minutes"


def ran(page: Page, act: Callable[[], object]) -> None:
    """Do what makes the script of the page run again; until that run has ended.

    Args:
        page: An idle page, which stays the same document.
        act: Presses, types, goes back, or changes the colour scheme.
    """
    settle(page)
    before = page.evaluate("runsEnded")
    act()
    assert page.evaluate(ENDED, before), f"nothing has run at {page.url}"
    settle(page)


def rerun(page: Page, act: Callable[[], object]) -> None:
    """As `ran`, and until what the run draws is drawn."""
    ran(page, act)
    still(page)
