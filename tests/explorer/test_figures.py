"""Every public figure of Altair: structure and values, both grounds, exported; what no example reaches fails the walk."""

import importlib
import inspect
import json
import pkgutil
from functools import cache

import altair as alt
import numpy as np
import plotly.graph_objects as go
import pytest

import explorer.figures
from explorer.analysis.cell_step import CellStep, Gate
from explorer.analysis.confusion import reliability_of
from explorer.analysis.hello import after, forward, opening
from explorer.analysis.rank import Ranking, rank
from explorer.analysis.saturation import gate_saturation, saturable
from explorer.errors import AnalysisError, ExplorerError
from explorer.figures import alignment, cell, confusion, hello, letters, pictures, shapes
from explorer.figures.beam import Branches, tree
from explorer.figures.bits import TOP, bits, smoothed
from explorer.figures.bleu import Score, by_length
from explorer.figures.export import alt_text, svg_to_png, to_html, to_png, to_svg
from explorer.figures.learning import losses
from explorer.figures.lines import spread
from explorer.figures.ranking import ranking
from explorer.figures.reliability import diagram
from explorer.figures.saturation import saturation
from explorer.figures.theme import DARK_KINDS, KINDS, kind_of, kind_style
from explorer.figures.unit import gates_and_ledger, histogram
from explorer.records import Alignment, ConfusionMatrix
from tests.explorer import test_course, test_figures_flow
from tests.explorer.traces import gru_trace, lstm_trace, rnn_trace

WIDE = lstm_trace(time=30, units=4)
ALIGNED = Alignment(
    ("the", "red", "car", "the", "</s>"),
    ("la", "voiture", "rouge", "\t"),
    np.array([[0.9, 0, 0.1, 0, 0], [0, 0.1, 0.9, 0, 0], [0, 0.8, 0.2, 0, 0], [0, 0, 0, 0, 1]]),
)
EVEN = Alignment(ALIGNED.source, ALIGNED.target, np.full((4, 5), 0.2))
# la -> maison -> </s>, la -> voiture (dropped), un -> chat -> </s>
BEAM = Branches(
    [-1, -1, 0, 0, 1, 2, 4], ["la", "un", "maison", "voiture", "chat", "</s>", "</s>"], [-1.0] * 7, [True] * 3 + [False] + [True] * 3
)
BLEU = {
    "additive": [Score("1-5", 50.0, 48.0, 52.0, 900), Score("6-8", 45.0, 43.0, 47.5, 800)],
    "none": [Score("1-5", 47.0, 45.0, 49.0, 900), Score("6-8", 30.0, 28.5, 31.0, 800)],
}
# Two rows and three columns of regions over a picture twice as wide as high.
SEEN = pictures.Seen(
    np.random.default_rng(0).integers(0, 256, (60, 120, 3), np.uint8),
    ("dog", "grass"),
    np.array([[0, 0, 0.8, 0.1, 0.1, 0], [0.4, 0.2, 0.1, 0.1, 0.1, 0.1]]),
    (2, 3),
)


@cache
def planted() -> Ranking:
    """Ten units, of which number 3 follows the track."""
    rng = np.random.default_rng(0)
    values, track = rng.normal(size=(600, 12)).astype(np.float32), np.repeat(rng.random(60) < 0.4, 10).astype(np.float32)
    values[:, 3] += 3 * track
    return rank(values, track, "abc" * 200, rng.normal(size=(600, 12)).astype(np.float32))


# 10 ants, 40 bees, 30 cows; of the 4 bees taken for cows 3 stand under cow too.
COUNTED = ConfusionMatrix(("ant", "bee", "cow"), np.array([[8, 2, 0], [6, 30, 4], [0, 0, 30]]))
SHARED = ConfusionMatrix(("ant", "bee", "cow"), np.array([[0, 0, 0], [1, 0, 3], [0, 0, 5]]))
OTHER = ConfusionMatrix(("ant", "bee", "cow"), np.array([[5, 5, 0], [0, 40, 0], [0, 0, 30]]))
BINS = reliability_of(np.array([4, 0, 100]), np.array([3, 0, 70]), np.array([0.3, np.nan, 0.7]))
READ = np.array([[0.4, 0.3, 0.1, 0.1, 0.06, 0.04], [0.1, 0.1, 0.5, 0.1, 0.1, 0.1], [0.0, 0.1, 0.2, 0.6, 0.05, 0.05]])
NAMED = ("ant", "bee", "cow", "dog", "eel", "fox")
PATHS = [shapes.Path("left", np.linspace(-1, 1, 12).reshape(3, 4)), shapes.Path("right", np.zeros((3, 4)), True)]
STEP = CellStep(
    "gru", (Gate("reset", 1.0, 0.5, 0.0, 0.8), Gate("update", 1.0, 0.0, 0.0, 0.7), Gate("candidate", 0.0, -0.5, 0.0, -0.5)), 0.4
)

