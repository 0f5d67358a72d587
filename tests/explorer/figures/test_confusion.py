"""Figures of a classifier: confusion, one name letter by letter, reliability hold the values they were given."""

import json
import re
from itertools import pairwise

import numpy as np
import pytest

from explorer.analysis.confusion import reliability_of
from explorer.errors import AnalysisError
from explorer.figures import confusion, prediction_path
from explorer.figures.confusion import reliability_diagram
from explorer.figures.export import alt_text, to_svg
from explorer.records import ConfusionMatrix
from tests.explorer.figures.facts import says
from tests.explorer.figures.figure_examples import COUNTED, EXAMPLES, NAMED, OTHER, READ, SHARED, rows, texts


def test_only_what_is_counted_is_in_the_tooltip():
    drawn = [json.dumps(confusion.matrix(COUNTED, shared=shared).to_dict()) for shared in (None, SHARED)]
    assert ["shared spellings" in text for text in drawn] == [False, True] and '"true class"' in drawn[0]


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
    assert says(spec["description"], "6", "40", "bee", "ant", "1")
    assert says(spec["description"], "3", "68", "80")
    with pytest.raises(AnalysisError, match="expected share, whole share or count"):
        confusion.matrix(COUNTED, by="size")


def colours(figure) -> tuple[list[float], str]:
    """The ends of the colour scale, and what its legend is called."""
    colour = figure.to_dict()["layer"][0]["encoding"]["color"]
    return colour["scale"]["domain"], colour["legend"]["title"]


def test_the_scale_of_shares_ends_at_the_largest_avoidable_one_and_says_so_or_at_1():
    own, title = colours(confusion.matrix(COUNTED, shared=SHARED))
    frame = confusion.table(COUNTED, SHARED)
    assert own == [0, frame.loc[~frame["right"], "avoidable share"].max()] and own[1] < 1 and f"up to {own[1]:.2f}" in title
    whole, title = colours(confusion.matrix(COUNTED, shared=SHARED, by="whole share"))
    assert whole == [0, 1] and "up to" not in title
    perfect = ConfusionMatrix(COUNTED.labels, np.diag([8, 30, 30]))
    assert colours(confusion.matrix(perfect))[0] == [0, 1]


def test_a_difference_is_of_row_shares_and_its_ends_are_the_largest():
    figure = EXAMPLES["confusion.difference"](False)
    cells = {(row["true"], row["predicted"]): row["more"] for row in rows(figure.to_dict(), "more")}
    assert cells["ant", "ant"] == pytest.approx(0.3) and cells["bee", "ant"] == pytest.approx(0.15) and cells["cow", "cow"] == 0
    assert figure.to_dict()["encoding"]["color"]["scale"]["domain"] == pytest.approx([-0.3, 0, 0.3])
    with pytest.raises(AnalysisError, match="different classes"):
        confusion.difference(COUNTED, ConfusionMatrix(("a", "b", "c"), COUNTED.counts), [0, 1, 2])


def test_the_table_of_a_difference_holds_both_matrices():
    frame = confusion.differences(COUNTED, OTHER, ("one", "two")).set_index(["true", "predicted"])
    cell = frame.loc[("ant", "bee")]
    assert cell[["one: count", "one: of", "one: share", "two: count", "two: of", "two: share"]].tolist() == [2, 10, 0.2, 5, 10, 0.5]
    assert cell["difference"] == pytest.approx(-0.3) and len(frame) == 9
    assert (round(cell["one: low"], 4), round(cell["one: high"], 4)) == (0.0567, 0.5098)


def labels(picture: str) -> list[str]:
    """What a screen reader says of each rectangle."""
    return re.findall(r'aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="rect mark"', picture)


