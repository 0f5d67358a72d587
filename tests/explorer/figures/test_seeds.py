"""Accuracy by length: every seed is a dot, the line goes through the means, lines of one kind differ."""

import pytest

from explorer.errors import AnalysisError
from explorer.figures.seeds import by_length, in_words
from tests.explorer.figures.test_hello import rows

ACCURACIES = {"RNN, 4 units": [[1.0, 0.8], [0.3, 0.1]], "RNN, 9 units": [[1.0, 1.0], [0.2, 0.2]], "LSTM": [[1.0, 1.0], [0.9, 0.7]]}


def test_each_seed_is_a_dot_and_the_line_goes_through_the_means():
    figure = by_length(ACCURACIES, [10, 40], 0.25)
    assert len(rows(figure, "seed")) == 12
    means = {(row["series"], row["position"]): row["value"] for row in rows(figure, "position") if "seed" not in row}
    assert means["RNN, 4 units", 10] == pytest.approx(0.9) and means["LSTM", 10] == pytest.approx(1.0)
    lines = next(layer for layer in figure.to_dict()["layer"] if layer["mark"]["type"] == "line")
    colours, dashes = (lines["encoding"][channel]["scale"]["range"] for channel in ("color", "strokeDash"))
    assert len(set(zip(colours, map(str, dashes), strict=True))) == 3, "two networks of one kind have different lines"
    assert "LSTM 100% (100% to 100%) at 10, 80% (70% to 90%) at 40" in in_words(ACCURACIES, [10, 40], 0.25)


@pytest.mark.parametrize("wrong", [{}, {"LSTM": [[1.0]]}, {"LSTM": [[1.0], []]}])
def test_what_cannot_be_drawn(wrong: dict):
    with pytest.raises(AnalysisError, match=r"an accuracy at each of the 2 lengths"):
        by_length(wrong, [10, 40], 0.25)
