"""A few seconds of `make fuzz` and `make soak`, and that both say what is wrong."""

import itertools
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.foreign import child
from tests.fuzz import __main__ as fuzz
from tests.fuzz.mutations import changed, damaged, text
from tests.fuzz.targets import IN_CHILDREN, STOPPED, TARGETS, Ground, prepared
from tests.pages.app import forget
from tests.soak.__main__ import Report, soak

SECONDS = 6.0
CRASH = "tests.models.foreign.readers:crash"


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", "")  # what `prepared` sets is taken back
    yield prepared(tmp_path, fuzz.links())
    forget()


def test_damaged_input_of_a_few_seconds_is_answered_with_sentences(ground: Ground):
    forget()
    targets = [target for target in TARGETS if target not in IN_CHILDREN]
    cases, failed = fuzz.attacked(ground, targets, itertools.count(), time.monotonic() + SECONDS)
    assert set(cases) == set(targets), "a target had no case"
    assert not failed, "\n".join(failed.values())


def test_damaged_weights_of_each_format_are_answered(ground: Ground):
    assert set(IN_CHILDREN) < set(TARGETS)
    cases, failed = fuzz.attacked(ground, list(IN_CHILDREN), iter(range(1)), math.inf)  # a child takes up to seconds
    assert cases == dict.fromkeys(IN_CHILDREN, 1)
    assert not failed, "\n".join(failed.values())


def test_a_child_that_a_file_stops_is_counted(ground: Ground, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("models.foreign.weights._keras", lambda content, name: child.run(CRASH, ground.checkpoints[0], name))
    monkeypatch.setattr("tests.fuzz.targets.damaged", lambda content, rng: content)
    before = STOPPED["keras"]
    assert fuzz.failure(ground, "keras", 0) == "" and STOPPED["keras"] == before + 1


def test_an_error_that_is_no_sentence_is_reported_with_its_seed(ground: Ground, monkeypatch):
    def breaks(rng: random.Random, ground: Ground) -> None:
        if rng.random() < 0.5:
            raise ValueError("not a sentence of this project")

    monkeypatch.setitem(TARGETS, "text", breaks)
    cases, failed = fuzz.attacked(ground, ["text"], iter(range(20)), time.monotonic() + 600)
    assert cases["text"] == 20 and 0 < len(failed) < 20
    for target, seed in failed:
        assert "not a sentence of this project" in fuzz.failure(ground, target, seed)


def test_a_seed_repeats_its_damage():
    for make in (lambda rng: damaged(bytes(500), rng), lambda rng: changed({"a": [1, {"b": 2}]}, rng), text):
        assert repr(make(random.Random(7))) == repr(make(random.Random(7)))
        assert len({repr(make(random.Random(seed))) for seed in range(30)}) > 5


@pytest.mark.browser
def test_visitors_who_come_and_go_leave_nothing_behind(ground: Ground):
    seen = soak(4, 3, 0, ground.links, {"EXPLORER_CHECKPOINTS": str(ground.folder)})
    assert seen.counts["visits"] >= 3 and seen.counts["runs"] >= seen.counts["visits"] and seen.memory
    assert not seen.counts.get("errors") and not seen.loud and not seen.left and seen.status == 0


def test_a_soak_says_what_is_wrong():
    assert not Report({"errors": 0}, [500.0] * 30, status=0).problems()
    grows = [200.0] * 10 + [300.0] * 10 + [500.0] * 10
    said = Report({"errors": 2}, grows, ["Traceback (most recent call last):"], ["uploads-x"], 1).problems()
    assert len(said) == 5 and said[0] == "2 exceptions on pages." and "300 MB in the second third of the time, 500 MB" in said[3]
