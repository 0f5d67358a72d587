"""The figures of the page of gradients: lines, strip, gap, points that a matrix moves."""

import json
import math
import re

import numpy as np
import pytest

from explorer.errors import AnalysisError
from explorer.figures import bracket_gap, clipping, gradient_decay, jacobian_lab
from explorer.figures import matrix_powers as pictures
from explorer.figures.export import to_svg
from explorer.textbook import matrix_powers
from explorer.textbook.activations import activation
from explorer.textbook.clipping import Descent, descend
from explorer.textbook.jacobian_lab import Setup, weights
from explorer.textbook.jacobian_lab import run as built
from tests.explorer.figures.facts import says

LAGS = np.arange(101)
LINE = gradient_decay.Curve("wiki-rnn", -0.5 * LAGS, -2.0, band=(-0.6 * LAGS, -0.4 * LAGS))
FELT = gradient_decay.Felt(("a", "\n") * 50 + ("b",), -0.1 * LAGS[::-1], np.cos(LAGS))
BANDS = {
    "wiki-lstm": [
        {"from": 2, "to": 5, "n": 40, "p": 0.8, "low": 0.7, "high": 0.9},
        {"from": 6, "to": 50, "n": 8, "p": 0.6, "low": 0.4, "high": 0.7},
    ],
    "5-gram": [
        {"from": 2, "to": 5, "n": 40, "p": 0.5, "low": 0.4, "high": 0.6},
        {"from": 6, "to": 50, "n": 8, "p": 0.2, "low": 0.1, "high": 0.3},
    ],
}
SHEAR = np.array([[0.9, 1.2], [0.0, 0.85]])
RUN, GATED = built(Setup(8, 30)), built(Setup(4, 10, kind="lstm"))
MOVED = matrix_powers.orbit(SHEAR, matrix_powers.circle(), 6)

EXAMPLES = {
    "gradient_decay.flow": lambda dark: gradient_decay.flow([LINE], FELT, (30, "[[ opened here"), dark, dark),
    "gradient_decay.summed": lambda dark: gradient_decay.summed({"wiki-rnn": np.sin(LAGS), "wiki-lstm": np.cos(LAGS)}, "x" * 101, 7, dark),
    "bracket_gap.gap": lambda dark: bracket_gap.gap(BANDS, "]]", dark),
    "clipping.errors": lambda dark: clipping.errors([descend(Descent(steps=3), "by norm")], dark),
    "clipping.arrows": lambda dark: clipping.arrows(np.array([-3.0, 4.0]), 0.1, dark),
    "jacobian_lab.bounds": lambda dark: jacobian_lab.bounds(RUN, dark),
    "jacobian_lab.eigenvalues": lambda dark: jacobian_lab.eigenvalues(RUN, dark),
    "jacobian_lab.slopes": lambda dark: jacobian_lab.slopes(activation("tanh"), RUN, dark),
    "matrix_powers.points": lambda dark: pictures.points(MOVED, dark),
    "matrix_powers.lengths": lambda dark: pictures.lengths(MOVED, matrix_powers.fate(SHEAR), dark),
}


def rows(spec: dict, *fields: str) -> list[dict]:
    """The first data set of a chart that has all of these fields."""
    return next(d for d in spec["datasets"].values() if d and set(fields) <= set(d[0]))


def test_the_floor_of_float32_is_marked_or_said_where_it_lies():
    said = [json.dumps(gradient_decay.flow([LINE], FELT, whole=whole).to_dict()) for whole in (False, True)]
    assert "float32 ends at 1e-43" in said[0] and "smaller than any float32 number" in said[1]
    assert pytest.approx(math.log10(2.0**-149)) == gradient_decay.FLOAT32, "IEEE 754: the smallest number of binary32"


