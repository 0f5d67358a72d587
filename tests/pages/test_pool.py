"""The pool of a server, driven with made jobs: turns of visitors, places for quick work, limits of time, memory and line."""

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from pages._ui import pool as pools
from pages._ui import progress
from pages._ui.jobs import Every
from pages._ui.pool import Cost, LimitError, Pool
from pages._ui.progress import Progress
from tests.pages.made_jobs import PATIENCE, endless, queued, started, until

SMALL = Cost(megabytes=10)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "LOOK", 0.01)


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(1, megabytes=100)
    yield made
    made.end(PATIENCE)
    assert not made.alive and not made.inside and not made.line


def running(pool: Pool, visitor: str, cost: Cost = SMALL):
    job = started(endless, pool, visitor=visitor, cost=cost)
    until(lambda: job.state == "running")
    return job


def test_visitors_take_turns_however_many_jobs_one_of_them_has(pool):
    first = running(pool, "greedy")
    greedy = [queued(pool, "greedy", SMALL) for _ in range(4)]
    modest, other = (queued(pool, name, SMALL) for name in ("modest", "other"))
    assert [pool.ahead(job) for job in (modest, other, *greedy)] == [0, 1, 2, 3, 4, 5]
    order, job = [], first
    for _ in range(6):
        job.cancel()
        until(lambda ended=job: bool(pool.inside) and pool.inside[0] is not ended)
        job = pool.inside[0]
        order.append(job)
    assert order == [modest, other, *greedy]


def test_a_visitor_has_one_job_at_a_time_and_the_free_place_goes_to_another(pool):
    pool.places = 2
    running(pool, "greedy")
    second = queued(pool, "greedy", SMALL)
    other = running(pool, "other")
    assert pool.why(second).startswith("Waiting: another job of yours is running") and pool.rival(second) is not None
    other.cancel()
    until(lambda: other.is_over)
    until(lambda: len(pool.inside) == 1)
    assert second.state == "waiting"


def test_quick_work_has_a_place_while_trainings_run_and_wait(pool):
    pool.places, pool.long = 3, 2
    for name in ("a", "b"):
        running(pool, name, Cost(megabytes=1, seconds=3600))
    third = queued(pool, "c", Cost(megabytes=1, seconds=3600))
    quick = running(pool, "d")
    assert third.state == "waiting" and quick.state == "running"


def test_a_job_waits_until_its_memory_is_free_and_no_small_one_overtakes_it(pool):
    pool.places = 3
    first = running(pool, "a", Cost(megabytes=60))
    large = queued(pool, "b", Cost(megabytes=60))
    small = queued(pool, "c", Cost(megabytes=10))
    assert "yours is next" in pool.why(large) and "1 more before yours" in pool.why(small)
    first.cancel()
    until(lambda: large.state == small.state == "running")


def test_work_that_needs_too_much_memory_is_refused_before_it_begins(pool):
    begun = []
    job = started(begun.append, pool, cost=Cost(megabytes=101))
    until(lambda: job.is_over)
    assert isinstance(job.error, LimitError) and not begun, job.error
    assert str(job.error).startswith("This needs about 101 MB of memory; one job may use 100 MB on this server.")


def test_work_that_takes_too_long_is_ended_with_a_sentence_and_a_pause_does_not_count(pool):
    job = running(pool, "a", Cost(megabytes=1, seconds=1.0))
    job.pause()
    until(lambda: job.state == "paused")
    ran = job._ran
    other = running(pool, "b")
    assert job._ran == ran
    other.cancel()
    job.resume()
    until(lambda: job.is_over)
    assert job.state == "failed" and str(job.error).startswith("This was stopped after 1 seconds")
    assert not pool.inside


def test_a_full_line_is_said(pool, monkeypatch):
    monkeypatch.setattr(pools, "LINE", 2)
    running(pool, "a")
    for name in "bc":
        queued(pool, name, SMALL)
    refused = started(endless, pool, cost=SMALL)
    until(lambda: refused.is_over)
    assert "2 jobs are waiting" in str(refused.error)


def test_a_visitor_who_gives_up_and_asks_again_loses_no_turn(pool):
    running(pool, "a")
    queued(pool, "b", SMALL)
    for _ in range(3):
        again = queued(pool, "c", SMALL)
        assert pool.ahead(again) == 1
        again.cancel()
        until(lambda ended=again: ended not in pool.line)
    again = queued(pool, "c", SMALL)
    queued(pool, "b", SMALL)
    assert pool.ahead(again) == 1


def test_an_error_in_the_work_gives_the_place_back(pool):
    def wrong(every: Every) -> None:
        every(0, 1)
        raise ValueError("no")

    job = started(wrong, pool, cost=SMALL)
    until(lambda: job.is_over)
    assert isinstance(job.error, ValueError) and not pool.inside


PAGE = """
import streamlit as st
from pages._ui.pool import Cost
from pages._ui.progress import patiently

cost = Cost(megabytes=1) if "heavy" in st.query_params else None
st.text(patiently("Counting", "page.cancel", lambda: None, lambda report: "counted", cost))
"""


def page_of(pool: Pool, monkeypatch: pytest.MonkeyPatch, shown: list[str], **query: str) -> AppTest:
    monkeypatch.setattr(progress, "pool", lambda: pool)
    monkeypatch.setattr(Progress, "draw", lambda self, share, text: shown.append(text) or pool.inside[0].cancel())
    page = AppTest.from_string(PAGE, default_timeout=PATIENCE)
    page.query_params.update(query)
    return page.run()


def test_light_work_of_a_page_never_waits_and_heavy_work_says_its_place_in_line(pool, monkeypatch):
    blocking, shown = running(pool, "a"), []
    page = page_of(pool, monkeypatch, shown)
    assert page.text[0].value == "counted" and not shown and blocking.state == "running"
    page = page_of(pool, monkeypatch, shown, heavy="1")
    assert page.text[0].value == "counted" and blocking.state == "cancelled"
    assert shown[0] == "Counting. Waiting: the server is busy with other jobs, yours is next"
    assert not pool.inside


def test_a_page_that_waits_for_its_visitors_training_can_pause_it(pool, monkeypatch):
    training, offered = running(pool, "me", Cost(megabytes=1, seconds=3600)), []
    monkeypatch.setattr(progress, "pool", lambda: pool)
    monkeypatch.setattr(progress, "visitor", lambda: "me")
    monkeypatch.setattr(Progress, "offer", lambda self, label, act: offered.append(label) or act())
    page = AppTest.from_string(PAGE, default_timeout=PATIENCE)
    page.query_params["heavy"] = "1"
    assert page.run().text[0].value == "counted"
    assert set(offered) == {"Pause the training"} and training.is_held


def test_one_visitor_cannot_fill_the_line(pool, monkeypatch):
    monkeypatch.setattr(pools, "OWN_LINE", 2)
    running(pool, "other")
    for _ in range(2):
        queued(pool, "greedy", SMALL)
    refused = started(endless, pool, visitor="greedy", cost=SMALL)
    until(lambda: refused.is_over)
    assert isinstance(refused.error, LimitError) and str(refused.error).startswith("2 jobs of yours are waiting already")
    assert queued(pool, "modest", SMALL).state == "waiting"
