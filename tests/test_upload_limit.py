"""Uploads are limited for a visitor and for the server, before they are kept."""

import asyncio
from types import SimpleNamespace

import pytest
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string

from recurrent_explorer_app.upload_limit import FILES, SERVER, VISITOR, UploadLimit
from tests.threads import run

LARGEST = 20 << 20


@pytest.fixture
def server(monkeypatch):
    """A server that takes every file, counted as what Streamlit holds."""
    manager = MemoryUploadedFileManager("")
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", lambda: SimpleNamespace(uploaded_file_mgr=manager))

    async def app(scope, receive, send) -> None:
        body = await receive()
        session, file = scope["path"].split("/")[-2:]
        manager.add_file(session, UploadedFileRec(file, "x", "", body["body"]))
        await send({"type": "http.response.start", "status": 204})

    return UploadLimit(app)


async def status_of(server, session: str, file: str, size: int, cookie: str = "") -> int:
    """The answer to an upload that takes a moment to arrive."""
    answers = []

    async def receive():
        await asyncio.sleep(0.01)
        return {"body": Sized(size)}

    async def send(message) -> None:
        answers.append(message)

    path = f"/some/base/_stcore/upload_file/{session}/{file}"
    headers = [(b"content-length", b"%d" % size), (b"cookie", f"theme=dark; _streamlit_xsrf={cookie}".encode())]
    await server({"type": "http", "method": "PUT", "path": path, "headers": headers}, receive, send)
    return answers[0]["status"]


class Sized(bytes):
    """Bytes that only say how many they are."""

    def __new__(cls, size: int):
        made = super().__new__(cls)
        made.size = size
        return made

    def __len__(self) -> int:
        return self.size


def uploads(server, *files: tuple[str, int] | tuple[str, int, str], at_once: bool = False) -> list[int]:
    """The answers to uploads of (session, size) or (session, size, cookie)."""

    async def all_of_them() -> list[int]:
        requests = [status_of(server, session, f"{session} {index}", *rest) for index, (session, *rest) in enumerate(files)]
        return list(await asyncio.gather(*requests)) if at_once else [await request for request in requests]

    return run(all_of_them())


@pytest.mark.parametrize("at_once", [False, True])
def test_forty_files_of_one_visitor_are_not_taken_whether_one_by_one_or_at_once(server, at_once: bool):
    taken = VISITOR // LARGEST
    assert uploads(server, *[("greedy", LARGEST)] * 40, at_once=at_once) == [204] * taken + [413] * (40 - taken)
    assert uploads(server, ("modest", LARGEST)) == [204] and not server.coming


def test_many_small_files_are_limited_by_their_number(server):
    assert uploads(server, *[("greedy", 1)] * (FILES + 1)) == [204] * FILES + [413]


def cookie_of(token: bytes) -> str:
    """A cookie as Streamlit sets it: with another mask each time."""
    return generate_xsrf_token_string(token)


def test_the_tabs_of_a_browser_are_one_visitor_whatever_the_mask_of_their_cookie(server):
    taken, token = VISITOR // LARGEST, bytes(16)
    assert cookie_of(token) != cookie_of(token)
    tabs = [(f"tab {index}", LARGEST, cookie_of(token)) for index in range(taken + 2)]
    assert uploads(server, *tabs) == [204] * taken + [413] * 2
    assert uploads(server, ("another browser", LARGEST, cookie_of(bytes(15) + b"x"))) == [204]


def test_other_cookies_for_the_same_session_gain_nothing(server):
    taken = VISITOR // LARGEST
    files = [("one", LARGEST, cookie_of(bytes(15) + bytes([index]))) for index in range(taken + 2)]
    assert uploads(server, *files) == [204] * taken + [413] * 2


def test_browsers_that_throw_their_cookies_away_stay_within_what_the_server_holds(server):
    taken = SERVER // LARGEST
    files = [(f"session {index}", LARGEST, cookie_of(index.to_bytes(16))) for index in range(taken + 3)]
    assert uploads(server, *files) == [204] * taken + [413] * 3


def test_all_sessions_together_are_limited(server):
    taken = SERVER // LARGEST
    answers = uploads(server, *[(f"visitor {index}", LARGEST) for index in range(taken + 1)])
    assert answers == [204] * taken + [413]


def test_an_upload_says_its_length_and_other_requests_pass(server):
    async def send(message) -> None:
        answers.append(message)

    async def nothing(scope, receive, send) -> None:
        passed.append(scope["type"])

    answers, passed = [], []
    scope = {"type": "http", "method": "PUT", "path": "/_stcore/upload_file/a/b", "headers": []}
    run(server(scope, None, send))
    assert answers[0]["status"] == 411
    other = UploadLimit(nothing)
    for scope in ({"type": "lifespan"}, {"type": "http", "method": "GET", "path": "/"}, {"type": "websocket", "path": "/"}):
        run(other(scope, None, send))
    assert passed == ["lifespan", "http", "websocket"]
