"""Error messages of the page, and a progress bar with a Cancel button for long work."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import RerunException, StopException, get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType

from explorer.errors import ExplorerError
from pages._ui.pool import Cost, Job, pool
from pages._ui.text import failure, plain
from pages._ui.visitors import visitor

Report = Callable[[int, int], None]


@contextmanager
def guard(stop: bool = True) -> Iterator[None]:
    """Show an error of the project as a message and, unless `stop` is False, end the page there; the app keeps running."""
    try:
        yield
    except ExplorerError as error:
        failure(error)
        if stop:
            st.stop()
    except MemoryError:
        failure("This needs more memory than the server has. Try a shorter text or a smaller model.")
        st.stop()


def give_way() -> None:
    """End this run if the visitor has made a gesture on the page since it began.

    Any other run is ended by the next element that is drawn; but the run of a part of a page, see layout.body, would first be waited for.
    """
    context = get_script_run_ctx()
    if context is None or context.script_requests is None:
        return
    context.yield_check()
    requests, running = context.script_requests, context.fragment_ids_this_run or []
    asked = requests._rerun_data
    # A timer asks for its own fragment alone; after a gesture that waits, Streamlit adds it to the queue and calls both automatic.
    is_timer = asked.is_auto_rerun and len(asked.fragment_id_queue) == 1
    is_gesture = not set(running).isdisjoint(asked.fragment_id_queue) if running else not is_timer
    if requests._state == ScriptRequestType.RERUN and is_gesture:
        request = requests.on_scriptrunner_ready()
        if request.type != ScriptRequestType.RERUN:  # the session has ended meanwhile
            raise StopException
        data = request.rerun_data
        raise RerunException(replace(data, fragment_id_queue=list({*data.fragment_id_queue, *running}) if running else []))


class Progress:
    """A progress bar with a Cancel button, drawn after a second. A click on Cancel, or a newer input, ends the script when it is redrawn.

    Args:
        label: Of the bar; shown as it is, not as Markdown.
        key: Of the button.
        cancel: Called by a click on the button, before the page runs again.
    """

    def __init__(self, label: str, key: str, cancel: Callable[[], None]):
        self.label, self._key, self._cancel = plain(label), key, cancel
        self.frame, self._started = st.empty(), time.monotonic()
        self._row: DeltaGenerator | None = None
        self._bar: DeltaGenerator | None = None
        self._offers = False

    def draw(self, share: float, text: str) -> None:
        """Draw the bar with this share filled, 0..1, or give way to what the visitor did meanwhile."""
        give_way()
        if self._bar is None and time.monotonic() - self._started < 1.0:
            return
        if self._bar is None:
            self._row = self.frame.container(horizontal=True, vertical_alignment="center")
            self._bar = self._row.progress(0.0, text=text)
            self._row.button("Cancel", key=self._key, on_click=self._cancel)
        self._bar.progress(min(1.0, share), text=text)

    def offer(self, label: str, act: Callable[[], None]) -> None:
        """Draw another button beside the bar, once; a click calls `act` before the page runs again."""
        if self._row is not None and not self._offers:
            self._offers = True
            self._row.button(label, key=f"{self._key}.offer", on_click=act)

    def report(self, done: int, total: int) -> None:
        """Draw how much of the work is done."""
        self.draw(done / max(1, total), f"{self.label}: {done:,} of {total:,}")


class Waited(Job):
    """A job that the page waits for, in the thread of its script."""

    def __init__(self, cost: Cost, progress: Progress):
        super().__init__(visitor(), cost)
        self._progress = progress

    def waits(self) -> None:
        """Show the place in line, and offer to pause the visitor's own training."""
        self._progress.draw(0.0, f"{self._progress.label}. {pool().why(self)}")
        rival = pool().rival(self)
        if rival is not None and rival.cost.is_long:
            self._progress.offer("Pause the training", rival.pause)

    def report(self, done: int, total: int) -> None:
        """Called by the work after each step: shows it, and ends work that has used up its time."""
        self.check_time()
        self._progress.report(done, total)


@contextmanager
def turn(progress: Progress, cost: Cost | None) -> Iterator[Report]:
    """The report of a piece of work, as soon as it is its turn in the pool of the server; light work has no cost and never waits."""
    if cost is None:
        yield progress.report
        return
    job = Waited(cost, progress)
    with pool().place(job):
        yield job.report


def patiently(label: str, key: str, cancel: Callable[[], None], work: Callable[[Report], Any], cost: Cost | None = None) -> Any:
    """Do `work(report)`; after one second, show a progress bar and a Cancel button.

    Args:
        label, key, cancel: See Progress.
        work: Calls `report(done, total)` often.
        cost: What heavy work may use; it waits for its turn in the pool of the server. None for light work, which never waits.
    """
    progress = Progress(label, key, cancel)
    with turn(progress, cost) as report:
        result = work(report)
    progress.frame.empty()
    return result
