"""The graphs of "hello" hold its numbers, and so do the equations."""

import math

import numpy as np
import pytest

from explorer.errors import AnalysisError
from explorer.figures import equations
from explorer.figures.diagram import Sketch, short
from explorer.figures.hello import folded, table, unfolded
from explorer.figures.theme import sentence_of
from explorer.figures.training_curve import losses
from explorer.textbook.hello import after, backward, covered, forward, opening


def rows(figure, field: str) -> list[dict]:
    """Every datum of a chart with this field."""
    return [row for data in figure.to_dict()["datasets"].values() for row in data if field in row]


def texts(figure) -> list[str]:
    return [row["told"] for row in rows(figure, "told")]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0.3, "0.30"),
        (-0.1, "−0.10"),
        (4.1, "4.1"),
        (-3.0, "−3.0"),
        (12.4, "12"),
        (-0.001, "0.00"),
        (0.996, "1.0"),
        (9.96, "10"),
        (0.0, "0.00"),
    ],
)
def test_numbers_are_short(value: float, wanted: str):
    assert short(value) == wanted


def test_the_unfolded_graph_holds_the_slide():
    letters = texts(unfolded(forward(opening()), 1))
    for text in ("0.96", "−0.50", "4.1", "−3.0", "2.2", "0.84"):
        assert text in letters
    assert [text for text in letters if text.startswith("loss")] == [
        "loss 2.08 = −ln 0.125", "loss 2.90 = −ln 0.055", "loss 0.38 = −ln 0.684", "loss 0.23 = −ln 0.793"
    ]  # fmt: skip
    assert [text for text in letters if text in "✓✗"] == ["✗", "✗", "✓", "✓"]
    assert sum(text == "W_hh" for text in letters) == 3


def test_the_folded_graph_holds_one_step_and_one_loop():
    figure = folded(forward(opening()), 2)
    assert "reads l" in texts(figure) and "loss 0.38 = −ln 0.684" in texts(figure) and texts(figure).count("W_hh") == 1
    assert "Step 3 reads l, hidden state 0.10, −0.50, −0.30, predicts l; target l with probability 0.68, loss 0.38." in sentence_of(figure)


def test_a_covered_arrow_is_broken_and_points_nowhere():
    steps = forward(covered(opening()))
    heads = {is_covered: len(rows(unfolded(steps, 0, is_covered), "angle")) for is_covered in (False, True)}
    assert heads == {False: 12, True: 8}
    assert sum(row["dashed"] for row in rows(unfolded(steps, 0, True), "dashed")) == 8
    assert "without its recurrent arrow" in sentence_of(unfolded(steps, 0, True))


def test_a_click_tells_its_step():
    assert [row["place"] for row in rows(unfolded(forward(opening())), "place")] == [0, 1, 2, 3]


def test_the_table_adds_up():
    frame = table(forward(opening()))
    assert frame.shape == (4, 3 + 4 + 3 * 4 + 4 + 4 + 1)
    assert (frame["W_xh x 2"] + frame["W_hh previous h 2"]).tolist() == frame["sum 2"].tolist()
    assert frame["p l"][2] == pytest.approx(0.684, abs=1e-3) and frame["reads"].tolist() == list("hell")


def test_the_equations_hold_the_numbers_of_the_step():
    network = opening()
    lines = dict(equations.hello(network, forward(network), 1))
    assert r"W_{hh}\,h_1 =" in lines["From the previous step"]
    assert r"\begin{bmatrix} 0.30 \\ -0.10 \\ 0.90 \end{bmatrix}" in lines["From the previous step"]
    assert lines["The new state"].endswith(r"\begin{bmatrix} 0.96 \\ 0.30 \\ 0.10 \end{bmatrix}")
    assert lines["Prediction and loss"].endswith(r"-\ln 0.055 = 2.90")
    first = dict(equations.hello(network, forward(network), 0))
    assert r"\begin{bmatrix} 0.00 \\ 0.00 \\ 0.00 \end{bmatrix}" in first["From the previous step"]


