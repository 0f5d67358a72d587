"""How fast the state view changes its unit, over a text and over numbers, and how much is sent: python -m tests.benchmarks.state_view"""

import tempfile
from pathlib import Path
from statistics import median

from tests.browser import chromium

APP = Path(__file__).parent.parent / "browser" / "apps" / "bracket.py"
ROUNDS = 31

# From the key to the end of painting, and to the second frame after it, when the picture is on screen for certain.
STEP = """(down) => new Promise((done) => {
    const view = [...document.querySelectorAll("*")].map((e) => e.shadowRoot).find((r) => r?.querySelector(".view .text"));
    requestAnimationFrame(() => {
        const started = performance.now();
        const key = down ? "ArrowDown" : "ArrowUp";
        view.querySelector(".text").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true }));
        const painted = Number(view.querySelector(".view").dataset.repaintMs);
        requestAnimationFrame(() => requestAnimationFrame(() => done([painted, performance.now() - started])));
    });
})"""


def measured(browser, url: str, characters: int, rows: str = "") -> dict[str, float]:
    """Median and slowest milliseconds of painting, median to the second frame, and megabytes received."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    received = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(len(frame))))
    page.goto(f"{url}/?n={characters}&rows={rows}")
    page.wait_for_selector(".view[data-unit]", timeout=120_000)
    chromium.settle(page, 120_000)
    sent = sum(received)
    page.wait_for_timeout(1000)
    times = [page.evaluate(STEP, turn % 30 < 15) for turn in range(ROUNDS)]
    page.wait_for_timeout(1500)
    again = sum(received) - sent
    page.close()
    painting, framed = zip(*times, strict=True)
    figures = {"painting ms": median(painting), "slowest ms": max(painting), "second frame ms": median(framed)}
    return figures | {"MB at first": sent / 1e6, "kB after switching": again / 1e3}


def run() -> list[dict]:
    """Three lengths of text, two of numbers, 512 units; the ratio is to the shortest of its kind."""
    with tempfile.TemporaryDirectory() as folder, chromium.serving(APP, Path(folder)) as server, chromium.browser() as browser:
        table = []
        for rows, lengths in (("", (440, 2000, 10_000)), ("numbers", (440, 10_000))):
            times = [measured(browser, server.url, length, rows) for length in lengths]
            ratios = [{"ratio": time["painting ms"] / times[0]["painting ms"]} for time in times]
            names = [{"name": f"{length:,} {rows or 'characters'} x 512, a unit chosen"} for length in lengths]
            table += [name | time | ratio for name, time, ratio in zip(names, times, ratios, strict=True)]
        return table


if __name__ == "__main__":
    from tests.benchmarks.sessions import show

    show(run())
