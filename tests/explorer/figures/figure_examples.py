"""One example of each public figure of Altair, of small records, and what a test reads from a chart."""

from dataclasses import replace
from functools import cache

import altair as alt
import numpy as np
import pandas as pd

from explorer.analysis.attribution import Attribution, Comparison
from explorer.analysis.cell_step import CellStep, Gate
from explorer.analysis.confusion import reliability_of
from explorer.analysis.linear_probe import LinearProbe
from explorer.analysis.logits import LogitParts
from explorer.analysis.rank import Ranking, rank
from explorer.analysis.saturation import gate_saturation, saturable
from explorer.analysis.trace_back import TraceBack
from explorer.analysis.unit_effects import TestedUnits, Together, UnitEffect
from explorer.figures import (
    alignment,
    architectures,
    attribution,
    cell,
    confusion,
    deep_graphs,
    hello,
    image_attention,
    linear_probe,
    one_hot,
    prediction_path,
    read_on,
    region_maps,
    seeds,
    series,
    trace_back,
    unit_effects,
    what_next,
)
from explorer.figures.beam import Branches, tree
from explorer.figures.bits import bits
from explorer.figures.bleu import Score, by_length
from explorer.figures.confusion import reliability_diagram
from explorer.figures.export import to_svg
from explorer.figures.probe import probe
from explorer.figures.saturation import saturation
from explorer.figures.scales import Scale
from explorer.figures.states import StateFigure
from explorer.figures.training_curve import losses
from explorer.figures.unit import cell_and_hidden, gates_and_ledger, histogram, ranking
from explorer.records import Alignment, ConfusionMatrix
from explorer.textbook.hello import after, forward, opening
from tests.explorer.analysis import test_training_curve
from tests.explorer.figures import test_gradient_decay
from tests.explorer.traces import lstm_trace