# One call of each public figure, with and without the dark ground.
EXAMPLES = {
    "saturation.saturation": lambda dark: saturation([gate_saturation(WIDE, g) for g in saturable(WIDE)], (1, 2), dark=dark),
    "unit.histogram": lambda dark: histogram(np.tanh(np.linspace(-2, 2, 50)), "tanh(cell) of unit 1", 0.2, dark),
    "unit.gates_and_ledger": lambda dark: gates_and_ledger(WIDE, 1, 2, (3, 13), dark),
    "bits.bits": lambda dark: bits({"wiki-lstm": np.arange(20.0), "5-gram": np.full(20, 3.0)}, "x" * 20, dark=dark),
    "alignment.matrix": lambda dark: alignment.matrix(ALIGNED, 1, numbers=True, dark=dark),
    "alignment.difference": lambda dark: alignment.difference(ALIGNED, EVEN, dark),
    "alignment.lines": lambda dark: alignment.lines(ALIGNED, 1, dark),
    "alignment.row": lambda dark: alignment.row(ALIGNED, 2, dark),
    "beam.tree": lambda dark: tree(BEAM, 5, True, dark),
    "bleu.by_length": lambda dark: by_length(BLEU, dark),
    "confusion.matrix": lambda dark: confusion.matrix(COUNTED, [2, 0, 1], SHARED, chosen=("bee", "cow"), dark=dark),
    "confusion.difference": lambda dark: confusion.difference(COUNTED, OTHER, [2, 0, 1], dark),
    "letters.lines": lambda dark: letters.lines(READ, "a b", NAMED, dark),
    "letters.effects": lambda dark: letters.effects(
        0.6, np.array([0.2, np.nan, 0.5]), np.array([0.1, 0.3, 0.0]), [("a", "x"), (" ", "y"), ("b", "z")], dark
    ),
    "reliability.diagram": lambda dark: diagram(BINS, dark),
    "cell.graph": lambda dark: cell.graph(STEP, dark),
    "cell.strip": lambda dark: cell.strip("a long\tway ", np.linspace(-1, 1, 11), 4, dark),
    "cell.courses": lambda dark: cell.courses({"as it is": np.zeros(3), "forget = 0": np.ones(3)}, "a\n'", dark),
    "shapes.stacked": lambda dark: shapes.stacked(PATHS, "ab ", np.eye(2, 3), dark),
    "shapes.bidirectional": lambda dark: shapes.bidirectional(PATHS, "ab ", np.zeros((2, 3)), dark),
    "shapes.pattern": lambda dark: shapes.pattern("one to many", dark),
    "hello.unfolded": lambda dark: hello.unfolded(forward(opening()), 1, False, dark),
    "hello.folded": lambda dark: hello.folded(forward(opening()), 1, True, dark),
    "learning.losses": lambda dark: losses(after((3, 4), 0.1)[1], (3, 4), dark),
    "pictures.multiples": lambda dark: pictures.multiples(SEEN, ["0.90", "0.50"], dark=dark),
    "pictures.region_map": lambda dark: pictures.region_map(SEEN, 1, np.linspace(-1, 2, 6), "nats lost", dark),
    "ranking.ranking": lambda dark: ranking(planted(), dark=dark),
    **test_figures_flow.EXAMPLES,
    **test_course.EXAMPLES,
}


def public_figures() -> set[str]:
    """Public functions of explorer.figures that give an Altair chart."""
    found = set()
    for module in pkgutil.iter_modules(explorer.figures.__path__):
        for name, function in inspect.getmembers(importlib.import_module(f"explorer.figures.{module.name}"), inspect.isfunction):
            here = function.__module__ == f"explorer.figures.{module.name}" and not name.startswith("_")
            if here and function.__annotations__.get("return") is alt.TopLevelMixin and name != "themed":
                found.add(f"{module.name}.{name}")
    return found


def test_the_walk_reaches_every_figure():
    assert public_figures() == set(EXAMPLES)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_figure_is_valid_told_and_exported(name: str, dark: bool):
    figure = EXAMPLES[name](dark)
    spec = figure.to_dict()
    assert spec["background"] == "transparent"
    assert spec["config"]["axis"]["labelColor"] == ("#e6e6ea" if dark else "#31333f")
    assert alt_text(figure) == spec["description"] and alt_text(figure).endswith(".") and len(alt_text(figure)) > 40
    assert to_svg(figure).startswith("<svg")
    if not dark:
        assert to_png(figure, 1.0)[:8] == b"\x89PNG\r\n\x1a\n"


