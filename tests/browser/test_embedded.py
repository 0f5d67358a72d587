"""The app in a frame of another site, as --embed-from allows it: buttons, uploads and the visitor work there; other sites see nothing."""

import functools
import http.server
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import chromium
from tests.browser.chromium import ROOT

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
SERVE = """
import sys
from pathlib import Path
from recurrent_explorer_app.server import serve
serve(Path(sys.argv[1]), int(sys.argv[2]), "127.0.0.1", sys.argv[3:])
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """site(address) is the address of a page of another site that shows an address in a frame."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://localhost:{server.server_port}"  # to a browser another site than 127.0.0.1

    def framed(address: str) -> str:
        if address:
            (tmp_path / "index.html").write_text(f'<iframe src="{address}" width="900" height="700"></iframe>')
        return origin

    yield framed
    server.shutdown()
    server.server_close()


def test_the_app_works_in_a_frame_of_a_site_that_may_show_it(site, context, tmp_path: Path):
    port = chromium.free_port()
    command = [sys.executable, "-c", SERVE, str(ROOT / "tests/browser/apps/embedded.py"), str(port), site("")]
    with chromium.running(chromium.Start(command, ROOT, {"PYTHONPATH": str(ROOT)}), port, tmp_path, 120) as server:
        browser = context(alone=True)
        page = browser.new_page()
        page.goto(site(server.url))
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="Count").click()
        expect(frame.get_by_text("Counted to 1.")).to_be_visible()
        frame.locator("input[type=file]").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"twelve bytes"})
        expect(frame.get_by_text("It has 12 bytes.")).to_be_visible()
        who = frame.get_by_text("Visitor ").inner_text()
        assert len(who) == len("Visitor .") + 16, "a browser, not a session"
        tab = browser.new_page()
        tab.goto(server.url)
        expect(tab.get_by_text("Counted to 0.")).to_be_visible()
        tab.locator("input[type=file]").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"six so"})
        expect(tab.get_by_text("It has 6 bytes.")).to_be_visible()
