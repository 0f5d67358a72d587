"""A real browser and a real server for tests: finds a Chromium, starts the server, says loudly when there is no browser."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent.parent
# The headless shell comes first: it draws the same pages, and has no window, tabs or menus that cost time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update")
FLAGS = (*FLAGS, "--disable-sync", "--force-color-profile=srgb")
SERVE = "import sys; from pathlib import Path; from recurrent_explorer_app.server import serve; serve(Path(sys.argv[1]), int(sys.argv[2]))"
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"


class NoBrowserWarning(UserWarning):
    """Browser tests were skipped: nothing on this machine can draw a page."""


def executable() -> str | None:
    """Path of the system's headless shell, Chromium or Chrome; None if there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def require() -> str:
    """The browser's path; without one the test is skipped, loudly, or fails where CI is true."""
    path = executable()
    if path is None:
        message = f"No browser found ({', '.join(NAMES)}): NOTHING THAT IS DRAWN IN A BROWSER IS TESTED. Install chromium."
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(message)
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn(message, NoBrowserWarning, stacklevel=2)
        print(f"\n*** {message} ***", file=sys.__stderr__, flush=True)
        pytest.skip(message)
    return path


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A headless browser."""
    path = require()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield started
        finally:
            started.close()


@dataclass
class Server:
    """A running app: its address and its process."""

    url: str
    process: subprocess.Popen
    log: Path

    def output(self) -> str:
        """What the server printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def free_port() -> int:
    """A port of this computer that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@dataclass(frozen=True)
class Start:
    """How a server is started: its command, the folder it is started from, and variables beside those of this process."""

    command: list[str]
    folder: Path
    environment: dict[str, str]


@contextlib.contextmanager
def running(start: Start, port: int, logs: Path, seconds: float = 60) -> Iterator[Server]:
    """A server of its own process, healthy on a port of this computer; its output is printed if the block fails."""
    log = logs / f"server-{port}.log"
    settings = os.environ | {"PYTHONUNBUFFERED": "1"} | start.environment
    with log.open("wb") as file:
        process = subprocess.Popen(start.command, cwd=start.folder, stdout=file, stderr=subprocess.STDOUT, env=settings)
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        _wait(server, seconds)
        yield server
    except BaseException:
        print(f"--- {' '.join(start.command)} ---\n{server.output()}", file=sys.stderr)
        raise
    finally:
        process.terminate()
        try:
            process.wait(60)  # a busy machine is slow, not wrong
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def serving(app: Path, folder: Path, seconds: float = 60, environment: dict[str, str] | None = None) -> Iterator[Server]:
    """An app on a free port as the console script serves it, healthy."""
    port = free_port()
    command = [sys.executable, "-c", SERVE, str(app), str(port)]
    with running(Start(command, ROOT, {"PYTHONPATH": str(ROOT)} | (environment or {})), port, folder, seconds) as server:
        yield server


def _wait(server: Server, seconds: float) -> None:
    """Until the server says that it is healthy; any unknown path answers 200, so only this one counts."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise RuntimeError(f"The server ended with code {server.process.returncode}:\n{server.output()}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=2) as answer:
            if answer.read() == b"ok":
                return
        time.sleep(0.1)
    raise RuntimeError(f"The server was not healthy after {seconds:g} s:\n{server.output()}")


def settle(page: Page, timeout: float = 90_000) -> None:
    """Until the script of the page has ended."""
    page.wait_for_selector(IDLE, timeout=timeout)


def sideways(page: Page) -> int:
    """Pixels by which the page can be scrolled sideways: the part below the bar scrolls, never the document."""
    return page.get_by_test_id("stMain").evaluate("part => part.scrollWidth - part.clientWidth")


def printed(page: Page, parts: list[str]) -> tuple[int, list[bool]]:
    """Sheets that the browser prints of the page, and for each of some parts whether it is on paper."""
    sheets = len(re.findall(rb"/Type\s*/Page\b(?!s)", page.pdf(prefer_css_page_size=True)))
    page.emulate_media(media="print")
    shown = [page.locator(part).first.is_visible() for part in parts]
    page.emulate_media(media="screen")
    return sheets, shown
