"""What every answer of the server carries: a policy that keeps a page from calling any other host, and a few more headers."""

import base64
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# 'unsafe-eval' is for Vega, which compiles the expressions of a chart; blob: for the scripts of components and their workers.
POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "frame-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'self'",
}
CLOSED = "/_stcore/metrics"  # numbers of the server and its sessions, which concern no visitor
ORIGIN = re.compile(r"https?://(\*\.)?[\w-]+(\.[\w-]+)*(:\d{1,5})?", re.ASCII)


def policy(page: Path, embed_from: Iterable[str] = ()) -> str:
    """The content security policy.

    Args:
        page: The HTML file that is served; the scripts inside it are allowed by their checksums.
        embed_from: Origins that may show the app in a frame, beside its own.
    """
    scripts = re.findall(r"<script>(.*?)</script>", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    sums = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    more = {"script-src": [f"'sha256-{checksum}'" for checksum in sums], "frame-ancestors": list(embed_from)}
    return "; ".join(" ".join([name, sources, *more.get(name, [])]) for name, sources in POLICY.items())


class Headers:
    """Adds the headers to every answer, and answers 404 where the server counts its visitors.

    Args:
        app: The application that answers.
        policy: Its content security policy.
    """

    def __init__(self, app: "ASGIApp", policy: str):
        self.app = app
        own = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",  # an address holds what a visitor typed
        }
        self.headers = [(name.lower().encode(), value.encode()) for name, value in own.items()]

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """One request: the interface of ASGI."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def answer(message: "Message") -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in self.headers}
                given = [header for header in message.get("headers", ()) if header[0].lower() not in names]
                message = {**message, "headers": [*given, *self.headers]}
            await send(message)

        if CLOSED in scope["path"]:
            await answer({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
            return await answer({"type": "http.response.body", "body": b""})
        return await self.app(scope, receive, answer)
