"""Graphs of layers and directions: arrows go the way that is read, framed is what changed."""

import numpy as np
import pytest

from explorer.errors import AnalysisError
from explorer.figures.architectures import PATTERNS, Path, bidirectional, pattern, stacked
from explorer.figures.deep_graphs import DEEP, deep, shortest
from explorer.figures.theme import sentence_of
from tests.explorer.figures.test_hello import rows, texts

PATHS = [Path("first", np.zeros((3, 4))), Path("second", np.ones((3, 4)), True)]
NONE = np.zeros((2, 3))


def turned(figure) -> list[float]:
    """Directions of the arrow heads: 0 up, 90 to the right, -90 or 270 to the left."""
    return sorted(row["angle"] % 360 for row in rows(figure, "angle"))


def test_each_layer_reads_the_one_below():
    assert turned(stacked(PATHS, "abc", NONE)) == [0] * 6 + [90] * 2 + [270] * 2


def test_both_directions_read_the_tokens():
    assert turned(bidirectional(PATHS, "abc", NONE)) == [0] * 6 + [90] * 2 + [270] * 2


@pytest.mark.parametrize("draw", [stacked, bidirectional])
def test_framed_is_what_changed(draw):
    changed = np.array([[0, 0, 0.5], [1e-9, np.inf, 0.1]])
    framed = [row for row in rows(draw(PATHS, "abc", changed), "thick") if row["thick"] == 3]
    assert len(framed) == 4 and "first at 1 of 3 steps; second at 3 of 3 steps" in sentence_of(draw(PATHS, "abc", changed))
    assert [text for text in texts(draw(PATHS, ("a", " ", "c"), NONE)) if len(text) == 1] == ["a", "·", "c"]


@pytest.mark.parametrize(("name", "boxes"), [*zip(PATTERNS, (4 + 1 + 4, 4 + 4 + 1, 4 + 4 + 4, 4 + 2 + 2), strict=True)])
def test_patterns_have_a_box_for_each_input_state_and_answer(name: str, boxes: int):
    figure = pattern(name)
    assert len(rows(figure, "thick")) == boxes and len(rows(figure, "angle")) == boxes - 4 + 3


@pytest.mark.parametrize(("name", "boxes", "arrows", "way"), [*zip(DEEP, (12, 11, 12, 11), (11, 10, 11, 12), (2, 4, 2, 2), strict=True)])
def test_a_deep_graph_has_its_layers_and_the_length_of_its_shortest_way(name: str, boxes: int, arrows: int, way: int):
    """Nine boxes and eight arrows without a further layer; a deep transition makes the way twice as long, a skip connection short again."""
    figure = deep(name)
    assert (len(rows(figure, "thick")), len(rows(figure, "angle")), shortest(name)) == (boxes, arrows, way)
    assert ("past it" in sentence_of(figure)) == ("skip" in name)


def test_what_cannot_be_drawn():
    with pytest.raises(AnalysisError, match=r"There is no graph 'x'; expected one of deep input, deep transition"):
        deep("x")
    with pytest.raises(AnalysisError, match=r"There is no pattern 'x'; expected one of one to many, many to one"):
        pattern("x")
    with pytest.raises(AnalysisError, match=r"Each layer needs a state for each of the 2 tokens"):
        stacked(PATHS, "ab", NONE)