def test_what_stands_at_the_edges_of_the_flow_does_not_lean_on_its_neighbours():
    """On 300 pixels the first tick, pushed inward, touched the second, and the words of the floor lay on the steepest line."""
    spec = gradient_decay.flow([LINE], FELT).to_dict()
    layers = [layer["encoding"] for layer in spec["layer"]]
    axes = [layer["x"]["axis"] for layer in layers if layer.get("x", {}).get("axis")]
    assert axes and all(axis["labelFlush"] is False for axis in axes)
    floor = next(layer for layer in layers if layer.get("text", {}).get("field") == "words" and layer["x"] == {"value": 0})
    assert floor["y"] == {"value": gradient_decay.HEIGHT - 3}, "at the left: lines that fall so far leave the picture at the right"


def test_lines_are_told_in_words_and_in_a_table():
    assert gradient_decay.in_words([LINE]).endswith("wiki-rnn: 1/2 after 1, 1/10 after 3, 1/100 after 5, 1/1000 after 7.")
    frame = gradient_decay.table([LINE], FELT)
    assert frame["wiki-rnn, log10"][3] == -1.5 and frame["gradient to the input"][3] == pytest.approx(-0.3)
    assert frame["character"][0] == "b" and frame["character"][1] == "\n"
    with pytest.raises(AnalysisError, match="no curve to draw"):
        gradient_decay.flow([], FELT)


def test_the_strip_is_relative_to_the_largest_and_keeps_signs():
    felt = gradient_decay.Felt(tuple("abcd"), np.array([-9.0, -3.0, -1.0, -np.inf]), np.array([0.0, -10.0, 0.1, 1e-9]))
    assert felt.places().tolist() == [0, 0.5, 1, 0], "four decades"
    np.testing.assert_allclose(felt.signed_places(), [0, -1, 0.5, 0])
    assert gradient_decay.Felt(("a",), np.array([-np.inf]), np.zeros(1)).places().tolist() == [0]
    assert gradient_decay.paints(np.array([0.0, 1.0])) == [("#00224e", "#ffffff"), ("#fee838", "#000000")]
    drawn = rows(EXAMPLES["gradient_decay.flow"](False).to_dict(), "fill0")
    assert {row["lag"]: row["character"] for row in drawn}[0] == "b" and max(row["lag"] for row in drawn) == 100


def test_the_strip_of_words_and_of_numbers():
    words = ("the", "lighthouse", "stood", "near", "the", "old", "harbour", ".")
    curves = [gradient_decay.Curve(f"layer {layer}", -0.1 * np.arange(8)) for layer in (1, 2)]
    felt = gradient_decay.Felt(words, -0.1 * np.arange(8)[::-1], None, "gradient to state")
    spec = gradient_decay.flow(curves, felt).to_dict()
    written = [layer for layer in spec["layer"] if layer["mark"].get("angle") == 270]
    assert len(written) == 1 and felt.height(8) == 80 and felt.height(100) == gradient_decay.ROW, "100 words have no room"
    drawn = rows(spec, "fill0")
    assert [row["character"] for row in drawn] == list(words) and "times" not in drawn[0]
    text = json.dumps(spec)
    assert '"words ago"' in text and '"gradient to state"' in text and "input" not in text
    assert {curve.name: gradient_decay.kind_style(curve.name) for curve in curves} == {
        "layer 1": ("#0072b2", [1, 0]),
        "layer 2": ("#d55e00", [6, 3]),
    }
    numbers = gradient_decay.Felt(("0.25",) * 101, FELT.log10, FELT.times_input)
    text = json.dumps(gradient_decay.flow([LINE], numbers).to_dict())
    assert '"steps ago"' in text and '"gradient \\u00d7 input"' in text and '"angle": 270' not in text


def test_the_gap_has_every_band_with_its_count():
    spec = EXAMPLES["bracket_gap.gap"](False).to_dict()
    drawn = rows(spec, "low")
    assert {(row["model"], row["distance"]): (row["p"], row["n"]) for row in drawn}["5-gram", "6–50"] == (0.2, 8)
    assert "n = 40" in json.dumps(spec) and says(spec["description"], "wiki-lstm", "0.80", "2–5", "0.60", "6–50")
    with pytest.raises(AnalysisError, match="at least one band"):
        bracket_gap.gap({}, "]]")


