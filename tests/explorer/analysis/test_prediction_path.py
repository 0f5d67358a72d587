"""When an answer is settled and which classes matter, on probabilities written by hand."""

import numpy as np
import pytest

from explorer.analysis.prediction_path import leading, settled, slots
from explorer.errors import AnalysisError

# After each of four letters, the probability of six classes.
P = np.array(
    [
        [0.50, 0.30, 0.10, 0.05, 0.03, 0.02],
        [0.20, 0.60, 0.10, 0.05, 0.03, 0.02],
        [0.01, 0.04, 0.15, 0.60, 0.10, 0.10],
        [0.01, 0.09, 0.18, 0.22, 0.30, 0.20],
    ]
)


def test_the_lines_are_the_answer_and_the_likeliest_on_the_way():
    assert leading(P, 4) == [4, 3, 1, 0]  # class 4 is the answer; 1, 3 and 0 were likeliest on the way; by the last letter
    assert leading(P, 1) == [4] and sorted(leading(P, 9)) == list(range(6))


def test_it_is_settled_where_the_last_answer_begins_for_good():
    assert settled(P) == 3 and settled(P[:2]) == 1 and settled(P[:1]) == 0
    assert settled(P[[1, 0, 1, 1]]) == 2  # it had the answer before, and lost it


def test_without_a_letter_there_is_nothing_to_settle():
    for function in (settled, leading, slots):
        with pytest.raises(AnalysisError, match="Nothing was read"):
            function(P[:0])


def test_a_class_keeps_its_place_while_letters_come_and_go():
    assert slots(P[:1], 2) == {0: 0, 1: 1}
    assert slots(P[:3], 2) == {1: 1, 3: 0}  # class 3 takes the place of class 0; class 1 stays where it was
    assert slots(P, 2) == {1: 1, 4: 0}  # the answer, class 4, takes that of class 3
    rng = np.random.default_rng(0)
    for _ in range(20):
        p = rng.dirichlet(np.full(12, 0.3), 9)
        before: dict[int, int] = {}
        for step in range(1, 10):
            now = slots(p[:step])
            assert sorted(now) == sorted(leading(p[:step])) and sorted(now.values()) == [0, 1, 2, 3]
            assert all(now[label] == before[label] for label in now.keys() & before.keys())
            before = now
