"""Numbers as rows of a figure: scales, ticks, thinning, dates, and what is said of them."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from explorer.errors import RecordError
from explorer.figures import characters, inputs_svg
from explorer.figures.inputs import Inputs, inputs_of, short, thinned, ticks
from explorer.figures.scales import Scale
from explorer.figures.states import StateFigure

DAYS = np.datetime64("2001-12-30") + np.arange(8)
NAME = "{http://www.w3.org/2000/svg}"


def inputs(**changes) -> Inputs:
    values = np.array([[0, 5, 1, 2, np.nan, 3, 4, 1], [10, 9, 8, 7, 6, 5, 4, -3.5]]).T
    return replace(Inputs(("rain", "warmth"), values, DAYS), **changes)


def figure(read: Inputs | None = None, **changes) -> StateFigure:
    read = read or inputs()
    values = np.linspace(-1, 1, 2 * len(read.values)).reshape(-1, 2).astype(np.float32)
    tokens = list(map(str, range(len(read.values))))
    made = StateFigure(tokens, values, "hidden", 1, (1, 0), "variance", Scale("diverging", -1, 1), title="net", inputs=read)
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"names": ("rain",)}, r"inputs has shape \(8, 2\); expected \(time, 1\) = \[time, input\] because there are 1 names"),
        ({"values": np.full((8, 2), np.inf)}, "infinite values. Mark missing values as nan"),
        ({"times": DAYS[:3]}, r"times has shape \(3,\); expected \(8,\) = \[time\]"),
        ({"times": np.array(["NaT"] * 8, "datetime64[s]")}, "without a time stamp"),
        ({"times": np.full(8, np.nan)}, "without a time stamp"),
        ({"times": np.full(8, np.datetime64("-0044-03-15"))}, "a year outside 1 to 9999"),
    ],
)
def test_inputs_refuse_with_a_sentence(changes: dict, sentence: str):
    with pytest.raises(RecordError, match=sentence):
        inputs(**changes)


def test_a_figure_refuses_inputs_that_do_not_fit():
    with pytest.raises(RecordError, match="inputs has 5 steps; expected 8"):
        figure(inputs=inputs().part(slice(5)))
    with pytest.raises(RecordError, match="no input 2 to show alone"):
        figure(alone=2)


def test_ends_and_words():
    assert inputs().ends == [(0, 5), (-3.5, 10)]
    assert Inputs(("x",), np.full((3, 1), np.nan)).ends == [(0, 0)]
    said = figure().alt()
    assert said.startswith("net: 8 steps and a map of 2 units, hidden, variance. Inputs, from 2001-12-30 to 2002-01-06: ")
    assert "rain from 0 to 5, highest at step 2; warmth from \u22123.5 to 10, highest at step 1." in said
    assert "lowest, -0.87, at step 1 (2001-12-30, rain 0, warmth 10)" in said
    assert [short(value) for value in (12345.6, 0.1234567, -2.0, 0.0)] == ["12,346", "0.1235", "\u22122", "0"]


def test_ticks_stand_where_a_year_a_month_or_a_day_begins():
    levels, printed = inputs().levels(0)
    assert [printed[level] for level in levels] == ["day"] * 2 + ["year"] + ["day"] * 5
    assert ticks(levels, 10, 110)[0] == [2] and inputs().label(2, "year", 0) == "2002"
    steps, level = ticks(levels, 200, 110)
    assert steps == list(range(8)) and inputs().label(1, printed[level], 0) == "2001-12-31"
    hours = np.datetime64("2020-02-28T22") + np.arange(30).astype("timedelta64[h]")
    levels, printed = Inputs(("x",), np.zeros((30, 1)), hours).levels(0)
    assert ticks(levels, 20, 300)[0] == [2, 26] and printed[levels[2]] == "day"
    counted, printed = Inputs(("x",), np.zeros((100, 1))).levels(95)
    assert [95 + step + 1 for step in ticks(counted, 10, 110)[0]] == [100, 120, 140, 160, 180] and printed[0] == "count"


def test_time_stamps_say_no_more_than_they_know():
    assert inputs().stamp(0) == "2001-12-30"
    assert inputs(times=np.datetime64("2001-01-01T10:30") + np.arange(8)).stamp(1) == "2001-01-01 10:31"
    assert inputs(times=np.datetime64("2001-01-01T10:30:07") + np.arange(8)).stamp(1) == "2001-01-01 10:30:08"
    assert (inputs(times=np.arange(8) / 4).stamp(1), inputs(times=None).stamp(1)) == ("0.25", "")


def test_thinning_keeps_every_extreme():
    assert thinned(np.array([3.0, 1, 2]), 10, 30) == [[(5, 3), (15, 1), (25, 2)]]
    values = np.array([1, 9, 2, 3, 8, 0, np.nan, np.nan])
    assert thinned(values, 0.5, 4) == [[(0.5, 1), (0.5, 9), (1.5, 2), (1.5, 3), (2.5, 8), (2.5, 0)]]
    spikes = np.zeros(10_000)
    spikes[7777] = 5
    (piece,) = thinned(spikes, 0.1, 1000)
    assert max(value for _, value in piece) == 5 and len(piece) <= 2000


def test_the_picture_has_a_lane_for_each_input_or_one_alone():
    drawing = ElementTree.fromstring(figure(cursor=3, start=0).to_svg(selection=(2, 5)))
    lines = [one.get("points", "").split() for one in drawing.iter(f"{NAME}polyline")]
    assert [len(line) for line in lines] == [4, 3, 8, 8], "rain in two pieces around what is missing, warmth, the unit"
    words = [one.text for one in drawing.iter(f"{NAME}text")]
    assert {"rain", "warmth", "2002"} <= set(words) and any("rain 2 · warmth 7 · step 4 · 2002-01-02" in (one or "") for one in words)
    alone = ElementTree.fromstring(figure(alone=1).to_svg())
    assert "rain" not in [one.text for one in alone.iter(f"{NAME}text")]
    assert float(drawing.get("height", 0)) - float(alone.get("height", 0)) > inputs_svg.LANE
    assert "<b>" not in figure(inputs(names=("<b>", "w"))).to_svg()


def test_a_part_of_a_long_figure_and_its_table():
    part = figure(start=100).around(104, 4)
    assert part.inputs is not None and part.inputs.values[:, 1].tolist() == [8, 7, 6, 5] and part.title == "net, steps 103 to 106"
    frame = figure().to_frame()
    assert list(frame) == ["position", "time", "rain", "warmth", "hidden of unit 1"] and frame["warmth"].tolist()[-1] == -3.5


def test_tokens_that_are_numbers_are_inputs():
    assert inputs_of(("to", "be")) is None and inputs_of(tuple("123")) is None
    one, two = inputs_of(("0.5", "-2")), inputs_of(("0.5 1", "-2 3"))
    assert one is not None and two is not None and (one.names, two.names) == (("input",), ("input 1", "input 2"))
    assert two.values.tolist() == [[0.5, 1], [-2, 3]]
    counted = inputs_of(("9", "10", "11"))
    assert counted is not None and counted.names == () and counted.alt(0) == ""
    assert characters.noun(("0.5 1", "-2 3")) == "steps"
    made = StateFigure(("0.5", "-2.0"), np.zeros((2, 1), np.float32), "hidden", 0, (0,), "variance", Scale("diverging", -1, 1))
    assert made.inputs is not None and made.noun == "step" and "input from \u22122 to 0.5" in made.alt()
