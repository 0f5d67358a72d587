"""Background jobs: two at a time, in turn, paused, cancelled, abandoned, and ended with the server."""

import os
import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import pytest

from pages._ui import jobs, pool
from pages._ui.jobs import Every
from pages._ui.pool import Pool
from tests.pages.made_jobs import PATIENCE, endless, started, until


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(pool, "LOOK", 0.01)
    monkeypatch.setattr(jobs, "GRACE", 0.1)


@pytest.fixture
def places():
    queue = Pool(2)
    yield queue
    queue.end(PATIENCE)
    assert not queue.alive and not queue.inside and not queue.line


def test_two_run_at_a_time_and_the_others_in_turn(places):
    works = [started(endless, places) for _ in range(2)]
    until(lambda: len(places.inside) == 2)
    third = started(endless, places)
    until(lambda: places.line == [third])
    fourth = started(endless, places)
    until(lambda: len(places.line) == 2)
    assert [places.ahead(work) for work in (works[0], third, fourth)] == [0, 0, 1]
    time.sleep(0.1)
    assert [work.state for work in (*works, third, fourth)] == ["running", "running", "waiting", "waiting"]
    works[0].cancel()
    until(lambda: third.state == "running")
    assert fourth.state == "waiting" and works[0].state == "cancelled"


def test_a_waiting_job_can_be_cancelled(places):
    works = [started(endless, places) for _ in range(3)]
    until(lambda: len(places.inside) == 2 and len(places.line) == 1)
    waiting = next(work for work in works if work.state == "waiting")
    waiting.cancel()
    until(lambda: waiting.is_over)
    assert waiting.state == "cancelled" and waiting.done == 0


def test_a_paused_job_stops_and_gives_up_its_place(places):
    first, second = (started(endless, places) for _ in range(2))
    until(lambda: len(places.inside) == 2)
    third = started(endless, places)
    first.pause()
    until(lambda: first.state == "paused")
    until(lambda: third.state == "running")
    done = first.done
    time.sleep(0.05)
    assert first.done == done and first.is_held
    first.resume()
    until(lambda: first.state == "waiting")
    second.cancel()
    until(lambda: first.done > done)
    first.pause()
    until(lambda: first.state == "paused")
    first.cancel()
    until(lambda: first.state == "cancelled")


@pytest.mark.parametrize("state", ["running", "waiting", "paused"])
def test_a_job_ends_when_its_visitor_is_gone_for_good(places, state: str):
    is_there, others = threading.Event(), [started(endless, places) for _ in range(2)] if state == "waiting" else []
    is_there.set()
    until(lambda: len(places.inside) == len(others))
    work = started(endless, places, is_there.is_set)
    if state == "paused":
        work.pause()
    until(lambda: work.state == state)
    is_there.clear()
    until(lambda: work.state == "left")


def test_a_visitor_away_for_a_moment_keeps_the_job(places, monkeypatch):
    monkeypatch.setattr(jobs, "GRACE", 60.0)
    is_there = threading.Event()
    work = started(endless, places, is_there.is_set)
    until(lambda: work.done > 20)
    assert work.state == "running"


def test_a_job_reports_its_progress_and_its_end(places):
    def three(every: Every) -> None:
        for done in (1, 2, 3):
            every(done, 3)

    work = started(three, places)
    until(lambda: work.is_over)
    assert (work.state, work.done, work.total, work.error) == ("done", 3, 3, None)


def test_an_error_is_kept_for_the_page(places):
    def wrong(every: Every) -> None:
        raise ValueError("no")

    work = started(wrong, places)
    until(lambda: work.is_over)
    assert work.state == "failed" and str(work.error) == "no"
    other = started(endless, places)
    until(lambda: other.state == "running")


def test_the_end_of_the_server_ends_and_joins_all_of_them():
    places = Pool(1)
    works = [started(endless, places) for _ in range(3)]
    works[0].pause()
    until(lambda: works[0].state == "paused")
    places.end(PATIENCE)
    assert [work.state for work in works] == ["cancelled"] * 3 and not any(work._thread.is_alive() for work in works)


def test_the_first_result_is_asked_for_more_often_than_those_that_follow(monkeypatch):
    """As soon as it is there the page runs once, and from then on the results are drawn seldom, which leaves time to the work."""
    every, reruns, results, work = [], [], [], started(lambda report: None, Pool(1))
    work.join(PATIENCE)
    work.results, work.state = "x", jobs.RUNNING
    monkeypatch.setattr(jobs.st, "fragment", lambda run_every: every.append(run_every) or (lambda part: part))
    monkeypatch.setattr(jobs.st, "rerun", lambda: reruns.append(list(results)))
    monkeypatch.setattr(jobs, "mine", lambda: work)
    monkeypatch.setattr(jobs, "_progress", lambda work, key: None)
    jobs.watch(lambda: None, "x", lambda: bool(results))
    assert not reruns
    jobs.watch(lambda: results.append("a curve"), "x", lambda: bool(results))
    assert reruns == [["a curve"]]
    jobs.watch(lambda: None, "x", lambda: bool(results))
    assert every == [jobs.SOON, jobs.SOON, jobs.REDRAWN] and jobs.SOON < jobs.REDRAWN and len(reruns) == 1
    results.clear()
    for key, state in (("y", jobs.RUNNING), ("x", jobs.PAUSED), ("x", jobs.WAITING)):
        work.state = state
        jobs.watch(lambda: None, key, lambda: bool(results))
        assert every[-1] == jobs.REDRAWN, "nothing comes soon: the work is of another panel, or it rests"
    jobs.watch(lambda: setattr(work, "state", jobs.RUNNING), "x", lambda: bool(results))
    assert len(reruns) == 2, "it works again: from now on it is drawn often"


def test_what_torch_writes_when_its_optimisers_are_imported_goes_with_the_server(monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    monkeypatch.setitem(sys.modules, "torch._dynamo", ModuleType("torch._dynamo"))
    jobs._optimisers.clear()
    jobs._optimisers().join(PATIENCE)
    assert Path(os.environ["TORCHINDUCTOR_CACHE_DIR"]).name.startswith("recurrent-explorer-")
