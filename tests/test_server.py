"""The server of the app: its headers, what it keeps closed, that it calls nobody, and that it ends."""

import json
import os
import signal
import socket
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest
import streamlit
from typer.testing import CliRunner

from models import cli
from recurrent_explorer_app import headers, open_files, server, start, upload_limit
from tests.browser import chromium
from tests.browser.chromium import ROOT

# A computer without a network: whoever looks a name up or sends anything to another host gets an error, and the output says so.
ALONE = """
import atexit, sys
from pathlib import Path

HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0", None)

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        where = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments
        if isinstance(where, tuple) and where[0] not in HERE:
            print("LEFT", event, where[0], flush=True)
            raise OSError("the network is closed")

sys.addaudithook(watch)
atexit.register(print, "DONE AT EXIT", flush=True)
from recurrent_explorer_app.server import serve
serve(Path(sys.argv[1]), int(sys.argv[2]), "0.0.0.0", ["https://a.example", "https://*.b.example:8443"])
"""

# `streamlit run`, and a line as soon as the last of the modules is there that are imported behind the answers.
RUN = """
import gc, sys, threading, time
from streamlit.web import cli
from recurrent_explorer_app.server import BEHIND

def watch():
    while BEHIND[-1] not in sys.modules or not gc.get_freeze_count():
        time.sleep(0.05)
    print("IMPORTED", "torch" in sys.modules, flush=True)

threading.Thread(target=watch, daemon=True).start()
cli.main()
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Server]:
    """The app, listening on every address, on a computer without a network."""
    port, folder = chromium.free_port(), tmp_path_factory.mktemp("server")
    start = chromium.Start([sys.executable, "-c", ALONE, str(ROOT / "app.py"), str(port)], folder, {"PYTHONPATH": str(ROOT)})
    with chromium.running(start, port, folder, 120) as running:
        yield running


def asked(running: chromium.Server, path: str) -> tuple[int, Message]:
    """Status and headers of the answer to a path."""
    try:
        with urllib.request.urlopen(f"{running.url}{path}", timeout=60) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


@pytest.mark.parametrize("path", ["/", "/attention?attention.panel=Beam", "/_stcore/health", "/static/css/none.css", "/media/none.png"])
def test_every_answer_carries_the_policy(alone: chromium.Server, path: str):
    _, carried = asked(alone, path)
    rules = dict(rule.split(" ", 1) for rule in carried["Content-Security-Policy"].split("; "))
    for name in ("connect-src", "img-src", "frame-src", "form-action", "default-src", "base-uri", "font-src", "worker-src"):
        assert set(rules[name].split()) <= {"'self'", "data:", "blob:"}, name
    assert rules["connect-src"] == rules["form-action"] == rules["frame-src"] == "'self'" and rules["object-src"] == "'none'"
    assert "'unsafe-inline'" not in rules["script-src"]
    assert rules["frame-ancestors"] == "'self' https://a.example https://*.b.example:8443"
    assert carried["X-Content-Type-Options"] == "nosniff" and carried["Referrer-Policy"] == "same-origin"
    assert "X-Frame-Options" not in carried and "Server" not in carried


@pytest.mark.parametrize(
    "path", ["/_stcore/metrics", "/_stcore/metrics/", "/_stcore/metrics?families=session_events", "/_stcore/%6Detrics"]
)
def test_nobody_reads_the_numbers_of_the_server(alone: chromium.Server, path: str):
    assert asked(alone, path)[0] == 404


def test_an_upload_that_is_too_large_is_refused(alone: chromium.Server):
    upload = urllib.request.Request(f"{alone.url}/_stcore/upload_file/a/b", bytes(upload_limit.VISITOR + 1), method="PUT")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(upload, timeout=60)
    with refused.value as answer:
        assert answer.code == 413 and "Content-Security-Policy" in answer.headers


def test_streamlit_run_has_the_same_headers_and_limits(tmp_path: Path):
    port = chromium.free_port()
    command = [sys.executable, "-c", RUN, "run", str(ROOT / "app.py"), f"--server.port={port}"]
    with chromium.running(chromium.Start(command, tmp_path, {"PYTHONPATH": str(ROOT)}), port, tmp_path, 120) as running:
        _, carried = asked(running, "/")
        assert carried["Content-Security-Policy"] == headers.policy(Path(streamlit.__file__).parent / "static" / "index.html")
        assert carried["X-Content-Type-Options"] == "nosniff" and carried["Referrer-Policy"] == "same-origin"
        assert asked(running, "/_stcore/metrics")[0] == 404
        test_an_upload_that_is_too_large_is_refused(running)
        limit = time.monotonic() + 120
        while "IMPORTED" not in running.output() and time.monotonic() < limit:
            time.sleep(0.1)
    assert "IMPORTED True" in running.output(), "torch, behind the answers; then what was imported is left out of the search for garbage"
    assert "ScriptRunContext" not in running.output() and "No runtime" not in running.output()


def test_without_a_wish_no_other_page_may_show_the_app_in_a_frame(tmp_path: Path):
    (tmp_path / "index.html").write_text("<script>go()</script>")
    rules = headers.policy(tmp_path / "index.html").split("; ")
    assert "frame-ancestors 'self'" in rules
    assert "script-src 'self' 'unsafe-eval' blob: 'sha256-5KYv+PUboo5h+0+YAtGRPbwv5d/QxzHslP4YGnUaxRw='" in rules


def silent(running: chromium.Server, request: str, begins: bytes = b"HTTP/1.1 ") -> socket.socket:
    """A connection that asks for something and then neither reads on nor says anything."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", int(running.url.rsplit(":", 1)[1])))
    connection.sendall(request.replace("\n", "\r\n").encode())
    assert connection.recv(len(begins)) == begins
    return connection