def test_a_difference_is_told_as_a_sentence_also_on_the_diagonal():
    assert says(alt_text(EXAMPLES["confusion.difference"](False)), "first", "ant", "correctly", "more", "0.30")
    swapped = alt_text(confusion.difference(OTHER, COUNTED, [0, 1, 2]))
    assert says(swapped, "first", "ant", "correctly", "less", "0.30")
    moved = ConfusionMatrix(COUNTED.labels, np.array([[8, 2, 0], [6, 30, 4], [3, 3, 24]]))
    said = [r["said"] for r in rows(confusion.difference(COUNTED, moved, [0, 1, 2]).to_dict(), "said")]
    assert says(said[6], "first", "cow", "ant", "less")
    picture = to_svg(EXAMPLES["confusion.difference"](False))
    assert any(says(label, "first", "bee", "ant", "more", "0.15") for label in labels(picture)) and "more:" not in picture


def test_each_cell_is_heard_once_as_a_sentence():
    picture = to_svg(EXAMPLES["confusion.matrix"](False))
    heard = labels(picture)
    assert len(heard) == len(set(heard)) == 9
    assert sum(says(label, "bee", "cow", "4", "40", "10", "95", "4", "23", "3", "4") for label in heard) == 1
    assert sum(says(label, "ant", "correctly", "8", "10") for label in heard) == 1 and "strength" not in picture


@pytest.mark.parametrize("count", [18, 21])
def test_a_matrix_with_long_names_fits_its_frame_its_scale_at_its_left(count):
    labels = tuple(f"Vietnamese{chr(97 + index)}" for index in range(count))
    counted = ConfusionMatrix(labels, np.eye(count, dtype=int) * 30)

    def width(figure) -> float:
        return float(re.findall(r'<svg[^>]* width="([\d.]+)"', to_svg(figure))[0])

    assert width(confusion.matrix(counted)) <= 637 and width(confusion.difference(counted, counted, range(count))) <= 637
    assert width(confusion.small(confusion.matrix(counted), count)) <= 362
    legend = confusion.matrix(counted).to_dict()["layer"][0]["encoding"]["color"]["legend"]
    assert legend["orient"] == "top" and legend["gradientLength"] <= 200


def test_the_table_holds_data_and_nothing_of_the_drawing():
    assert list(confusion.table(COUNTED, SHARED)) == [
        "true", "predicted", "count", "of", "share", "low", "high", "shared", "right", "avoidable", "avoidable share",
    ]  # fmt: skip


def colours_of(figure) -> dict[str, tuple[str, list]]:
    """Colour and dash of each series."""
    encoding = figure.to_dict()["layer"][0]["encoding"]
    colour, dash = (encoding[channel]["scale"] for channel in ("color", "strokeDash"))
    return {name: (c, d) for name, c, d in zip(colour["domain"], colour["range"], dash["range"], strict=True)}


def test_a_class_keeps_its_colour_when_a_letter_is_taken_away():
    p = np.array([[0.3, 0.25, 0.2, 0.15, 0.1, 0.0], [0.1, 0.1, 0.1, 0.1, 0.6, 0.0], [0.1, 0.5, 0.1, 0.1, 0.1, 0.1]])
    colours = [colours_of(prediction_path.lines(p[:n], "abc"[:n], NAMED)) for n in (1, 2, 3)]
    assert list(colours[0])[:4] != list(colours[1])[:4]
    for before, after in pairwise(colours):
        assert all(before[name] == after[name] for name in before.keys() & after.keys())
    assert all(len({str(style) for style in styles.values()}) == 5 for styles in colours)


def test_the_names_of_lines_at_zero_stand_above_the_axis():
    p = np.array([[0.2, 0.8, 0.0, 0.0, 0.0, 0.0], [0.997, 0.001, 0.001, 0.001, 0.0, 0.0]])
    last = rows(
        {"datasets": {n: d for n, d in prediction_path.lines(p, "ab", NAMED).to_dict()["datasets"].items() if len(d) == 5}}, "series"
    )
    heights = sorted(row["value"] for row in last)
    assert heights[0] >= 0.02 and min(np.diff(heights)) >= 15 / prediction_path.HEIGHT - 1e-9


