"""Visitors come and go: python -m tests.soak [--seconds S] [--sessions N] [--seed K].

Printed: visits, runs, exceptions on pages, what the server's log says of errors, its memory over time, and the temporary files that it
leaves. The exit status is 1 if there is an error or a file left, or if memory still grows at the end.
"""

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.browser import chromium
from tests.browser.chromium import ROOT, Server
from tests.fuzz.__main__ import links
from tests.soak.visitors import Links, crowd
from tests.threads import run

PAGE = os.sysconf("SC_PAGE_SIZE")
LOUD = ("Traceback", "ERROR", "Uncaught", "MemoryError")  # in the log of a server
GROWTH, ROOM = 1.25, 100.0  # of memory from the second third to the last: times, and megabytes


@dataclass
class Report:
    """What a soak saw.

    Args:
        counts: Of visits, runs, uploads by their answer, and exceptions on pages.
        memory: Resident memory of the server, megabytes, once a second.
        loud: Lines of its log that speak of errors.
        left: Files that it left in its temporary folder.
        status: With which it ended.
    """

    counts: dict[str, int] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)
    loud: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    status: int | None = None

    @property
    def thirds(self) -> tuple[float, float]:
        """Mean memory in the second and in the last third of the time."""
        third = max(1, len(self.memory) // 3)
        middle, last = self.memory[third : 2 * third] or self.memory, self.memory[-third:]
        return sum(middle) / len(middle), sum(last) / len(last)

    def problems(self) -> list[str]:
        """A sentence for everything that is wrong."""
        middle, last = self.thirds
        wrong = [f"{self.counts['errors']} exceptions on pages."] if self.counts.get("errors") else []
        wrong += [f"The log says: {line}" for line in self.loud[:5]] + [f"It leaves {name}." for name in self.left[:5]]
        if last > GROWTH * middle + ROOM:
            wrong.append(f"Memory still grows: {middle:,.0f} MB in the second third of the time, {last:,.0f} MB in the last.")
        return wrong + ([f"The server ended with status {self.status}."] if self.status else [])


@contextmanager
def watched(server: Server, memory: list[float]) -> Iterator[None]:
    """Note the memory of the server once a second."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(1.0):
            memory.append(int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * PAGE / 2**20)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def soak(seconds: float, sessions: int, seed: int, opened: Links, environment: dict[str, str] | None = None) -> Report:
    """Let visitors come and go on a server of its own, and end it.

    Args:
        seconds: How long.
        sessions: Visitors at a time.
        seed: Of what they do.
        opened: The links that they open.
        environment: Variables of the server.
    """
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / "tmp"
        temporary.mkdir()
        more = {"TMPDIR": str(temporary)} | (environment or {})
        with chromium.serving(ROOT / "app.py", Path(folder), 120, more) as server:
            with watched(server, report.memory):
                port = int(server.url.rsplit(":", 1)[1])
                report.counts = dict(run(crowd(port, sessions, seed, opened, time.monotonic() + seconds)))
            server.process.send_signal(signal.SIGTERM)
            report.status = server.process.wait(120)
            report.loud = [line for line in server.output().splitlines() if any(word in line for word in LOUD)]
        report.left = sorted(str(path.relative_to(temporary)) for path in temporary.rglob("*"))
    return report


def main() -> int:
    """Run, print the report, and return 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="how long")
    parser.add_argument("--sessions", type=int, default=12, help="visitors at a time")
    parser.add_argument("--seed", type=int, default=0, help="of what they do")
    asked = parser.parse_args()
    report = soak(asked.seconds, asked.sessions, asked.seed, links())
    middle, last = report.thirds
    print(", ".join(f"{name}: {count:,}" for name, count in sorted(report.counts.items())))
    memory = f"{report.memory[0]:,.0f} MB at first, {middle:,.0f} in the second third, {last:,.0f} in the last"
    print(f"memory: {memory}, {max(report.memory):,.0f} at most")
    print("\n".join(report.problems()) or "Nothing is wrong.")
    return bool(report.problems())


if __name__ == "__main__":
    sys.exit(main())
