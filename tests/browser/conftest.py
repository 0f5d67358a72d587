"""One browser for all browser tests; a server for an app of tests/browser/apps on request; tiny networks that several pages share."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import chromium
from tests.browser.chromium import settle
from tests.browser.readiness import PREPARED
from tests.models.captioning.tiny_captions import save_tiny_captioner, save_tiny_scenes
from tests.models.names.tiny_names import save_tiny_namer
from tests.models.tiny import save_tiny

APPS = Path(__file__).parent / "apps"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; skips loudly without one, fails in CI."""
    with chromium.browser() as started:
        yield started


Key = tuple[Path, frozenset]
Servers = dict[Key, tuple[chromium.Server, contextlib.ExitStack]]


@pytest.fixture(scope="session")
def running() -> Iterator[Servers]:
    """The servers that run now, by what they serve."""
    servers: Servers = {}
    yield servers
    for _, stack in servers.values():
        stack.close()


@pytest.fixture(scope="module")
def serve(browser: Browser, running: Servers, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., chromium.Server]:
    """serve("bracket") runs tests/browser/apps/bracket.py; serve(path) any app, once for all modules that ask for the same one in a row."""
    asked: set[Key] = set()

    def start(app: str | Path, environment: dict[str, str] | None = None, **options) -> chromium.Server:
        path = app if isinstance(app, Path) else APPS / f"{app}.py"
        key = path, frozenset((environment or {}).items())
        asked.add(key)
        for other in running.keys() - asked:  # an earlier module's: a server with torch takes half a gigabyte
            running.pop(other)[1].close()
        if key not in running:
            stack = contextlib.ExitStack()
            folder = tmp_path_factory.mktemp("server")
            running[key] = stack.enter_context(chromium.serving(path, folder, environment=environment, **options)), stack
        return running[key][0]

    return start


@pytest.fixture(scope="session")
def tinies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny networks of four kinds: what a page does must not hang on what a trained one says."""
    path = tmp_path_factory.mktemp("tinies")
    save_tiny_scenes(path / "scenes-soft.safetensors")
    save_tiny_captioner(path / "caption-soft.safetensors", seed=13)  # one word: as short as what a trained one says
    save_tiny_namer(path / "names-gru.safetensors")
    for cell in ("lstm", "gru", "rnn"):
        save_tiny(path / f"wiki-{cell}.safetensors", cell=cell)
    (path / "wiki-gradients.json").write_text(json.dumps({"wiki-lstm": gradients()}))
    return path


def gradients() -> dict:
    """What is measured of the gradients of a network, with made-up numbers."""
    lags = {share: [100, 150, None] for share in ("1/2", "1/10", "1/100", "1/1000")}
    layer = {"lags": lags, "factors": {"0-5": 0.5, "5-20": 0.9, "20-50": 0.9, "50-100": 0.9, "100-200": 0.9}, "half_life": None}
    layer |= {"low": [0.0] * 201, "high": [0.0] * 201}
    return {"weights": "", "losses": 7, "runs": {"untrained, forget bias 1": [layer]}}


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
            opened[name].add_init_script(PREPARED)
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
        settle(page)
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
        settle(page, 120_000)
        return page

    return go


@pytest.fixture
def open_view(serve, visit):
    """Opens the toy page of the state view with a query, once its view is drawn."""

    def go(query: str = "", **options) -> Page:
        page = visit(f"{serve('bracket').url}/?{query}", **options)
        page.wait_for_selector(".view[data-unit]")
        return page

    return go