def test_lines_of_few_letters_fill_their_frame_and_many_keep_their_columns():
    assert prediction_path.lines(READ, "a b", NAMED).to_dict()["autosize"]["type"] == "fit-x"
    long = prediction_path.lines(np.repeat(READ, 5, 0), "x" * 15, NAMED).to_dict()
    assert long["autosize"]["type"] == "pad" and long["width"] == 15 * prediction_path.COLUMN and not prediction_path.fills("x" * 15)


def test_lines_sum_to_one_over_each_letter_and_their_names_stand_at_their_ends():
    figure = EXAMPLES["prediction_path.lines"](False)
    points = rows(figure.to_dict(), "series", "value", "read")
    assert {p["series"] for p in points} == {"dog", "cow", "bee", "ant", "other"} and {p["read"] for p in points} == {"a", "a ", "a b"}
    for position in range(3):
        assert sum(p["value"] for p in points if p["position"] == position) == pytest.approx(1)
    assert says(alt_text(figure), "a", "ant", "0.40", "cow", "0.50", "b", "dog", "0.60") and says(alt_text(figure), "dog", "3")
    picture = texts(figure)
    assert all(f">{word}<" in picture for word in ("·", "dog", "other"))


def light(colour: str) -> float:
    """Relative luminance of #rrggbb by WCAG 2.1."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return float(np.dot([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares], (0.2126, 0.7152, 0.0722)))


def contrast(one: str, other: str) -> float:
    first, second = sorted((light(one), light(other)))
    return (second + 0.05) / (first + 0.05)


GROUNDS = [(False, "#ffffff"), (True, "#141418")]


@pytest.mark.parametrize(("dark", "ground"), GROUNDS)
def test_the_line_of_all_others_can_be_read(dark, ground):
    svg = to_svg(EXAMPLES["prediction_path.lines"](dark))
    (colour,) = set(re.findall(r'fill="(#[0-9a-f]{6})"[^>]*>other<', svg)) - {ground}
    assert contrast(colour, ground) >= 4.5  # WCAG 2.1, 1.4.3


@pytest.mark.parametrize(("dark", "ground"), GROUNDS)
def test_the_letters_on_the_bars_of_effects_can_be_read(dark, ground):
    bar, tick, text, _ = (layer["mark"] for layer in EXAMPLES["prediction_path.effects"](dark).to_dict()["layer"])
    mixed = [
        round(bar["fillOpacity"] * int(bar["fill"][at : at + 2], 16) + (1 - bar["fillOpacity"]) * int(ground[at : at + 2], 16))
        for at in (1, 3, 5)
    ]
    on_bar = "#" + "".join(f"{value:02x}" for value in mixed)
    assert all(contrast(mark["color"], under) >= 4.5 for mark in (tick, text) for under in (on_bar, ground))
    assert contrast(bar["stroke"], ground) >= 3  # 1.4.11


def test_effects_show_what_is_left_of_the_answer():
    figure = EXAMPLES["prediction_path.effects"](False)
    points = rows(figure.to_dict(), "kind", "p")
    assert [(r["position"], r["p"]) for r in points if r["kind"] == "deleted"] == [(0, 0.2), (2, 0.5)]
    assert [(r["sign"], r["p"]) for r in points if r["kind"] == "replaced"] == [("x", 0.1), ("y", 0.3), ("z", 0.0)]
    assert says(alt_text(figure), "0.60") and says(alt_text(figure), "1", "a", "0.20", "0.00")


def test_reliability_leaves_empty_bins_out_and_says_how_many_are_off():
    figure = EXAMPLES["confusion.reliability_diagram"](False)
    points = rows(figure.to_dict(), "confidence", "low", "high")
    assert [(r["names"], r["accuracy"]) for r in points] == [(4, 0.75), (100, 0.7)]
    assert says(alt_text(figure), "2", "0.017", "1", "outside")
    with pytest.raises(AnalysisError, match="All bins are empty"):
        reliability_diagram(reliability_of(np.zeros(3, int), np.zeros(3, int), np.full(3, np.nan)))