def rows(spec: dict, *fields: str) -> list[dict]:
    """The first data set of a chart that has all of these fields."""
    return next(d for d in spec["datasets"].values() if d and set(fields) <= set(d[0]))


def texts(figure: alt.TopLevelMixin) -> str:
    return to_svg(figure)


# saturation


def test_saturation_has_a_dot_for_each_unit_and_one_selection():
    spec = EXAMPLES["saturation.saturation"](False).to_dict()
    assert [panel["title"]["text"] for panel in spec["concat"]] == ["input gate", "forget gate", "output gate"]
    dots = spec["datasets"][spec["concat"][1]["layer"][1]["data"]["name"]]
    expected = gate_saturation(WIDE, "forget")
    assert {(d["layer"], d["unit"]): (d["shut"], d["open"]) for d in dots} == {
        (layer, unit): (expected.shut[layer, unit], expected.open[layer, unit]) for layer in range(2) for unit in range(4)
    }
    assert [(d["layer"], d["unit"]) for d in dots if d["ringed"]] == [(1, 2)]
    limit = spec["datasets"][spec["concat"][0]["layer"][0]["data"]["name"]]
    assert [p["shut"] + p["open"] for p in limit] == [1, 1]
    (selection,) = spec["params"]
    assert selection["name"] == "unit" and selection["select"]["fields"] == ["layer", "unit"]
    assert selection["views"] == [panel["layer"][1]["name"] for panel in spec["concat"]]


def test_saturation_without_a_gate():
    with pytest.raises(AnalysisError, match="no gate to show"):
        saturation([])


# one unit


def test_histogram_counts_every_value():
    spec = EXAMPLES["unit.histogram"](False).to_dict()
    bins = rows(spec, "from", "characters")
    assert sum(b["characters"] for b in bins) == 50 and (bins[0]["from"], bins[-1]["to"]) == (-1, 1)
    assert rows(histogram(np.array([-5.0, 7.0]), "cell", 0.0).to_dict(), "to")[-1]["to"] == 7
    assert "50 values from -0.96 to 0.96" in spec["description"]
    with pytest.raises(AnalysisError, match="text is empty"):
        histogram(np.zeros(0), "cell")


def test_gates_and_ledger_show_the_window():
    figure = gates_and_ledger(WIDE, 1, 2, (3, 13))
    spec = figure.to_dict()
    names = [spec["datasets"][panel["layer"][1]["data"]["name"]] for panel in spec["vconcat"]]
    assert {r["series"] for r in names[0]} == set(WIDE.gates) and {r["series"] for r in names[1]} == {"kept", "written", "shown"}
    value = {(r["series"], r["position"]): r["value"] for r in [*names[0], *names[1]]}
    assert {position for _, position in value} == set(range(3, 13))
    assert value["forget", 5] == pytest.approx(WIDE.gates["forget"][5, 1, 2])
    assert value["kept", 5] + value["written", 5] == pytest.approx(WIDE.cell[5, 1, 2], abs=1e-6)
    assert value["shown", 12] == pytest.approx(WIDE.hidden[12, 1, 2])
    assert spec["resolve"]["scale"] == {"color": "independent", "strokeDash": "independent"}
    for name in ("forget", "candidate", "kept", "shown"):
        assert f">{name}</text>" in texts(figure)  # labels at the line ends
    assert "legend" not in json.dumps(spec["vconcat"]).replace('"legend": null', "")


def test_gates_and_ledger_of_other_kinds_and_their_refusals():
    assert len(gates_and_ledger(gru_trace(), 0, 1).to_dict()["vconcat"]) == 2
    assert "A plain RNN keeps nothing" in json.dumps(gates_and_ledger(rnn_trace(), 0, 1).to_dict())
    for call, sentence in (
        ((WIDE, 0, 4), "There is no unit 4; this layer has 4, 0 to 3"),
        ((WIDE, 0, 0, (5, 5)), "window 5..5"),
        ((WIDE, 2, 0), "no layer 2"),
    ):
        with pytest.raises(AnalysisError, match=sentence):
            gates_and_ledger(*call)


# bits


def test_smoothing_by_hand():
    assert smoothed(np.array([1.0, 2, 3, 4]), 3).tolist() == [1.5, 2, 3, 3.5]
    assert smoothed(np.array([np.nan, 2, 4]), 1).tolist()[1:] == [2, 4] and np.isnan(smoothed(np.array([np.nan, 2, 4]), 1)[0])
    assert smoothed(np.array([np.nan, 2, 4]), 3).tolist() == [2, 3, 3]
    assert smoothed(np.array([1.0, 3]), 50).tolist() == [2, 2]


