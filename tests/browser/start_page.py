"""What the start page keeps in files, made anew: its first line as the network reads it, and a picture of each room.

python -m tests.browser.start_page [first_line] [NAME OF A ROOM ...]: all of it without arguments.
"""

import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page

import models
from pages._start import line, ways
from tests.browser.chromium import ROOT, browser, serving
from tests.browser.shots import opened

SIZE = (480, 270)
# Room -> what its picture begins with, from which pixel of it on, and how many pixels wide.
SHOWS = {
    "one_step": (".st-key-one_step-hello-graphs svg.marks:visible", 0, 640),
    "hidden_states": (".view .text", 0, 520),
    "gradient_flow": (".st-key-gradient_flow-curves-frame svg.marks", 600, 530),
    "attention": (".st-key-scrolling-attention-matrix svg.marks", 0, 600),
    "captions": (".view .picture", 0, 500),
    "confusions": (".st-key-scrolling-confusions-matrix svg.marks", 0, 640),
}


def picture(page: Page, name: str) -> bytes:
    """A picture of a room as it opens."""
    start, left, width = SHOWS[name]
    box = page.locator(start).first.bounding_box()
    assert box is not None, f"{start} is not on the page {name}"
    clip: Any = {"x": box["x"] + left, "y": box["y"], "width": width, "height": width * SIZE[1] / SIZE[0]}
    small = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)
    packed = io.BytesIO()
    small.save(packed, "WEBP", quality=72, method=6)
    return packed.getvalue()


def shoot(chromium: Browser, url: str, name: str) -> None:
    """Write the pictures of a room, light and dark."""
    for scheme in ("light", "dark"):
        page = chromium.new_page(viewport={"width": 1280, "height": 1400}, color_scheme=scheme, device_scale_factor=2)
        opened(page, f"{url}/{name}", SHOWS[name][0])
        (ways.PICTURES / f"{name}-{scheme}.webp").write_bytes(picture(page, name))
        page.close()


def main(wanted: list[str]) -> None:
    """Make what is wanted."""
    if "first_line" in wanted:
        read = line.measured(line.FIRST, models.available()[line.NETWORK])
        line.FILE.write_text(json.dumps(read, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    rooms = [name for name in wanted if name in SHOWS]
    if rooms:
        with tempfile.TemporaryDirectory() as logs, serving(ROOT / "app.py", Path(logs), 120) as server, browser() as chromium:
            for name in rooms:
                shoot(chromium, server.url, name)


if __name__ == "__main__":
    main(sys.argv[1:] or ["first_line", *SHOWS])
