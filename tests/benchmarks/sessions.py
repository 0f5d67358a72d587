"""Many visitors at once: reruns beside those of a toy page, with and without the frozen garbage collector, cold starts, and memory.

python -m tests.benchmarks.sessions [--long | --pages | --cold] [PAGE...]
"""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from pages._ui.link import packed

ROOT = Path(__file__).parents[2]


TOY = Path(__file__).with_name("toy.py")
PAGES = ("", "hidden_states", "attention", "captions", "confusions", "gradient_flow", "one_step", "glossary")
SERVE = "import sys; from pathlib import Path; from recurrent_explorer_app.server import serve; serve(Path(sys.argv[1]), int(sys.argv[2]))"


class Visitor:
    """One session over a WebSocket: asks for a run of a page and waits until it is finished. As a browser it keeps long messages."""

    def __init__(self, port: int, query: str = "", page: str = ""):
        self.port, self.query, self.page = port, query, page
        self.bytes = self.messages = self.errors = 0
        self.kept: set[str] = set()
        self.session = self.part = ""

    async def connect(self) -> None:
        address = f"ws://127.0.0.1:{self.port}/_stcore/stream"
        self.socket = await websockets.connect(address, subprotocols=["streamlit"], max_size=None, origin=f"http://127.0.0.1:{self.port}")

    async def open(self) -> float:
        await self.connect()
        return await self.run()

    async def gesture(self) -> float:
        """Seconds of a run as a widget of the page asks for it: of the part of the app that the page is, if it is one."""
        return await self.run(part=self.part)

    async def run(self, until: str = "script_finished", part: str = "") -> float:
        """Seconds from the request to a message of a kind; `bytes` and `messages` are those of this run."""
        message = BackMsg()
        message.rerun_script.query_string, message.rerun_script.page_name = self.query, self.page
        message.rerun_script.fragment_id = part
        message.rerun_script.cached_message_hashes.extend(self.kept)
        self.bytes = self.messages = 0
        self.part = part  # known anew after a run of the whole app
        started = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        while True:
            data = await self.socket.recv()
            self.bytes, self.messages = self.bytes + len(data), self.messages + 1
            reply = ForwardMsg()
            reply.ParseFromString(data)
            if reply.WhichOneof("type") == "new_session":
                self.session = reply.new_session.initialize.session_id
            if reply.metadata.cacheable:
                self.kept.add(reply.hash)
            self.part = self.part or reply.delta.fragment_id
            element = reply.delta.new_element.WhichOneof("type") if reply.delta.WhichOneof("type") == "new_element" else None
            self.errors += element == "exception"
            if until in (element, reply.WhichOneof("type")):
                return time.perf_counter() - started