NUDGED = pd.DataFrame(
    [
        (horizon, token, way, -1.0 / horizon, 0.1, size)
        for horizon in (1, 5)
        for token, size in (("]", 2.0), ("a", 0.5))
        for way in (what_next.REAL, what_next.LINEAR)
    ],
    columns=["horizon", "token", "way", "low", "median", "high"],
)
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
SEEN = image_attention.Seen(
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
PATHS = [architectures.Path("left", np.linspace(-1, 1, 12).reshape(3, 4)), architectures.Path("right", np.zeros((3, 4)), True)]
STEP = CellStep(
    "gru", (Gate("reset", 1.0, 0.5, 0.0, 0.8), Gate("update", 1.0, 0.0, 0.0, 0.7), Gate("candidate", 0.0, -0.5, 0.0, -0.5)), 0.4
)

REGIONS = Alignment(tuple("012345"), SEEN.words, SEEN.weights, SEEN.grid)
SERIES = StateFigure(
    [f"{value:.2f}" for value in np.sin(np.arange(30))],
    WIDE.hidden[:, 0],
    "hidden",
    2,
    (3, 2, 0, 1),
    "similarity",
    Scale("diverging", -1, 1),
    start=5,
    title="rnn, layer 1",
)

SCORED = Attribution(tuple("a [b"), np.array([0.1, -0.02, 1.5, -0.6]), "integrated gradients", -0.4, "zero", -1.4, 0.02, "rnn")
COMPARED = Comparison(
    SCORED.tokens, "]", -0.4, np.array([0.0, -0.1, 2.5, 0.4]), (Attribution(SCORED.tokens, np.arange(4.0), "gradient", -0.4), SCORED)
)

PARTS = LogitParts(np.linspace(2, -1, 14), 0.5, np.ones(14))
TRACED = TraceBack(
    ("[", "[", "t", "\n"), 3, "]", 0.5, PARTS, None, np.array([0.1, 4, -1, 5]), 0.4, 8.5, np.array([0, 0.7, -0.1, 1]),
    np.array([np.nan, 0.9, -0.2, 1.5]), 0.3,
)  # fmt: skip

SILENCED = TestedUnits(
    np.array([7, 3, 5, 2]), 2, np.array([1.5, 0.2, 0.0, 0.1]), np.array([0.9, 0.3, -0.1, 0.05]), np.zeros(4),
    UnitEffect(0, 0.9, 0.0, 0.6, 1.2, 0.4, 1, 0, 12, 4), 0.7,
    Together(np.array([1, 2]), np.array([0.9, 1.4]), np.array([[0.0, 0.1], [0.1, 0.05]])),
)  # fmt: skip

# One call of each public figure, with and without the dark ground.
EXAMPLES = {
    "attribution.rows": lambda dark: attribution.rows(COMPARED, 10, dark),
    "attribution.row": lambda dark: attribution.row(SCORED, 10, dark),
    "attribution.token_rows": lambda dark: attribution.token_rows(
        ("a", "b"),
        [attribution.Row("one", "of two", np.array([1.0, np.nan]), True)],
        0,
        "One of two tokens has a score, the other one has none.",
        dark,
    ),
    "trace_back.rows": lambda dark: trace_back.rows(TRACED, 10, dark),
    "trace_back.matrix": lambda dark: trace_back.matrix(replace(TRACED, unit=2, matrix=np.tri(4) * 0.5), 10, dark),
    "read_on.rows": lambda dark: read_on.rows("a [b]", np.arange(5.0), np.arange(5.0)[::-1], "with unit 3 held", 10, dark),
    "what_next.quantiles": lambda dark: what_next.quantiles(NUDGED, dark),
    "unit_effects.effects": lambda dark: unit_effects.effects(SILENCED, dark),
    "unit_effects.together": lambda dark: unit_effects.together(SILENCED, dark),
    "trace_back.units": lambda dark: trace_back.units(TRACED, dark),
    "saturation.saturation": lambda dark: saturation([gate_saturation(WIDE, g) for g in saturable(WIDE)], (1, 2), dark=dark),
    "unit.histogram": lambda dark: histogram(np.tanh(np.linspace(-2, 2, 50)), "tanh(cell) of unit 1", 0.2, dark),
    "unit.gates_and_ledger": lambda dark: gates_and_ledger(WIDE, 1, 2, (3, 13), dark),
    "unit.cell_and_hidden": lambda dark: cell_and_hidden(WIDE, 1, 2, (3, 13), dark),
    "probe.probe": lambda dark: probe({"rnn": [0.9, 0.5, 0.2], "lstm, untrained": [1.0, 0.8, 0.15]}, [1, 2, 3], 0.15, dark),
    "bits.bits": lambda dark: bits({"wiki-lstm": np.arange(20.0), "5-gram": np.full(20, 3.0)}, "x" * 20, dark=dark),
    "alignment.matrix": lambda dark: alignment.matrix(ALIGNED, 1, numbers=True, dark=dark),
    "alignment.difference": lambda dark: alignment.difference(ALIGNED, EVEN, dark),
    "alignment.lines": lambda dark: alignment.lines(ALIGNED, 1, dark),
    "alignment.row": lambda dark: alignment.row(ALIGNED, 2, dark, np.arange(5.0)),
    "beam.tree": lambda dark: tree(BEAM, 5, True, dark),
    "bleu.by_length": lambda dark: by_length(BLEU, dark),
    "confusion.matrix": lambda dark: confusion.matrix(COUNTED, [2, 0, 1], SHARED, chosen=("bee", "cow"), dark=dark),
    "confusion.difference": lambda dark: confusion.difference(COUNTED, OTHER, [2, 0, 1], dark),
    "confusion.small": lambda dark: confusion.small(confusion.matrix(COUNTED, [2, 0, 1], SHARED, dark=dark), 3),
    "prediction_path.lines": lambda dark: prediction_path.lines(READ, "a b", NAMED, dark),
    "prediction_path.effects": lambda dark: prediction_path.effects(
        0.6, np.array([0.2, np.nan, 0.5]), np.array([0.1, 0.3, 0.0]), [("a", "x"), (" ", "y"), ("b", "z")], dark
    ),
    "confusion.reliability_diagram": lambda dark: reliability_diagram(BINS, dark),
    "cell.graph": lambda dark: cell.graph(STEP, dark),
    "cell.strip": lambda dark: cell.strip("a long\tway ", np.linspace(-1, 1, 11), 4, dark),
    "cell.courses": lambda dark: cell.courses({"as it is": np.zeros(3), "forget = 0": np.ones(3)}, "a\n'", "tanh c", dark),
    "architectures.stacked": lambda dark: architectures.stacked(PATHS, "ab ", np.eye(2, 3), dark),
    "architectures.bidirectional": lambda dark: architectures.bidirectional(PATHS, "ab ", np.zeros((2, 3)), dark),
    "architectures.pattern": lambda dark: architectures.pattern("one to many", dark),
    "deep_graphs.deep": lambda dark: deep_graphs.deep("skip connection", dark),
    "one_hot.one_hot": lambda dark: one_hot.one_hot([3, 1, 3], ["\N{REPLACEMENT CHARACTER}", " ", "-", "a"], dark),
    "seeds.by_length": lambda dark: seeds.by_length(
        {"RNN, 4 units": [[1.0, 0.9], [0.3, 0.2]], "RNN, 9 units": [[1.0, 1.0], [0.25, 0.25]], "LSTM": [[1.0], [0.8]]}, [10, 40], 0.25, dark
    ),
    "hello.unfolded": lambda dark: hello.unfolded(forward(opening()), 1, False, dark),
    "hello.folded": lambda dark: hello.folded(forward(opening()), 1, True, dark),
    "training_curve.losses": lambda dark: losses(after((3, 4), 0.1)[1], (3, 4), dark),
    "image_attention.multiples": lambda dark: image_attention.multiples(SEEN, ["0.90", "0.50"], dark=dark),
    "image_attention.of_word": lambda dark: image_attention.of_word(
        {"attention": SEEN, "occlusion": SEEN}, 1, "probability 0.50", image_attention.Looks((0, 4), True, False, dark)
    ),
    "image_attention.region_map": lambda dark: image_attention.region_map(SEEN, 1, np.linspace(-1, 2, 6), "nats lost", dark),
    "region_maps.maps": lambda dark: region_maps.maps(REGIONS, dark),
    "linear_probe.agreement": lambda dark: linear_probe.agreement(PROBED, np.arange(5.0), "water", dark),
    "series.over_time": lambda dark: series.over_time(SERIES, dark),
    "unit.ranking": lambda dark: ranking(planted(), dark=dark),
    **test_gradient_decay.EXAMPLES,
    **test_training_curve.EXAMPLES,
}

PROBED = LinearProbe(0.75, np.array([0.0, 1.5, np.nan, 3, 3.5]), np.array([0.0, 0.1]), -0.2, {"the inputs alone": 0.125})


def rows(spec: dict, *fields: str) -> list[dict]:
    """The first data set of a chart that has all of these fields."""
    return next(d for d in spec["datasets"].values() if d and set(fields) <= set(d[0]))


def texts(figure: alt.TopLevelMixin) -> str:
    return to_svg(figure)
