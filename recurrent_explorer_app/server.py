"""The server of the app: where it listens, which headers its answers carry, and how it ends."""

import ast
import errno
import gc
import importlib
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import ExplorerError
from recurrent_explorer_app.headers import Headers, policy
from recurrent_explorer_app.upload_limit import UploadLimit

if TYPE_CHECKING:
    import streamlit
    from starlette.middleware import Middleware

FIRST, PORTS = 8501, 100  # without a wish, the first free port of so many
SAFE = re.compile(r"http://(localhost|127\.0\.0\.1)(:|$)")
GRACE = 3  # seconds that open connections have when the server ends; without a limit one browser could hold it for ever
BEHIND = ("torch", "explorer.recording.record", "models.char_lm.network")  # imported while the server answers
HEAD_START = 1.0  # seconds that its first answers have before
COLLECTED = 10.0  # seconds between two collections of garbage
PING = 30  # seconds; a browser that does not answer for so long is gone


class ServerError(ExplorerError):
    """The server cannot listen where it should."""


def serve(script: Path, port: int | None = None, address: str | None = None, embed_from: Iterable[str] = (), page: str = "") -> None:
    """Serve a Streamlit script until Ctrl-C or SIGTERM.

    The settings are those of .streamlit/config.toml beside the script, whatever the current folder is.

    Args:
        script: The script.
        port: 8501 or the next free one if None.
        address: To listen on; this computer alone if None.
        embed_from: Origins whose pages may show the app in a frame.
        page: Page whose address is printed; default: the first one.

    Raises:
        ServerError: the port is in use, or the address is not one of this computer.
    """
    import streamlit
    import uvicorn
    from streamlit.web import bootstrap

    app = streamlit.App(script, middleware=middleware(embed_from), lifespan=lifespan)
    where = address or os.environ.get("STREAMLIT_SERVER_ADDRESS") or "localhost"
    with listening(where, port) as listener:
        chosen = listener.getsockname()[1]
        bootstrap.load_config_options({"server.port": chosen, "server.address": where, "server.xsrfCookieSameSite": same_site(embed_from)})
        sys.path.insert(0, str(script.parent))
        server = uvicorn.Server(uvicorn.Config(
            app, ws="websockets-sansio", ws_ping_interval=PING, ws_ping_timeout=PING, timeout_graceful_shutdown=GRACE,
            log_level="warning", access_log=False, server_header=False,
        ))  # fmt: skip
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # after uvicorn has ended the server: what is to be done at exit is done
        host = where if ":" not in where else f"[{where}]"
        print(f"Recurrent Explorer: http://{host}:{chosen}{f'/{page}' if page else ''}", flush=True)
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


@asynccontextmanager
async def lifespan(app: "streamlit.App") -> AsyncIterator[None]:
    """Import what the pages need, and collect garbage, while the app is there: also where `streamlit run app.py` starts it.

    It begins when Streamlit's runtime is there and before the first answer. Cached functions that are imported without a runtime would
    each print a warning.
    """
    has_pages = preload(Path(app.script_path).resolve().parent)
    with behind_the_answers(BEHIND if has_pages else ()):
        yield


@contextmanager
def behind_the_answers(modules: Sequence[str], head_start: float = HEAD_START, pause: float = COLLECTED) -> Iterator[None]:
    """Import modules while the server answers already, so that its first visitor sees a page before torch is there; then collect garbage.

    Streamlit would look for garbage after every run, see .streamlit/config.toml: among the objects of twenty visitors that takes longer
    than the run of a short page.

    Args:
        modules: To import, after the head start that the first answers have: while a library is loaded nothing else runs.
        head_start: In seconds.
        pause: Seconds between two collections.
    """
    ended = threading.Event()

    def work() -> None:
        if ended.wait(head_start):
            return
        for module in modules:
            with suppress(Exception):  # the page that needs it says what is wrong
                importlib.import_module(module)
        freeze()
        while not ended.wait(pause):
            gc.collect()

    thread = threading.Thread(target=work, name="behind the answers", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()  # a library that is being loaded while Python exits would crash it


def preload(home: Path) -> bool:
    """Import what the pages import, before the server answers: else its first visitors would wait for Altair and pandas.

    A browser that asks meanwhile waits in the line of the socket. Torch is left out: no page imports it before it needs a network.

    Args:
        home: The folder of the script; nothing is imported if it has no pages.

    Returns:
        Whether it has pages.
    """
    pages = sorted(home.glob("pages/*.py"))
    for file in pages:
        lines: list[ast.stmt] = [node for node in ast.parse(file.read_bytes()).body if isinstance(node, ast.Import | ast.ImportFrom)]
        with suppress(Exception):  # the page that needs it says what is wrong
            exec(compile(ast.Module(lines, []), file, "exec"), {})
    freeze()
    return bool(pages)


def freeze() -> None:
    """Leave what was imported out of the search for garbage, which would take 60 ms among so many modules."""
    if "EXPLORER_NO_FREEZE" not in os.environ:
        gc.collect()
        gc.freeze()


def same_site(embed_from: Iterable[str]) -> str:
    """Where browsers send the cookie without which Streamlit takes no uploads: "none", also in a frame of another site, or "lax".

    Browsers accept "none" over https only, and from this computer: elsewhere it would end uploads on the app's own pages too.

    Args:
        embed_from: Origins whose pages may show the app in a frame.
    """
    is_secure = [origin.startswith("https:") or SAFE.match(origin) is not None for origin in embed_from]
    return "none" if is_secure and all(is_secure) else "lax"


def middleware(embed_from: Iterable[str] = ()) -> "list[Middleware]":
    """What stands between a browser and the app: the headers of every answer, and the limits of uploads.

    Args:
        embed_from: Origins whose pages may show the app in a frame.
    """
    import streamlit
    from starlette.middleware import Middleware

    rules = policy(Path(streamlit.__file__).parent / "static" / "index.html", embed_from)
    return [Middleware(Headers, policy=rules), Middleware(UploadLimit)]


def listening(address: str, port: int | None) -> socket.socket:
    """A socket that listens.

    Args:
        address: Name or number of an address of this computer.
        port: 8501 or the next free one if None.

    Raises:
        ServerError: the port is in use, or the address is not one of this computer.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for candidate in [port] if port else range(FIRST, FIRST + PORTS):
        try:
            return socket.create_server((address, candidate), family=family, backlog=2048)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise ServerError(f"Nothing can listen on {address!r} ({error.strerror}). Expected an address of this computer.") from None
    raise ServerError(f"Port {port or f'{FIRST} to {FIRST + PORTS - 1}'} of {address} is in use or not allowed. Choose one with --port.")
