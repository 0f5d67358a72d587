"""Many visitors at once: reruns a second with and without the frozen garbage collector, and the server's memory.

python -m tests.benchmarks.sessions [--long]
"""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from pages._ui.link import packed

ROOT = Path(__file__).parents[2]


class Visitor:
    """One session over a WebSocket: asks for a run of the page and waits until it is finished."""

    def __init__(self, port: int, query: str = ""):
        self.port, self.query, self.bytes, self.errors = port, query, 0, 0

    async def open(self) -> float:
        address = f"ws://127.0.0.1:{self.port}/_stcore/stream"
        self.socket = await websockets.connect(address, subprotocols=["streamlit"], max_size=None, origin=f"http://127.0.0.1:{self.port}")
        return await self.run()

    async def run(self) -> float:
        message = BackMsg()
        message.rerun_script.query_string = self.query
        started = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        while True:
            data = await self.socket.recv()
            self.bytes += len(data)
            reply = ForwardMsg()
            reply.ParseFromString(data)
            if reply.WhichOneof("type") == "delta" and reply.delta.WhichOneof("type") == "new_element":
                self.errors += reply.delta.new_element.WhichOneof("type") == "exception"
            if reply.WhichOneof("type") == "script_finished":
                return time.perf_counter() - started


@contextmanager
def server(**environment: str):
    """The app on a free port; yields (port, process id)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "recurrent_explorer_app", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.2)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(10)


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

    async def stay(visitor: Visitor) -> list[float]:
        return [await visitor.run() for _ in range(reruns)]

    times = sorted(t for row in await asyncio.gather(*[stay(v) for v in visitors]) for t in row)
    took = time.perf_counter() - started
    return {
        "first run p50 ms": 1e3 * statistics.median(first),
        "reruns/s": len(times) / took,
        "p50 ms": 1e3 * times[len(times) // 2],
        "p95 ms": 1e3 * times[int(0.95 * len(times))],
        "errors": sum(v.errors for v in visitors),
    }


def run() -> list[dict]:
    """Twenty visitors at the example text, with the freeze and without."""
    rows = []
    for label, environment in (("with gc.freeze", {}), ("without", {"EXPLORER_NO_FREEZE": "1"})):
        with server(**environment) as (port, pid):
            figures = asyncio.run(crowd(port, 20, 10, [""]))
            rows.append({"name": f"20 sessions, {label}", **figures, "memory MB": memory_mb(pid)})
    return rows


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
    show(run_long() if "--long" in sys.argv else run())
