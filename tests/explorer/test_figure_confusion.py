"""Figures of a classifier: confusion, one name letter by letter, reliability hold the values they were given."""

import re

import numpy as np
import pytest

from explorer.analysis.confusion import reliability_of
from explorer.errors import AnalysisError
from explorer.figures import confusion
from explorer.figures.export import alt_text, to_svg
from explorer.figures.reliability import diagram
from explorer.records import ConfusionMatrix
from tests.explorer.figure_examples import COUNTED, EXAMPLES, SHARED, rows, texts


def test_a_matrix_colours_only_what_could_be_avoided_hatches_shared_cells_and_fades_small_rows():
    spec = EXAMPLES["confusion.matrix"](False).to_dict()
    cells = {(row["true"], row["predicted"]): row for row in rows(spec, "true", "predicted", "colour")}
    assert {cell: row["count"] for cell, row in cells.items() if row["count"]} == {
        ("ant", "ant"): 8, ("ant", "bee"): 2, ("bee", "ant"): 6, ("bee", "bee"): 30, ("bee", "cow"): 4, ("cow", "cow"): 30,
    }  # fmt: skip
    assert cells["bee", "ant"]["colour"] == 5 / 40 and cells["bee", "cow"]["colour"] == 1 / 40 and cells["cow", "cow"]["colour"] == 0
    assert [cell for cell, row in cells.items() if row["hatched"]] == [("bee", "cow")]
    assert {row["true"] for row in cells.values() if row["strength"] < 1} == {"ant"}  # ten of them
    assert (round(cells["ant", "bee"]["low"], 4), round(cells["ant", "bee"]["high"], 4)) == (0.0567, 0.5098)
    picture = to_svg(EXAMPLES["confusion.matrix"](False))
    assert picture.index(">cow<") < picture.index(">ant<") < picture.index(">bee<")
    counts = confusion.matrix(COUNTED, shared=SHARED, by="count").to_dict()
    assert counts["layer"][0]["encoding"]["color"]["scale"]["domain"] == [0, 5]  # 6 bees for ants, one of them shared
    assert "The largest error: 6 of 40 bee taken for ant, 1 of them shared spellings." in spec["description"]
    with pytest.raises(AnalysisError, match="expected share or count"):
        confusion.matrix(COUNTED, by="size")


def test_a_difference_is_of_row_shares_and_its_ends_are_the_largest():
    figure = EXAMPLES["confusion.difference"](False)
    cells = {(row["true"], row["predicted"]): row["more"] for row in rows(figure.to_dict(), "more")}
    assert cells["ant", "ant"] == pytest.approx(0.3) and cells["bee", "ant"] == pytest.approx(0.15) and cells["cow", "cow"] == 0
    assert figure.to_dict()["encoding"]["color"]["scale"]["domain"] == pytest.approx([-0.3, 0, 0.3])
    with pytest.raises(AnalysisError, match="different classes"):
        confusion.difference(COUNTED, ConfusionMatrix(("a", "b", "c"), COUNTED.counts), [0, 1, 2])


def test_lines_sum_to_one_over_each_letter_and_their_names_stand_at_their_ends():
    figure = EXAMPLES["letters.lines"](False)
    points = rows(figure.to_dict(), "series", "value", "read")
    assert {p["series"] for p in points} == {"dog", "cow", "bee", "ant", "other"} and {p["read"] for p in points} == {"a", "a ", "a b"}
    for place in range(3):
        assert sum(p["value"] for p in points if p["position"] == place) == pytest.approx(1)
    assert "a ant 0.40, space cow 0.50, b dog 0.60. dog from letter 3 on." in alt_text(figure)
    picture = texts(figure)
    assert all(f">{word}<" in picture for word in ("·", "dog", "other"))


@pytest.mark.parametrize(("dark", "ground"), [(False, 1.0), (True, 0.007)])  # luminance of the page: #ffffff, #141418
def test_the_line_of_all_others_can_be_read(dark, ground):
    svg = to_svg(EXAMPLES["letters.lines"](dark))
    (colour,) = re.findall(r'fill="#([0-9a-f]{6})"[^>]*>other<', svg)
    shares = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    light = float(np.dot([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares], (0.2126, 0.7152, 0.0722)))
    assert (max(light, ground) + 0.05) / (min(light, ground) + 0.05) >= 4.5  # WCAG 2.1, 1.4.3


def test_effects_show_what_is_left_of_the_answer():
    figure = EXAMPLES["letters.effects"](False)
    found = rows(figure.to_dict(), "kind", "p")
    assert [(r["position"], r["p"]) for r in found if r["kind"] == "left out"] == [(0, 0.2), (2, 0.5)]
    assert [(r["sign"], r["p"]) for r in found if r["kind"] == "replaced"] == [("x", 0.1), ("y", 0.3), ("z", 0.0)]
    assert "Without letter 1, a, it has 0.20" in alt_text(figure) and "falls to 0.00 at the lowest" in alt_text(figure)


def test_reliability_leaves_empty_bins_out_and_says_how_many_are_off():
    figure = EXAMPLES["reliability.diagram"](False)
    found = rows(figure.to_dict(), "confidence", "low", "high")
    assert [(r["names"], r["share right"]) for r in found] == [(4, 0.75), (100, 0.7)]
    assert "in 1 of them the confidence lies outside" in alt_text(figure)
    with pytest.raises(AnalysisError, match="Nothing was counted"):
        diagram(reliability_of(np.zeros(3, int), np.zeros(3, int), np.full(3, np.nan)))
