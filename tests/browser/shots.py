"""A screenshot of every page at two widths, light and dark, before and after its gesture: python -m tests.browser.shots [FOLDER]"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.chromium import ROOT, browser, serving, settle

SIZES = {"wide": (1280, 720), "narrow": (390, 844)}
# Page -> its picture, or the sentence where it has none, and what a visitor presses first, as the class of its key.
FIRST = "start"  # the default page has no name in its address
PAGES = {
    "start": (".view[data-unit]", ".st-key-start-gesture button"),
    "hidden_states": (".view[data-unit]", ".st-key-hidden_states-gesture button"),
    "attention": (".st-key-scrolling-attention-matrix svg.marks, [data-testid=stAlert]", ".st-key-attention-gesture button"),
    "confusions": (".st-key-scrolling-confusions-lines svg.marks", ".st-key-confusions-gesture button"),
    "one_step": (".st-key-one_step-hello-graphs svg.marks:visible", ".st-key-one_step-gesture button"),
    "gradient_flow": (".st-key-gradient_flow-curves-frame svg.marks", ".st-key-gradient_flow-curves-text [role=option]:nth-child(200)"),
    "glossary": (".st-key-glossary-entries h2", ".st-key-glossary-gesture button"),
    "captions": (".view .picture, [data-testid=stAlert]", ".st-key-captions-gesture button"),
}


def opened(page: Page, address: str, picture: str) -> None:
    """Open an address and wait until its picture stands."""
    page.goto(address)
    settle(page, 120_000)
    page.wait_for_selector(picture, timeout=60_000)
    page.wait_for_timeout(800)


def shoot(folder: Path) -> list[Path]:
    """Write the pictures into a folder; gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with tempfile.TemporaryDirectory() as logs, serving(ROOT / "app.py", Path(logs), 120) as server, browser() as chromium:
        for name, (picture, gesture) in PAGES.items():
            for size, (width, height) in SIZES.items():
                for scheme in ("light", "dark"):
                    page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                    opened(page, f"{server.url}/{'' if name == FIRST else name}", picture)
                    made += [folder / f"{name}-{size}-{scheme}{part}.png" for part in ("", "-after")]
                    page.screenshot(path=made[-2])
                    if page.locator(gesture).count():
                        page.click(gesture)
                        page.wait_for_timeout(500)
                        settle(page)
                        page.wait_for_timeout(800)
                    page.screenshot(path=made[-1])
                    page.close()
    return made


if __name__ == "__main__":
    for path in shoot(Path(sys.argv[1] if len(sys.argv) > 1 else "shots")):
        print(path)