def test_names_stand_right_of_every_point_of_the_gap():
    spec = EXAMPLES["bracket_gap.gap"](False).to_dict()
    points, names = (spec["datasets"][layer["data"]["name"]] for layer in (spec["layer"][0], spec["layer"][-1]))
    assert [row["series"] for row in names] == list(BANDS) and {row["position"] for row in names} == {
        max(row["position"] for row in points)
    }


def test_points_move_as_powers_of_the_matrix():
    third = matrix_powers.circle() @ np.linalg.matrix_power(SHEAR, 3).T
    np.testing.assert_allclose(MOVED[3], third)
    frame = pictures.table(MOVED, matrix_powers.fate(SHEAR))
    assert frame[pictures.LONGEST][3] == pytest.approx(np.linalg.norm(third, axis=1).max())
    assert (frame[pictures.LONGEST] <= frame[pictures.BOUND] * (1 + 1e-12)).all()


@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        (SHEAR, "In the long run the points shrink to zero, but they may grow first."),
        ([[0.0, -1.0], [1.0, 0.0]], "In the long run the points neither shrink nor grow, rotating."),
        ([[1.2, 0.0], [0.0, 0.1]], "In the long run the points grow without limit."),
        ([[0.5, 0.0], [0.0, 0.1]], "In the long run the points shrink to zero."),
    ],
)
def test_the_fate_of_a_matrix(matrix, says: str):
    fate = matrix_powers.fate(np.array(matrix))
    assert fate.in_words() == says
    assert fate.sigma == pytest.approx(np.sqrt(np.linalg.eigvalsh(np.array(matrix).T @ matrix).max()))
    grown = np.linalg.norm(np.linalg.matrix_power(np.array(matrix), 400), 2) ** (1 / 400)
    assert fate.radius == pytest.approx(grown, rel=0.02), "Gelfand: the radius is the limit of the k-th root of the norm of the k-th power"


def test_the_laboratory_draws_its_numbers():
    frame = jacobian_lab.table(RUN)
    assert frame["gradient"][5] == RUN.gradient[5] and frame["bound from W alone"][5] == RUN.loose[5]
    outside = int((np.abs(np.linalg.eigvals(weights(Setup(8, 30)))) > 1).sum())
    spec = EXAMPLES["jacobian_lab.eigenvalues"](False).to_dict()
    assert says(spec["description"], "W", str(outside), "8", "outside")
    assert {layer["encoding"][axis]["title"] for layer in spec["layer"] for axis in "xy"} == {"real part", "imaginary part"}
    drawn = [complex(row["real"], row["imaginary"]) for row in rows(spec, "of") if row["of"] != "W"]
    np.testing.assert_allclose(drawn, RUN.step_eigenvalues)
    assert all(
        len(chart["layer"]) == count
        for chart, count in ((jacobian_lab.bounds(RUN).to_dict(), 2), (jacobian_lab.bounds(GATED).to_dict(), 1))
    )
    assert "bound from W alone" not in jacobian_lab.table(GATED)
    assert says(jacobian_lab.bounds(GATED).to_dict()["description"], "W", "none")
    bars = rows(EXAMPLES["jacobian_lab.slopes"](False).to_dict(), "to")
    assert max(bar["height"] for bar in bars) == 1 and len(bars) == 40


def test_a_long_name_leaves_the_summed_lines_room_on_a_narrow_screen():
    figure = gradient_decay.summed({"wiki-rnn": np.sin(LAGS), "untrained LSTM, forget bias 0": np.cos(LAGS)}, "x" * 101)
    picture = to_svg(figure.properties(width=358))
    assert float(re.findall(r'class="background"[^>]* d="M0,0h([\d.]+)v', picture)[0]) > 190
    assert "untrained LSTM" in picture and "forget bias 0" in picture
