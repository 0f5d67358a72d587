"""Long work of a visitor beside the page: at most two at a time on a server, to be paused and cancelled, and never left behind.

The page starts it, looks at it as often as it likes, and draws what there is; the work knows nothing of the page. It calls
`every(done, total)` as often as it can: that is where it waits while it is paused, and where it ends when it is cancelled,
when its visitor is gone, or when the server ends.
"""

import atexit
import logging
import threading
import time
from collections.abc import Callable
from functools import partial

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages._ui.progress import guard

PLACES = 2  # at a time on a server
GRACE = 10.0  # seconds a visitor may be away: a network that stumbles comes back with the same session
LOOK = 0.5  # seconds between two looks for the visitor, and between two looks of one that waits
WAITING, RUNNING, PAUSED, DONE, CANCELLED, LEFT, FAILED = "waiting", "running", "paused", "done", "cancelled", "left", "failed"
REDRAWN = 2.0  # seconds between two drawings: figures take time from what trains
KEY = "training.work"  # one for each visitor: two at a time are for all of them
Every = Callable[[int, int], None]
_log = logging.getLogger(__name__)


class EndedError(Exception):
    """Thrown inside a work that is to end; its state says why."""


class Places:
    """The places of a server: work goes in by turns, in the order in which it came.

    Args:
        count: How many work at a time.
    """

    def __init__(self, count: int = PLACES):
        self.count = count
        self.changed = threading.Condition()
        self.line: list[Background] = []
        self.inside: list[Background] = []
        self.alive: list[Background] = []

    def ahead(self, work: "Background") -> int:
        """How many stand in line before this one."""
        with self.changed:
            return self.line.index(work) if work in self.line else 0

    def enter(self, work: "Background") -> None:
        """Wait for a place; ends the work where it is to end."""
        with self.changed:
            self.line.append(work)
            try:
                while self.line[0] is not work or len(self.inside) >= self.count:
                    self.changed.wait(LOOK)
                    work.ends_here()
                self.inside.append(work)
            finally:
                self.line.remove(work)
                self.changed.notify_all()

    def leave(self, work: "Background") -> None:
        """Give the place to the next."""
        with self.changed:
            if work in self.inside:
                self.inside.remove(work)
            self.changed.notify_all()

    def end(self, seconds: float = 10.0) -> None:
        """Cancel everything and wait until it has ended: a thread that computes while Python ends brings the server down with it."""
        for work in list(self.alive):
            work.cancel()
        for work in list(self.alive):
            work.join(seconds)


@st.cache_resource(show_spinner=False)
def places() -> Places:
    """The places of this server."""
    shared = Places()
    atexit.register(shared.end)
    return shared


def presence() -> Callable[[], bool]:
    """A question that any thread may ask later: is the visitor of this script still there?"""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return lambda: True
    return partial(runtime.get_instance().is_active_session, context.session_id)


class Background:
    """One work in a thread of its own; starts at once, or waits for its turn.

    Args:
        work: Called with `every`; what it wants to give, it puts where the page finds it.
        places: Of the server. is_there: whether its visitor is.
    """

    def __init__(self, work: Callable[[Every], None], places: Places, is_there: Callable[[], bool] = lambda: True):
        self.state, self.done, self.total = WAITING, 0, 1
        self.error: Exception | None = None
        self._work, self._places, self._is_there = work, places, is_there
        self._end, self._held = threading.Event(), threading.Event()
        self._seen = self._asked = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)
        places.alive.append(self)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, however it ended."""
        return self.state not in (WAITING, RUNNING, PAUSED)

    @property
    def is_held(self) -> bool:
        """Whether the visitor wants it to pause."""
        return self._held.is_set()

    def pause(self) -> None:
        """Hold it at its next step; its place goes to the next in line."""
        self._held.set()

    def resume(self) -> None:
        """Go on, as soon as there is a place."""
        self._held.clear()

    def cancel(self) -> None:
        """End it at its next step."""
        self._end.set()

    def join(self, seconds: float) -> None:
        """Wait until it has ended, at most so long."""
        self._thread.join(seconds)

    def ends_here(self) -> None:
        """Where a work ends that is to end.

        Raises:
            EndedError: it is cancelled, or its visitor is gone.
        """
        if self._end.is_set():
            self.state = CANCELLED
            raise EndedError
        now = time.monotonic()
        if now - self._asked < LOOK:
            return
        self._asked = now
        if self._is_there():
            self._seen = now
        elif now - self._seen > GRACE:
            self.state = LEFT
            raise EndedError

    def every(self, done: int, total: int) -> None:
        """Called by the work after each step."""
        self.done, self.total = done, total
        self.ends_here()
        if self._held.is_set():
            self._places.leave(self)
            self.state = PAUSED
            while self._held.is_set():
                self._end.wait(LOOK)
                self.ends_here()
            self._enter()

    def _enter(self) -> None:
        self.state = WAITING
        self._places.enter(self)
        self.state = RUNNING

    def _run(self) -> None:
        try:
            self._enter()
            self._work(self.every)
            self.state = DONE
        except EndedError:
            pass
        except Exception as error:  # whatever it was, the page shows it
            self.error, self.state = error, FAILED
        finally:
            self._places.leave(self)
            self._places.alive.remove(self)
            _log.info("A visitor's work ended: %s, %d of %d", self.state, self.done, self.total)


def mine() -> Background | None:
    """What this visitor started last."""
    return st.session_state.get(KEY)


def is_going() -> bool:
    """Whether it still goes on."""
    work = mine()
    return work is not None and not work.is_over


def start_button(label: str, key: str, make: Callable[[], Callable[[Every], None]], disabled: bool = False) -> None:
    """The button that starts a work; it waits where this visitor has one already.

    Args:
        label, key: Of the button.
        make: Called when it is pressed; gives the work, see Background.
    """

    def begin() -> None:
        if not is_going():  # two presses may come before the page is drawn anew
            st.session_state[KEY] = Background(make(), places(), presence())

    st.button(label, key=key, type="primary", icon=":material/play_arrow:", on_click=begin, disabled=disabled or is_going())


def watch(draw: Callable[[], None], key: str) -> None:
    """Progress, a way to pause and a way out, and below them what `draw` draws; all again every two seconds while the work goes on.

    Args:
        draw: Draws what there is.
        key: Of the buttons.
    """
    going = is_going()

    @st.fragment(run_every=REDRAWN if going else None)
    def again() -> None:
        work = mine()
        if work is not None:
            with guard(stop=False):  # a fragment that runs again is outside the page's own
                _progress(work, key)
        draw()
        if going and work is not None and work.is_over:
            st.rerun()  # the whole page: it no longer asks again

    again()


def _progress(work: Background, key: str) -> None:
    share = f"{work.done:,} of {work.total:,} changes of weights"
    if work.is_over:
        if work.state == CANCELLED:
            st.caption(f"Cancelled after {share}.")
        if work.state == FAILED and work.error is not None:
            raise work.error
        return
    label = f"Training: {share}"
    if work.state == PAUSED:
        label = f"Paused after {share}"
    if work.state == WAITING:
        ahead = places().ahead(work)
        label = f"Waiting: {places().count} trainings run on this server" + (f", and {ahead} wait before yours" if ahead else "")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, work.done / max(1, work.total)), text=label)
        if work.is_held:
            st.button("Go on", key=f"{key}.resume", icon=":material/play_arrow:", on_click=work.resume)
        else:
            st.button("Pause", key=f"{key}.pause", icon=":material/pause:", on_click=work.pause)
        st.button("Cancel", key=f"{key}.cancel", icon=":material/close:", on_click=work.cancel)
