"""Limits of what visitors upload, for a session and for the server, checked before a file is kept.

Streamlit takes files of any session, also on a page without an uploader, and limits only the size of each.
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
SESSION = 64 << 20  # bytes of one session: three files of the largest size
SERVER = 512 << 20  # bytes of all sessions together
FILES = 20  # of one session


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

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request: the interface of ASGI."""
        upload = ADDRESS.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if upload is None:
            return await self.app(scope, receive, send)
        length = dict(scope["headers"]).get(b"content-length", b"")
        if not length.isdigit():
            return await _refuse(send, 411, "An upload must say its length.")
        file = upload[1], int(length)
        if problem := self._problem(*file):
            while (await receive()).get("more_body"):  # thrown away: a browser reads no answer before it has sent everything
                pass
            return await _refuse(send, 413, problem)
        self.coming.append(file)
        try:
            await self.app(scope, receive, send)
        finally:
            self.coming.remove(file)

    def _problem(self, session: str, size: int) -> str:
        """A sentence if a file is too much; empty if it may come."""
        sizes, files = Counter(), Counter()
        for owner, lengths in [*self.sizes().items(), *((owner, [length]) for owner, length in self.coming)]:
            sizes[owner] += sum(lengths)
            files[owner] += len(lengths)
        if sizes[session] + size > SESSION or files[session] >= FILES:
            return f"You have uploaded as much as one visit may hold: {SESSION >> 20} MB or {FILES} files. Reload the page to start anew."
        if sizes.total() + size > SERVER:
            return f"The server holds as many uploads as it can: {SERVER >> 20} MB. Try again later."
        return ""


async def _refuse(send: Send, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode()})