def test_bits_draw_every_series_smooth_and_raw():
    figure = bits({"wiki-lstm": np.array([np.nan, 2.0, 4.0, 30.0]), "5-gram": np.full(4, 3.0)}, "abcd", window=1, start=100)
    data = rows(figure.to_dict(), "raw", "value")
    by = {(r["series"], r["position"]): r for r in data}
    assert by["wiki-lstm", 101]["value"] == 2 and by["wiki-lstm", 103]["raw"] == 30 and by["wiki-lstm", 103]["clipped"] == 30
    calm = bits({"wiki-lstm": np.array([1.0, 1.0, 1.0, 20.0, 1.0, 1.0, 1.0])}, "abcdefg", window=7).to_dict()
    assert max(r["clipped"] for r in rows(calm, "raw", "value")) == TOP
    assert by["wiki-lstm", 100]["raw"] is None and by["5-gram", 102]["token"] == "c"
    assert "wiki-lstm 12.00, 5-gram 3.00" in alt_text(figure)
    assert ">wiki-lstm</text>" in texts(figure) and ">5-gram</text>" in texts(figure)
    with pytest.raises(AnalysisError, match="wiki-lstm has 3 values; expected 4"):
        bits({"wiki-lstm": np.zeros(3)}, "abcd")
    with pytest.raises(AnalysisError, match="nothing to draw"):
        bits({}, "abcd")


# ranking


def test_ranking_bars_carry_held_out_scores_and_baselines():
    found = planted()
    spec = ranking(found, names=[f"L0 {u}" for u in range(12)], top=4).to_dict()
    bars = rows(spec, "name", "clears")
    assert [b["unit"] for b in bars] == found.order[:4].tolist() and bars[0] == {
        "unit": 3, "name": "L0 3", "r": pytest.approx(found.r[3]), "clears": True,
    }  # fmt: skip
    assert not bars[-1]["clears"]
    rules = rows(spec, "baseline")
    best = max((found.baselines[name].r, name) for name in found.baselines if name.startswith("last"))[1]
    assert {r["baseline"]: r["r"] for r in rules} == {
        name: pytest.approx(found.baselines[name].r) for name in ("chance", "untrained", best)
    }
    assert found.verdict() in spec["description"]
    (selection,) = spec["params"]
    assert selection["name"] == "unit" and selection["select"]["fields"] == ["unit"]


# theme, labels, export


def test_kinds_are_told_from_names():
    assert [kind_of(n) for n in ("wiki-lstm", "wiki-gru", "wiki-rnn", "5-gram", "mine")] == ["lstm", "gru", "rnn", "n-gram", "lstm"]
    assert kind_style("wiki-gru") == ("#009e73", [2, 2]) and kind_style("wiki-gru", dark=True)[0] == DARK_KINDS["gru"]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize(("ground", "colours"), [("#ffffff", [c for c, _ in KINDS.values()]), ("#1e1e24", list(DARK_KINDS.values()))])
def test_lines_stand_out_from_their_ground(ground: str, colours: list):
    for colour in colours:
        light, dim = sorted((luminance(ground), luminance(colour)), reverse=True)
        assert (light + 0.05) / (dim + 0.05) >= 3, f"{colour} on {ground}"


def test_labels_are_spread_and_keep_their_order():
    assert spread([0.0, 5.0], 1.0) == [0, 5]
    placed = spread([1.0, 1.0, 0.9, 4.0], 1.0)
    assert np.diff(sorted(placed)).min() >= 1 - 1e-6
    assert np.argsort(placed, kind="stable").tolist() == [2, 0, 1, 3]


def test_html_is_whole_and_offline():
    page = to_html(EXAMPLES["unit.histogram"](False))
    assert page.lstrip().startswith("<!DOCTYPE html>") and len(page) > 400_000
    assert 'src="http' not in page and "import(" not in page.split("<body")[0]
    plotly = to_html(go.Figure(go.Scatter(x=[1], y=[2]), layout={"meta": "One point at 1, 2."}))
    assert len(plotly) > 1_000_000 and 'src="http' not in plotly
    assert alt_text(go.Figure(layout={"meta": "One point at 1, 2."})) == "One point at 1, 2." and alt_text(go.Figure()) == ""


def test_export_refuses_what_is_no_figure():
    for export in (to_svg, to_png):
        with pytest.raises(ExplorerError, match="A Figure cannot be drawn without a browser"):
            export(go.Figure())
    with pytest.raises(ExplorerError, match="A str is no figure"):
        to_html("x")
    assert svg_to_png("<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'/>")[:4] == b"\x89PNG"
