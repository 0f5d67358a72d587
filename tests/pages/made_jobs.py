"""Jobs for tests of the pool: each of a visitor of its own unless one is named."""

import itertools
import time
from collections.abc import Callable

from pages._ui.jobs import Background, Every, Visitor
from pages._ui.pool import TRAINING, Cost, Pool

PATIENCE = 30.0  # a busy machine is slow, not wrong
_strangers = itertools.count()


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something holds."""
    limit = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.005)


def endless(every: Every) -> None:
    """Work that ends only where it is ended."""
    done = 0
    while True:
        done += 1
        every(done, 1_000_000)
        time.sleep(0.001)


def started(
    work: Callable[[Every], None], pool: Pool, is_there: Callable[[], bool] = lambda: True, visitor: str = "", cost: Cost = TRAINING
) -> Background:
    """A job in the pool, for a visitor of its own unless one is named."""
    return Background(work, pool, Visitor(visitor or f"stranger {next(_strangers)}", is_there), cost)


def queued(pool: Pool, visitor: str, cost: Cost = TRAINING) -> Background:
    """An endless job that waits behind others, when it stands in line."""
    before = len(pool.line)
    job = started(endless, pool, visitor=visitor, cost=cost)
    until(lambda: len(pool.line) == before + 1)
    return job
