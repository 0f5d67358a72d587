"""Limits of what visitors upload, for a visitor and for the server, checked before a file is kept.

Streamlit takes files of any session, also on a page without an uploader, and limits only the size of each. A visitor is a browser with all
its tabs, see pages._ui.visitors.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

ADDRESS = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+$")
VISITOR = 64 << 20  # bytes of one visitor: three files of the largest size
SERVER = 512 << 20  # bytes of all visitors together
FILES = 20  # of one visitor


def held() -> dict[str, list[int]]:
    """Sizes in bytes of the files that Streamlit holds, by session."""
    from streamlit import runtime

    if not runtime.exists():
        return {}
    storage = runtime.get_instance().uploaded_file_mgr.file_storage  # pyright: ignore[reportAttributeAccessIssue]
    return {session: [len(file.data) for file in list(files.values())] for session, files in list(storage.items())}


class UploadLimit:
    """Refuses an upload that is too much, with a sentence; its content is never held.

    Args:
        app: The application that takes uploads.
        sizes: Sizes of the files that it holds, by session.
    """

    def __init__(self, app: Application, sizes: Callable[[], dict[str, list[int]]] = held):
        self.app, self.sizes = app, sizes
        self.coming: list[tuple[str, int]] = []  # session and size of the files that are being received
        self.visitors: dict[str, str] = {}  # session -> the browser that first uploaded for it

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request: the interface of ASGI."""
        upload = ADDRESS.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if upload is None:
            return await self.app(scope, receive, send)
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        if not length.isdigit():
            return await _refuse(send, 411, "An upload must say its length.")
        file = upload[1], int(length)
        self._note(upload[1], headers.get(b"cookie", b"").decode("latin-1"))
        if problem := self._problem(*file):
            while (await receive()).get("more_body"):  # thrown away: a browser reads no answer before it has sent everything
                pass
            return await _refuse(send, 413, problem)
        self.coming.append(file)
        try:
            await self.app(scope, receive, send)
        finally:
            self.coming.remove(file)

    def _note(self, session: str, cookies: str) -> None:
        """Note whose session it is: the first cookie counts, and other ones for the same session gain nothing."""
        from pages._ui.visitors import COOKIE, browser_of

        known = {*self.sizes(), *(owner for owner, _ in self.coming)}
        self.visitors = {other: browser for other, browser in self.visitors.items() if other in known}
        browser = next((name for part in cookies.split(";") if (name := browser_of(_value(part, COOKIE)))), None)
        self.visitors.setdefault(session, browser or session)

    def _problem(self, session: str, size: int) -> str:
        """A sentence if a file is too much; empty if it may come."""
        sizes, files, who = Counter(), Counter(), self.visitors[session]
        for owner, lengths in [*self.sizes().items(), *((owner, [length]) for owner, length in self.coming)]:
            sizes[self.visitors.get(owner, owner)] += sum(lengths)
            files[self.visitors.get(owner, owner)] += len(lengths)
        if sizes[who] + size > VISITOR or files[who] >= FILES:
            return (
                f"You have uploaded as much as one visitor may hold, in all tabs together: {VISITOR >> 20} MB or {FILES} files. "
                "Close other tabs, or reload the page to start anew."
            )
        if sizes.total() + size > SERVER:
            return f"The server holds as many uploads as it can: {SERVER >> 20} MB. Try again later."
        return ""


def _value(part: str, name: str) -> str:
    """The value in one part of a header of cookies, empty if it is another cookie."""
    key, _, value = part.strip().partition("=")
    return value if key == name else ""


async def _refuse(send: Send, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode()})