def test_the_loss_that_is_written_is_that_of_the_probability_that_is_written():
    """A reader with a calculator: −ln 0.13 would be 2.04 and not 2.08. Tiny ones too: −ln 0.000 is no number."""
    for stretches, rate in (((0,), 0.1), ((3,), 0.1), ((1,), 1.0), ((4, 30), 0.3)):
        steps = forward(after(stretches, rate)[0])
        for letters in [text for text in texts(unfolded(steps)) if text.startswith("loss")]:
            loss, p = (float(part) for part in letters.removeprefix("loss ").split(" = −ln "))
            assert -math.log(p) == pytest.approx(loss, abs=0.011)
        for t, right in enumerate(steps.losses):
            p = float(dict(equations.hello(opening(), steps, t))["Prediction and loss"].split(r"-\ln ")[1].split(" = ")[0])
            assert -math.log(p) == pytest.approx(right, abs=0.006)


def test_the_loss_names_what_it_cannot_get_below():
    stretches = (2, 3)
    course = after(stretches, 0.1)[1]
    figure = losses(course, stretches)
    assert [row["network"] for row in rows(figure, "network")] == ["with the recurrent arrow"] * 2 + ["without it"] * 4
    assert "2 ln 2 = 1.39" in sentence_of(figure) and "2 ln 2" not in sentence_of(losses(after((2,), 0.1)[1], (2,)))


def test_an_arrow_bends_where_it_is_told_to():
    sketch = Sketch(100, 100)
    sketch.arrow([(0, 0), (50, 0), (50, 40)])
    assert sketch.heads == [{"x": 50, "y": 40, "angle": 180.0, "colour": "#31333f"}] and len(sketch.lines) == 3


@pytest.mark.parametrize("draw", [unfolded, folded])
def test_there_are_four_steps(draw):
    with pytest.raises(AnalysisError, match=r"There is no step 4; expected 0 to 3, the letters of 'hell'."):
        draw(forward(opening()), 4)


def test_a_loss_is_needed():
    with pytest.raises(AnalysisError, match=r"There is no loss; expected at least one."):
        losses([], (0,))


def test_the_backward_row_holds_the_gradients_and_runs_from_right_to_left():
    computed, gradients = forward(opening()), backward(opening())
    figure = unfolded(computed, gradients=gradients)
    letters = texts(figure)
    assert all(short(value) in letters for value in gradients.h.ravel().tolist())
    assert letters.count("W_hhᵀ") == 3
    assert [text for text in letters if text.startswith("∂")] == [f"∂L/∂h of step {n}" for n in (1, 2, 3, 4)]
    heads = lambda drawn: sorted(row["angle"] for row in rows(drawn, "angle"))  # noqa: E731
    assert heads(figure) == sorted([*heads(unfolded(computed)), *[270.0] * 3])
    assert f"step 2: {', '.join(map(short, gradients.h[1].tolist()))};" in sentence_of(figure)
    narrow = texts(folded(computed, 1, gradients=gradients))
    assert "∂L/∂h of step 2" in narrow and all(short(value) in narrow for value in gradients.h[1].tolist())
    assert table(computed, gradients)["dL/dh 2"].tolist() == gradients.h[:, 1].tolist()


def test_the_sum_of_a_weight_is_written_step_by_step():
    terms = np.array([[[1.0, 2.0]], [[0.5, -3.0]]])
    assert equations.summed("W", terms) == (
        r"\frac{\partial L}{\partial W} = \underbrace{\begin{bmatrix} 1.0 & 2.0 \end{bmatrix}}_{\text{step 1}} + "
        r"\underbrace{\begin{bmatrix} 0.50 & -3.0 \end{bmatrix}}_{\text{step 2}} = \begin{bmatrix} 1.5 & -1.0 \end{bmatrix}"
    )