def test_it_calls_nobody_and_ends_while_connections_are_open(alone: chromium.Server):
    *warned, address = alone.output().splitlines()
    assert all("xsrfCookieSameSite" in line for line in warned) and address.startswith("Recurrent Explorer: "), "else it starts silently"
    largest = max(Path(streamlit.__file__).parent.glob("static/static/js/*.js"), key=lambda file: file.stat().st_size)
    file = f"GET /static/js/{largest.name} HTTP/1.1\nHost: localhost\n\n"
    shake = "GET /_stcore/stream HTTP/1.1\nHost: localhost\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n"
    asking = [silent(alone, file * 4), silent(alone, f"{shake}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n")]
    alone.process.send_signal(signal.SIGTERM)
    assert alone.process.wait(60) == 0  # no limit of time: without one for its connections the server does not end at all
    for connection in asking:
        connection.close()
    assert "LEFT" not in alone.output() and alone.output().count("DONE AT EXIT") == 1


def test_it_listens_on_this_computer_alone_and_takes_the_next_free_port():
    with server.listening("localhost", None) as first, server.listening("localhost", None) as second:
        assert first.getsockname()[0] == second.getsockname()[0] == "127.0.0.1"
        assert server.FIRST <= first.getsockname()[1] < second.getsockname()[1] < server.FIRST + server.PORTS
        with pytest.raises(server.ServerError, match=r"Port \d+ of localhost is in use"):
            server.listening("localhost", first.getsockname()[1])
    with pytest.raises(server.ServerError, match=r"Nothing can listen on '203\.0\.113\.7'"):
        server.listening("203.0.113.7", None)


@pytest.mark.parametrize("origin", ["example.org", "https://example.org/path", "https://a.example; script-src *", "*", "https://a b"])
def test_what_is_no_origin_is_refused(origin: str):
    done = CliRunner().invoke(cli.application(start), ["--embed-from", origin], env={"COLUMNS": "200"})
    assert done.exit_code == 2 and "is not an origin" in " ".join(done.output.split())


def test_open_looks_at_its_files_before_it_serves_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    served = []
    monkeypatch.setattr(server, "serve", lambda *where, page: served.append((json.loads(os.environ["EXPLORER_GIVEN"])["files"], page)))
    monkeypatch.setenv("EXPLORER_GIVEN", "{}")  # given back after the test
    run = lambda *arguments: CliRunner().invoke(cli.application(start, {"open": open_files}), ["open", *map(str, arguments)])  # noqa: E731
    assert "does not exist" in str(run(tmp_path / "none.pt").exception) and not served
    (tmp_path / "mine.pt").write_bytes(b"whatever")
    assert "one token per line" in str(run(tmp_path / "mine.pt", "--vocabulary", tmp_path / "mine.pt").exception) and not served
    assert run(tmp_path / "mine.pt").exit_code == 0 and served == [([str(tmp_path / "mine.pt")], "your_model")]


@pytest.mark.parametrize(
    ("origins", "sent"),
    [
        ([], "lax"),
        (["https://a.example"], "none"),
        (["http://localhost:8000", "http://127.0.0.1"], "none"),
        (["http://a.example"], "lax"),
        (["https://a.example", "http://a.example"], "lax"),
        (["http://localhost.a.example"], "lax"),
    ],
)
def test_the_cookie_goes_to_frames_of_other_sites_only_where_browsers_accept_that(origins: list[str], sent: str):
    assert server.same_site(origins) == sent


def test_what_pages_import_is_there_before_the_server_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Only the imports of a page are run, and one that fails is left to the page."""
    (tmp_path / "pages").mkdir()
    for name in ("first", "second"):
        (tmp_path / f"imported_by_{name}.py").touch()
    (tmp_path / "pages" / "a.py").write_text("import imported_by_nobody\n")
    (tmp_path / "pages" / "b.py").write_text(
        '"""A page."""\nimport imported_by_first\nfrom imported_by_second import __name__\nraise SystemExit\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert server.preload(tmp_path)
    assert {"imported_by_first", "imported_by_second"} <= sys.modules.keys()
    for name in ("first", "second"):
        monkeypatch.delitem(sys.modules, f"imported_by_{name}")


def test_what_networks_need_is_imported_while_the_server_answers_and_then_garbage_is_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A server that ends before that imports nothing any more; what cannot be imported is left to the page."""
    (tmp_path / "imported_behind.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    collections: list[bool] = []
    monkeypatch.setattr(server, "freeze", lambda: None)
    monkeypatch.setattr(server.gc, "collect", lambda: collections.append("imported_behind" in sys.modules))
    with server.behind_the_answers(["imported_behind"], head_start=3_600):
        pass
    assert "imported_behind" not in sys.modules and "torch" in server.BEHIND and not collections
    with server.behind_the_answers(["not_there", "imported_behind"], head_start=0, pause=0.01):
        limit = time.monotonic() + 60
        while len(collections) < 2 and time.monotonic() < limit:
            time.sleep(0.01)
    assert len(collections) >= 2 and all(collections)
    settings = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))
    assert settings["runner"]["postScriptGC"] is False  # else it would be collected after every run as well
    monkeypatch.delitem(sys.modules, "imported_behind")