@contextmanager
def server(script: Path = ROOT / "app.py", environment: dict[str, str] | None = None):
    """A script served on a free port as the app is; yields (port, process id)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVE, str(script), str(port)]
    settings = os.environ | {"PYTHONPATH": str(ROOT)} | (environment or {})
    process = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(10)


def cpu_seconds(pid: int) -> float:
    """Time that a process has computed, in seconds, threads that have ended included (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Largest resident memory the process ever had, in megabytes (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


async def crowd(port: int, sessions: int, reruns: int, queries: list[str]) -> dict:
    """Figures of `sessions` visitors who each rerun the page `reruns` times, all at once."""
    visitors = [Visitor(port, queries[n % len(queries)]) for n in range(sessions)]
    first = [await visitor.open() for visitor in visitors[:1]]
    first += await asyncio.gather(*[visitor.open() for visitor in visitors[1:]])
    started = time.perf_counter()

    times = sorted(t for row in await asyncio.gather(*[stay(visitor, reruns) for visitor in visitors]) for t in row)
    took = time.perf_counter() - started
    return {
        "first run p50 ms": 1e3 * statistics.median(first),
        "reruns/s": len(times) / took,
        "p50 ms": 1e3 * times[len(times) // 2],
        "p95 ms": 1e3 * times[int(0.95 * len(times))],
        "errors": sum(v.errors for v in visitors),
    }


async def beside_the_toy(page: str, sessions: int, reruns: int, rounds: int, ports: dict[str, tuple[int, int]]) -> dict:
    """What a rerun of a page costs over what one of the toy page costs, taken in turns.

    Args:
        page: Name of the page.
        sessions, reruns: Visitors at once, and how often each runs the page in a round.
        rounds: Number of rounds; medians are given.
        ports: Port and process of the servers of "app" and "toy".
    """
    visitors = {name: [Visitor(ports[name][0], page=page if name == "app" else "") for _ in range(sessions)] for name in ports}
    figures: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ports}
    for group in visitors.values():
        for visitor in group:
            await visitor.open()
            await visitor.run()
    for _ in range(rounds):
        for name, group in visitors.items():
            before, started = cpu_seconds(ports[name][1]), time.perf_counter()
            rows = await asyncio.gather(*[stay(visitor, reruns) for visitor in group])
            times = sorted(time for row in rows for time in row)
            took = time.perf_counter() - started
            cpu = (cpu_seconds(ports[name][1]) - before) / len(times)
            figures[name].append((len(times) / took, times[int(0.95 * len(times))], cpu))
    app, toy = ([statistics.median(column) for column in zip(*figures[name], strict=True)] for name in ("app", "toy"))
    first = visitors["app"][0]
    for group in visitors.values():
        for visitor in group:
            await visitor.socket.close()
    return {
        "name": f"{page} / toy page, {sessions} sessions",
        "reruns/s": app[0] / toy[0],
        "p95": app[1] / toy[1],
        "CPU": app[2] / toy[2],
        "messages": first.messages,
        "kB": first.bytes / 1e3,
        "errors": sum(visitor.errors for visitor in visitors["app"]),
    }


async def stay(visitor: Visitor, reruns: int) -> list[float]:
    """Seconds of each of so many gestures, one after another."""
    return [await visitor.gesture() for _ in range(reruns)]


def run_pages(pages: Iterable[str] = PAGES, sessions: int = 20, reruns: int = 5, rounds: int = 3) -> list[dict]:
    """Every page beside the toy page. Wanted: at least half of its reruns per second, p95 at most twice as long."""
    with server() as app, server(TOY) as toy:
        return [asyncio.run(beside_the_toy(page, sessions, reruns, rounds, {"app": app, "toy": toy})) for page in pages]


async def first_element(port: int, pid: int, page: str = "") -> tuple[float, float]:
    """Seconds from a visitor's request to the heading of a page, and seconds that the server computed meanwhile."""
    visitor = Visitor(port, page=page)
    started, before = time.perf_counter(), cpu_seconds(pid)
    await visitor.connect()
    await visitor.run(until="heading")
    took = time.perf_counter() - started, cpu_seconds(pid) - before
    await visitor.socket.close()
    return took


def run_cold(pages: Iterable[str] = PAGES, rounds: int = 3) -> list[dict]:
    """The first visitor of a server that has just become healthy: time to the heading, over that of the toy page; in turns."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ("toy", *pages)}
    for _ in range(rounds):
        for name, kept in times.items():
            with server(TOY if name == "toy" else ROOT / "app.py") as (port, pid):
                kept.append(asyncio.run(first_element(port, pid, "" if name == "toy" else name)))
    medians = {name: [statistics.median(column) for column in zip(*kept, strict=True)] for name, kept in times.items()}
    toy = medians.pop("toy")
    return [
        {"name": f"cold server, {name}: heading / toy page", "time": seconds / toy[0], "CPU": cpu / toy[1], "seconds": seconds}
        for name, (seconds, cpu) in medians.items()
    ]


def run() -> list[dict]:
    """Twenty visitors at the example text, with the freeze and without; every page beside the toy page; cold servers."""
    rows = []
    for label, environment in (("with gc.freeze", {}), ("without", {"EXPLORER_NO_FREEZE": "1"})):
        with server(environment=environment) as (port, pid):
            figures = asyncio.run(crowd(port, 20, 10, [""]))
            rows.append({"name": f"20 sessions, {label}", **figures, "memory MB": memory_mb(pid)})
    return rows + run_pages() + run_cold()


def run_long() -> list[dict]:
    """Twenty visitors with 10,000 characters each, their own text, and one with 100,000: the server's memory."""
    # Texts that deflate well, so that 10,000 characters fit into a link; each visitor's differs.
    texts = [f"[[link {n}]] a '''bold''' word, " * 400 for n in range(20)]
    queries = [f"hidden_states.text={packed(text[:10_000])}" for text in texts]
    queries.append(f"hidden_states.text={packed((texts[0] * 10)[:100_000])}")
    with server() as (port, pid):
        figures = asyncio.run(crowd(port, 21, 2, queries))
        return [{"name": "20 x 10,000 and 1 x 100,000 characters", **figures, "memory MB": memory_mb(pid)}]


def show(rows: list[dict]) -> None:
    """Print rows as aligned lines."""
    for row in rows:
        print("  ".join(f"{k}: {v:.4g}" if isinstance(v, float) else f"{k}: {v}" for k, v in row.items()), flush=True)


if __name__ == "__main__":
    kinds = {"--long": lambda: run_long(), "--pages": lambda: run_pages(named or PAGES), "--cold": lambda: run_cold(named or PAGES)}
    named = [argument for argument in sys.argv[1:] if argument not in kinds]
    show(next((make for kind, make in kinds.items() if kind in sys.argv), run)())
