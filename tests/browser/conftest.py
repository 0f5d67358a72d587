"""One browser for all browser tests; a server for an app of tests/browser/apps on request."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import chromium

APPS = Path(__file__).parent / "apps"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; skips loudly without one, fails in CI."""
    with chromium.browser() as started:
        yield started


@pytest.fixture(scope="module")
def serve(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., chromium.Server]]:
    """serve("bracket") runs tests/browser/apps/bracket.py; serve(path) any app; each once a module."""
    with contextlib.ExitStack() as stack:
        running: dict[Path, chromium.Server] = {}

        def start(app: str | Path, **options) -> chromium.Server:
            path = app if isinstance(app, Path) else APPS / f"{app}.py"
            if path not in running:
                running[path] = stack.enter_context(chromium.serving(path, tmp_path_factory.mktemp("server"), **options))
            return running[path]

        yield start


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """context(options) is one browser context for each set of options: Streamlit's scripts are fetched and compiled once.

    With alone=True it is a new one, for a test that stops the clock: Playwright stops it for all pages of a context."""
    opened: dict[str, BrowserContext] = {}

    def go(alone: bool = False, **options) -> BrowserContext:
        name = repr(len(opened)) if alone else repr(sorted(options.items()))
        if name not in opened:
            opened[name] = browser.new_context(**options)
            opened[name].set_default_timeout(90_000)  # a machine that trains meanwhile is slow
        return opened[name]

    yield go
    for used in opened.values():
        used.close()


@pytest.fixture
def visit(context: Callable[..., BrowserContext]) -> Iterator[Callable[..., Page]]:
    """visit(url, width=1280, height=900, scheme="light") opens a page of its own; errors on its console fail the test.

    A page leaves nothing to the next one: cookies and what it stored are removed with it."""
    pages, troubles = [], []

    def note(message) -> None:
        # Opened by the link of a page, Streamlit's own script first asks for its root in the wrong folder.
        if message.type == "error" and "/_stcore/" not in message.location["url"]:
            troubles.append(message.text)

    def go(url: str, width: int = 1280, height: int = 900, scheme: str = "light", **options) -> Page:
        options |= {"viewport": {"width": width, "height": height}, "color_scheme": scheme, "has_touch": width < 600}
        page = context(**options).new_page()
        pages.append(page)
        page.on("console", note)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(url)
        chromium.settle(page)
        return page

    yield go
    for page in pages:
        if not page.is_closed():
            page.evaluate("localStorage.clear(); sessionStorage.clear()")
            page.context.clear_cookies()
            page.close()
    assert not troubles, troubles


@pytest.fixture
def room(serve: Callable[..., chromium.Server], visit: Callable[..., Page]) -> Callable[..., Page]:
    """room(name, checkpoints, heading, drawn, query) opens a page of the whole app on a folder of checkpoints, when it is drawn."""

    def go(name: str, checkpoints: Path, heading: str, drawn: str, query: str, **options) -> Page:
        server = serve(chromium.ROOT / "app.py", seconds=120, environment={"EXPLORER_CHECKPOINTS": str(checkpoints)})
        page = visit(f"{server.url}/{name}?{query}", **options)
        expect(page.get_by_role("heading", name=heading)).to_be_visible(timeout=120_000)
        page.wait_for_selector(drawn, timeout=120_000)
        chromium.settle(page, 120_000)
        return page

    return go
