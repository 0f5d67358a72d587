"""The graph of a cell holds its numbers, its equations add up, the strip shows its text."""

import numpy as np
import pytest

from explorer.analysis.cell_step import CellStep, Gate
from explorer.errors import AnalysisError
from explorer.figures import equations
from explorer.figures.cell import courses, graph, letters_before, strip, table
from explorer.figures.theme import sentence_of
from tests.explorer.figures.test_hello import rows, texts

LSTM = CellStep(
    "lstm",
    (
        Gate("input", 1.0, -1.0, 0.0, 0.5),
        Gate("forget", 2.0, 0.1, 0.1, 0.9),
        Gate("candidate", 0.0, 0.0, 0.0, -0.4),
        Gate("output", 0.0, 0.0, 0.0, 0.25),
    ),
    2.0,
)
GRU = CellStep(
    "gru", (Gate("reset", 0.0, 0.0, 0.0, 0.5), Gate("update", 1.0, 0.0, 0.0, 0.75), Gate("candidate", 0.5, 1.0, -0.25, 0.8)), -1.0, 2.0
)
PLAIN = CellStep("tanh", (Gate("candidate", 0.1, 0.2, 0.3, 0.54),), 0.3)


def test_the_graph_of_an_lstm_holds_its_ledger_and_its_sums():
    letters = texts(graph(LSTM))
    assert {"kept 1.8", "written −0.20", "f = 0.90", "i = 0.50", "g = −0.40", "o = 0.25", "tanh 0.92"} <= set(letters)
    assert "σ ( 2.2 )" in letters and letters.count("W x") == 4 and letters.count("×") == 3 and letters.count("+") == 1
    assert "State before 2.0, kept 1.8, written −0.20, new state 1.6, output 0.23." in sentence_of(graph(LSTM))


def test_the_graph_of_a_gru_shows_that_torchs_z_keeps_and_its_r_stands_after_the_product():
    letters = texts(graph(GRU))
    assert {"kept −0.75", "written 0.20", "1 − z = 0.25", "r × 2.0", "r (U h + d)", "n = 0.80"} <= set(letters)


def test_the_graph_of_a_plain_cell_keeps_nothing():
    assert "h = 0.54" in texts(graph(PLAIN)) and not [text for text in texts(graph(PLAIN)) if text.startswith("kept")]


def test_a_gate_is_filled_as_far_as_it_is_open():
    widths = sorted(
        row["x2"] - row["x"] for row in rows(graph(LSTM), "fill") if row["y2"] - row["y"] == 40 and row["stroke"] == "transparent"
    )
    assert widths == pytest.approx([31, 62, 111.6, 124])  # o, i, f, and the candidate, which is no gate


def test_the_equations_of_an_lstm_add_up():
    lines = dict(equations.cell(LSTM))
    assert lines["input"] == r"i = \sigma(w\,x + u\,h + b) = \sigma(1.0 + (-1.0) + 0.00) = \sigma(0.00) = 0.50"
    assert lines["kept + written"] == r"c = f\,c_{-1} + i\,g = 0.90 \cdot 2.0 + 0.50 \cdot (-0.40) = 1.8 + (-0.20) = 1.6"
    assert lines["output h"] == r"h = o \tanh c = 0.25 \cdot \tanh(1.6) = 0.23"


def test_the_equations_of_a_gru_are_those_of_torch():
    lines = dict(equations.cell(GRU))
    assert lines["candidate"] == r"n = \tanh(w\,x + b + r\,(u\,h + d)) = \tanh(0.50 + (-0.25) + 0.50 \cdot 2.0) = \tanh(1.2) = 0.80"
    assert lines["kept + written"].startswith(r"h = z\,h_{-1} + (1 - z)\,n = 0.75 \cdot (-1.0) + (1 - 0.75) \cdot 0.80 = -0.75 + 0.20")
    assert list(dict(equations.cell(PLAIN))) == ["candidate"]


@pytest.mark.parametrize(("at", "first"), [(0, 0), (50, 20), (99, 39)])
def test_the_strip_shows_thirty_characters_on_each_side_where_there_are_so_many(at: int, first: int):
    text = "abcdefghij" * 10
    figure = strip(text, np.linspace(-1, 1, 100), at)
    assert [row["place"] for row in rows(figure, "place")] == list(range(first, first + 61))
    assert "".join(row["told"] for row in rows(figure, "told") if row["size"] == 14 and row["style"] == "center bold") == text[at]


@pytest.mark.parametrize(("at", "before"), [(0, 0), (20, 20), (50, 30), (99, 60)])
def test_how_many_letters_stand_before_the_chosen_one(at: int, before: int):
    assert letters_before(100, at) == before
    marks = [row["told"] for row in rows(strip("x" * 100, np.zeros(100), at), "told") if row["size"] == 14]
    assert len(marks) == 61 and letters_before(3, 2) == 2


def test_a_short_text_is_shown_whole():
    assert [row["place"] for row in rows(strip("ab\n", np.zeros(3), 2), "place")] == [0, 1, 2]


def test_the_table_holds_sum_and_ledger():
    frame = table(LSTM).set_index("quantity")
    assert frame.loc["forget", "sum"] == pytest.approx(2.2) and frame.loc["state", "value"] == pytest.approx(1.6)


def test_letters_under_the_courses_are_quoted_for_the_browser():
    spec = courses({"as it is": np.zeros(3)}, "\\'\n", "tanh c").to_dict()
    assert "tanh c" in [layer["encoding"]["y"].get("title") for layer in spec["layer"]]
    axes = [layer["encoding"]["x"]["axis"] for layer in spec["layer"] if "x" in layer["encoding"]]
    assert {axis["labelExpr"] for axis in axes} == {r"""["\\", "'", "⏎"][datum.value]"""}


def test_what_cannot_be_drawn():
    with pytest.raises(AnalysisError, match=r"There is no character 3; this text has 3, counted from 0\."):
        strip("abc", np.zeros(3), 3)
    with pytest.raises(AnalysisError, match=r"Each line needs a value for each of the 3 characters"):
        courses({"as it is": np.zeros(2)}, "abc", "h")
