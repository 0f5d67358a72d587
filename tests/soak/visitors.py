"""Visitors of a soak: each opens links, uploads a file now and then, and leaves."""

import asyncio
import random
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from tests.benchmarks.sessions import Visitor

PATIENCE = 300.0  # seconds for one run: heavy work waits for its turn
STAYS = 6  # most runs of a visit
UPLOAD = 1 << 20  # bytes

Links = list[tuple[str, dict[str, str]]]


def upload(port: int, session: str) -> int:
    """Send a file as a page does; returns the status of the answer."""
    address = f"http://127.0.0.1:{port}/_stcore"
    with urllib.request.urlopen(f"{address}/health", timeout=60) as answer:
        token = SimpleCookie(answer.headers["Set-Cookie"])["_streamlit_xsrf"].value
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x.bin"\r\n\r\n'.encode()
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "X-Xsrftoken": token,
        "Cookie": f"_streamlit_xsrf={token}",
    }
    content = head + bytes(UPLOAD) + f"\r\n--{boundary}--\r\n".encode()
    request = urllib.request.Request(f"{address}/upload_file/{session}/{uuid.uuid4()}", content, headers, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


async def visits(port: int, rng: random.Random, links: Links, until: float) -> Counter:
    """One visitor after another, until a moment of time.monotonic; counts visits, runs, uploads and errors."""
    done = Counter()
    while time.monotonic() < until:
        visitor = _at(Visitor(port), rng, links)
        await asyncio.wait_for(visitor.open(), PATIENCE)
        for _ in range(rng.randrange(STAYS)):
            if time.monotonic() < until:
                await asyncio.wait_for(_at(visitor, rng, links).run(), PATIENCE)
                done["runs"] += 1
        if rng.random() < 0.5:
            done[f"uploads, {await asyncio.to_thread(upload, port, visitor.session)}"] += 1
        await visitor.socket.close()
        done += Counter({"visits": 1, "runs": 1, "errors": visitor.errors})
    return done


def _at(visitor: Visitor, rng: random.Random, links: Links) -> Visitor:
    """The visitor with another link."""
    visitor.page, query = rng.choice(links)
    visitor.query = urlencode({f"{visitor.page}.{key}": value for key, value in query.items()})
    return visitor


async def crowd(port: int, sessions: int, seed: int, links: Links, until: float) -> Counter:
    """So many visitors at a time, until a moment of time.monotonic."""
    rows = await asyncio.gather(*[visits(port, random.Random(seed + index), links, until) for index in range(sessions)])
    return sum(rows, Counter())
