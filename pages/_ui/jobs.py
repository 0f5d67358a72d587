"""Background jobs such as a training, in the pool of the server; each can be paused and cancelled.

The page starts a job and draws its results whenever it likes; the job knows nothing of the page. It calls
`every(done, total)` often: there it waits while paused, and ends when it is cancelled, when its visitor has left or when
the server stops.
"""

import atexit
import importlib
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from models.files import temporary_folder
from pages._ui import pool as pools
from pages._ui.pool import TRAINING, Cost, EndedError, Job, Pool, pool
from pages._ui.progress import guard
from pages._ui.visitors import visitor

GRACE = 10.0  # seconds a visitor may be away: after a short loss of connection the same session comes back
WAITING, RUNNING, PAUSED, DONE, CANCELLED, LEFT, FAILED = "waiting", "running", "paused", "done", "cancelled", "left", "failed"
REDRAWN = 2.0  # seconds between two drawings: drawing slows the training down
SOON = 0.4  # before the first result, when there is little to draw
# What a run has not drawn again yet fades elsewhere; here all of it would, every time the results are drawn.
STEADY = "<style>[data-testid=stElementContainer][data-stale=true] { opacity: 1 !important; }</style>"
KEY = "training.work"  # one job per visitor
Every = Callable[[int, int], None]
_log = logging.getLogger(__name__)


def presence() -> Callable[[], bool]:
    """A function that any thread may call later: whether the visitor of this script is still connected."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return lambda: True
    return partial(runtime.get_instance().is_active_session, context.session_id)


@dataclass(frozen=True)
class Visitor:
    """For whom a job runs.

    Args:
        name: Of the visitor, see pages._ui.visitors.
        is_there: Whether the visitor is still connected.
    """

    name: str
    is_there: Callable[[], bool] = lambda: True


class Background(Job):
    """A job in its own thread; starts at once, or waits in the queue.

    Args:
        work: Called with `every`; stores its results where the page reads them.
        pool: The pool of the server.
        owner: For whom it runs.
        cost: What it may use.
        results: Key of the `watch` that draws its results.
    """

    def __init__(self, work: Callable[[Every], None], pool: Pool, owner: Visitor, cost: Cost = TRAINING, results: str = ""):
        super().__init__(owner.name, cost)
        self.results = results
        self.state, self.done, self.total = WAITING, 0, 1
        self.error: Exception | None = None
        self._work, self._pool, self._is_there = work, pool, owner.is_there
        self._end, self._held = threading.Event(), threading.Event()
        self._seen = self._asked = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)
        pool.alive.append(self)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether the job has ended, for whatever reason."""
        return self.state not in (WAITING, RUNNING, PAUSED)

    def works_for(self, key: str) -> bool:
        """Whether it computes now, neither waiting nor paused, what the `watch` with this key draws."""
        return self.results == key and self.state == RUNNING

    @property
    def is_held(self) -> bool:
        """Whether the visitor has asked for a pause."""
        return self._held.is_set()

    def pause(self) -> None:
        """Pause the job at its next step; the next job in the queue runs meanwhile."""
        self._held.set()

    def resume(self) -> None:
        """Continue as soon as the queue allows it."""
        self._held.clear()

    def cancel(self) -> None:
        """End the job at its next step."""
        self._end.set()

    def join(self, seconds: float) -> None:
        """Wait until the job has ended, at most this long."""
        self._thread.join(seconds)

    def waits(self) -> None:
        """Check whether the job has to end.

        Raises:
            EndedError: the job was cancelled, or its visitor has left.
        """
        if self._end.is_set():
            self.state = CANCELLED
            raise EndedError
        now = time.monotonic()
        if now - self._asked < pools.LOOK:
            return
        self._asked = now
        if self._is_there():
            self._seen = now
        elif now - self._seen > GRACE:
            self.state = LEFT
            raise EndedError

    def every(self, done: int, total: int) -> None:
        """Called by the job after each step."""
        self.done, self.total = done, total
        self.waits()
        self.check_time()
        if self._held.is_set():
            self._pool.leave(self)
            self.state = PAUSED
            while self._held.is_set():
                self._end.wait(pools.LOOK)
                self.waits()
            self._enter()

    def _enter(self) -> None:
        self.state = WAITING
        self._pool.enter(self)
        self.state = RUNNING

    def _run(self) -> None:
        try:
            self._enter()
            self._work(self.every)
            self.state = DONE
        except EndedError:
            pass
        except Exception as error:  # the page shows it
            self.error, self.state = error, FAILED
        finally:
            self._pool.leave(self)
            self._pool.alive.remove(self)
            _log.info("A visitor's work ended: %s, %d of %d", self.state, self.done, self.total)


def mine() -> Background | None:
    """The job that this visitor started last."""
    return st.session_state.get(KEY)


def is_going() -> bool:
    """Whether that job has not ended yet."""
    work = mine()
    return work is not None and not work.is_over


def start_button(label: str, key: str, make: Callable[[], Callable[[Every], None]], disabled: bool = False) -> None:
    """A button that starts a job; disabled while this visitor's job runs.

    Args:
        label: Of the button.
        key: Of the `watch` that draws the results; the key of the button is `key.start`.
        make: Called when it is pressed; returns the work, see Background.
    """

    def begin() -> None:
        if not is_going():  # two presses may come before the page is drawn again
            st.session_state[KEY] = Background(make(), pool(), Visitor(visitor(), presence()), results=key)

    if runtime.exists():
        _optimisers()
    st.button(label, key=f"{key}.start", type="primary", icon=":material/play_arrow:", on_click=begin, disabled=disabled or is_going())


@st.cache_resource(show_spinner=False)
def _optimisers() -> threading.Thread:
    """Import what torch imports with its first optimiser, twice as much as torch itself: as soon as a training can be started."""
    # The import makes a folder for compiled code, of which there is none here.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(temporary_folder("recurrent-explorer-")))
    thread = threading.Thread(target=importlib.import_module, args=("torch._dynamo",), name="import optimisers", daemon=True)
    thread.start()
    atexit.register(thread.join)  # ended while it loads a library, Python would crash
    return thread


def watch(draw: Callable[[], None], key: str, has_results: Callable[[], bool] = lambda: True) -> None:
    """A progress bar with Pause and Cancel, and below it what `draw` draws; repeated every two seconds while the job is not over.

    Args:
        draw: Draws the results so far.
        key: Of the buttons.
        has_results: Whether the job has a first result; while it works for that, the page is drawn more often, so that it is seen at once.
    """

    def expects() -> bool:
        work = mine()
        return work is not None and work.works_for(key) and not has_results()

    going, waits = is_going(), expects()

    @st.fragment(run_every=(SOON if waits else REDRAWN) if going else None)
    def again() -> None:
        work = mine()
        if work is not None:
            with guard(stop=False):  # a fragment that reruns is outside the guard of the page
                _progress(work, key)
        draw()
        if going and work is not None and (work.is_over or expects() != waits):
            st.rerun()  # the whole page, so that the fragment stops rerunning, or does so at another pace

    again()
    st.html(STEADY)


def _progress(work: Background, key: str) -> None:
    share = f"{work.done:,} of {work.total:,} training steps"
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
        label = pool().why(work)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, work.done / max(1, work.total)), text=label)
        if work.is_held:
            st.button("Resume", key=f"{key}.resume", icon=":material/play_arrow:", on_click=work.resume)
        else:
            st.button("Pause", key=f"{key}.pause", icon=":material/pause:", on_click=work.pause)
        st.button("Cancel", key=f"{key}.cancel", icon=":material/close:", on_click=work.cancel)
