"""How benchmarks measure: times as ratios taken in turns, memory in a process of its own."""

import multiprocessing
import resource
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")


def interleaved(first: Callable[[], object], second: Callable[[], object], rounds: int = 7) -> float:
    """Median time of `first` over the median time of `second`, taken in turns so that a busy machine slows both."""
    return medians([first], second, rounds)[0]


def medians(works: Sequence[Callable[[], object]], one: Callable[[], object], rounds: int = 7) -> list[float]:
    """Median time of each of some works over the median time of `one`, all taken in turns."""
    times: list[list[float]] = [[] for _ in (*works, one)]
    for turn in range(rounds + 1):
        for kept, work in zip(times, (*works, one), strict=True):
            start = time.perf_counter()
            work()
            if turn:  # the first turn warms up
                kept.append(time.perf_counter() - start)
    return [statistics.median(kept) / statistics.median(times[-1]) for kept in times[:-1]]


def resident() -> int:
    """Memory of this process now, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def grown(work: Callable[[], Result]) -> tuple[int, Result]:
    """Highest memory while something runs, above what was there before, in bytes; and what it gave."""
    before, highest, done = resident(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            highest[0] = max(highest[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        result = work()
    finally:
        done.set()
        watcher.join()
    return highest[0] - before, result


def alone_in_a_process(work: Callable[..., None], *arguments: Any) -> float:
    """What `work(*arguments, queue)` puts on its queue, run in a fresh process."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=work, args=(*arguments, queue))
    process.start()
    result = queue.get()
    process.join()
    return result


def row(name: str, measured: float, limit: float, at_most: bool = True) -> dict:
    """One line of the table."""
    return {"name": name, "measured": round(measured, 2), "limit": f"{'at most' if at_most else 'at least'} {limit}"}
