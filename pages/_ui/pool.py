"""The pool of a server: heavy work runs here, a few jobs at a time, within limits of time and memory. Visitors take turns.

Light reruns never enter it. A job says before it begins what it may cost; what costs too much is refused with a sentence.
"""

import atexit
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from explorer.errors import ExplorerError

PLACES = 3  # jobs that run on a server at a time
LONG = 2  # of them long ones, such as trainings: one place is always left for work that a page waits for
MEGABYTES = 2_000  # memory of all running jobs together
MOST = 1_000  # memory of one job, megabytes
LINE = 60  # jobs that may wait
OWN_LINE = 8  # of them those of one visitor
LOOK = 0.25  # seconds between two checks of a waiting job
QUICK = 300.0  # seconds on a busy server; a job that may run for longer is a long one


class EndedError(Exception):
    """Raised inside a job that has to end; its state says why."""


class LimitError(ExplorerError):
    """A job needs more time or memory than a visitor may use, or too many are waiting."""


@dataclass(frozen=True)
class Cost:
    """What a job may use.

    Args:
        megabytes: Memory, estimated before it begins.
        seconds: Running time, after which it ends with a sentence.
    """

    megabytes: float = 200
    seconds: float = QUICK

    @property
    def is_long(self) -> bool:
        """Whether it is a long job, as a training is."""
        return self.seconds > QUICK


TRAINING = Cost(seconds=3600)


class Job:
    """A piece of heavy work, waiting or running.

    Args:
        visitor: For whom, see pages._ui.visitors; one job of a visitor runs at a time.
        cost: What it may use.
    """

    def __init__(self, visitor: str, cost: Cost):
        self.visitor, self.cost = visitor, cost
        self.turn = 0
        self._since, self._ran = 0.0, 0.0

    def pause(self) -> None:
        """Give up the place at the next step; only a job with a thread of its own can."""

    def cancel(self) -> None:
        """End at the next step; a job in the thread of a page ends with the run of that page."""

    def join(self, seconds: float) -> None:
        """Wait until a thread of its own has ended, at most this long."""

    def waits(self) -> None:
        """Called several times a second while it waits; may raise to give up."""

    def starts(self) -> None:
        """Count its running time from now on."""
        self._since = time.monotonic()

    def stops(self) -> None:
        """Stop counting its running time."""
        self._ran += time.monotonic() - self._since

    def check_time(self) -> None:
        """Check whether a running job may go on.

        Raises:
            LimitError: it has used up its time.
        """
        if self._ran + time.monotonic() - self._since > self.cost.seconds:
            raise LimitError(
                f"This was stopped after {self.cost.seconds:,.0f} seconds, the longest that one job may run on this server. "
                "Try a shorter text, fewer rows or a smaller network."
            )


class Pool:
    """The jobs of a server, waiting and running.

    Each visitor has a queue: one job of a visitor runs at a time, and visitors take turns, however many jobs one of them has.

    Args:
        places: Number of jobs that run at a time.
        long: Number of long jobs among them.
        megabytes: Memory of all running jobs together.
    """

    def __init__(self, places: int = PLACES, long: int = LONG, megabytes: float = MEGABYTES):
        self.places, self.long, self.megabytes = places, long, megabytes
        self.changed = threading.Condition()
        self.line: list[Job] = []
        self.inside: list[Job] = []
        self.alive: list[Job] = []  # jobs with a thread of their own
        self._turn = 0  # that is served
        self._last: dict[str, int] = {}  # visitor -> turn of the last job

    def enter(self, job: Job) -> None:
        """Wait until a job may run.

        Raises:
            LimitError: it needs too much memory, or too many jobs are waiting.
        """
        if job.cost.megabytes > min(MOST, self.megabytes):
            raise LimitError(
                f"This needs about {job.cost.megabytes:,.0f} MB of memory; one job may use {min(MOST, self.megabytes):,.0f} MB on this "
                "server. Try a shorter text, fewer rows or a smaller network."
            )
        self._queue(job)
        try:
            while not self._begins(job):
                job.waits()
        finally:
            with self.changed:
                if job in self.line:
                    self.line.remove(job)
                    self._last[job.visitor] = job.turn - 1  # a visitor who gives up and asks anew loses no turn
                    self.changed.notify_all()

    def leave(self, job: Job) -> None:
        """Let the next job run."""
        with self.changed:
            if job in self.inside:
                self.inside.remove(job)
                job.stops()
                self.changed.notify_all()

    @contextmanager
    def place(self, job: Job) -> Iterator[None]:
        """A place for a job, as soon as it is its turn."""
        self.enter(job)
        try:
            yield
        finally:
            self.leave(job)

    def ahead(self, job: Job) -> int:
        """Number of waiting jobs that come before this one."""
        with self.changed:
            return self._order().index(job) if job in self.line else 0

    def rival(self, job: Job) -> Job | None:
        """The running job of the same visitor, for whose end this one waits."""
        with self.changed:
            return next((other for other in self.inside if other.visitor == job.visitor and other is not job), None)

    def why(self, job: Job) -> str:
        """Why a job waits, as a sentence with its place in line."""
        if self.rival(job):
            return "Waiting: another job of yours is running. Pause or cancel it, or wait for its end"
        ahead = self.ahead(job)
        before = f", {ahead} more before yours" if ahead else ", yours is next"
        return f"Waiting: the server is busy with other jobs{before}"

    def end(self, seconds: float = 10.0) -> None:
        """Cancel every job that has a thread and wait for it: a thread that computes while Python exits would crash the server."""
        for job in list(self.alive):
            job.cancel()
        for job in list(self.alive):
            job.join(seconds)

    def _queue(self, job: Job) -> None:
        """Put a job at the end of its visitor's queue. A visitor's second job comes after the first job of every other visitor."""
        with self.changed:
            if len(self.line) >= LINE:
                raise LimitError(f"The server is busy: {LINE} jobs are waiting. Try again in a few minutes.")
            if sum(other.visitor == job.visitor for other in self.line) >= OWN_LINE:
                raise LimitError(f"{OWN_LINE} jobs of yours are waiting already, in all tabs together. Wait for their end or cancel some.")
            self._last = {visitor: turn for visitor, turn in self._last.items() if turn >= self._turn}
            job.turn = max(self._turn, self._last.get(job.visitor, self._turn - 1) + 1)
            self._last[job.visitor] = job.turn
            self.line.append(job)

    def _order(self) -> list[Job]:
        return sorted(self.line, key=lambda job: job.turn)

    def _begins(self, job: Job) -> bool:
        """Give a job its place if it is its turn, or wait a moment."""
        with self.changed:
            if self._next() is not job:
                self.changed.wait(LOOK)
            if self._next() is not job:
                return False
            self.line.remove(job)
            self.inside.append(job)
            self._turn = max(self._turn, job.turn)
            job.starts()
            self.changed.notify_all()
            return True

    def _next(self) -> Job | None:
        """The job that may begin now."""
        free = self.megabytes - sum(job.cost.megabytes for job in self.inside)
        running = {job.visitor for job in self.inside}
        is_full = sum(job.cost.is_long for job in self.inside) >= self.long
        if len(self.inside) >= self.places:
            return None
        for job in self._order():
            if job.visitor not in running and not (job.cost.is_long and is_full):
                return job if job.cost.megabytes <= free else None  # none overtakes a large one, which would wait for ever
        return None


@st.cache_resource(show_spinner=False)
def pool() -> Pool:
    """The pool of this server."""
    shared = Pool()
    atexit.register(shared.end)
    return shared
