"""BLEU by the length of the source sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd

from explorer.errors import AnalysisError
from explorer.figures.theme import LAYERS, haloed, spread, themed

DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 5])  # one more than colours: the fifth line has a look of its own
HEIGHT = 280


@dataclass(frozen=True)
class Score:
    """BLEU of the sentences of one length: `low` to `high` is its 95 % interval, `sentences` how many there were."""

    length: str
    bleu: float
    low: float
    high: float
    sentences: int


def by_length(scores: Mapping[str, Sequence[Score]], dark: bool = False) -> alt.TopLevelMixin:
    """A line per network over the length of the source, with 95 % intervals; each name is at the end of its line.

    Args:
        scores: By name, from short to long sentences.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is none.
    """
    if not any(scores.values()):
        raise AnalysisError("There is no BLEU by length to show; expected at least one network with scores.")
    rows = [vars(score) | {"name": name, "said": f"{name} {score.bleu:.1f}"} for name, all_of in scores.items() for score in all_of]
    frame, lengths = pd.DataFrame(rows), list(dict.fromkeys(row["length"] for row in rows))
    names = list(scores)
    colours = [LAYERS[dark][index % len(LAYERS[dark])] for index in range(len(names))]
    dashes = [DASHES[index % len(DASHES)] for index in range(len(names))]
    x = alt.X("length:O", sort=lengths, title="words in the source", axis=alt.Axis(labelAngle=0))
    colour = alt.Color("name:N", scale=alt.Scale(domain=names, range=colours), legend=None)
    base = alt.Chart(frame).encode(x=x, color=colour)
    numbers = [alt.Tooltip(name, format=".1f") for name in ("bleu", "low", "high")]
    tooltip = ["name", "length", *numbers, "sentences"]
    low, high = (
        best(getattr(score, side) for all_of in scores.values() for score in all_of) for best, side in ((min, "low"), (max, "high"))
    )
    y = alt.Y("bleu:Q", title="BLEU", scale=alt.Scale(domain=[low, high]))
    dash = alt.StrokeDash("name:N", scale=alt.Scale(domain=names, range=dashes), legend=None)
    lines = base.mark_line(point=True).encode(y=y, strokeDash=dash, tooltip=tooltip)
    bars = base.mark_rule(opacity=0.5).encode(y=alt.Y("low:Q", title="BLEU"), y2=alt.Y2("high:Q"), tooltip=tooltip)
    last = frame[frame["length"] == lengths[-1]]
    last = last.assign(bleu=spread([float(value) for value in last["bleu"]], 15 / HEIGHT * (high - low)))
    ends = alt.Chart(last).mark_text(align="left", dx=8, fontSize=12).encode(x=x, y=alt.Y("bleu:Q"), text=alt.Text("said:N"), color=colour)
    chart = alt.layer(bars, lines, *haloed(ends, dark)).properties(width=560, height=HEIGHT)
    courses = "; ".join(
        f"{name}: " + ", ".join(f"{score.length} words {score.bleu:.1f}" for score in all_of) for name, all_of in scores.items()
    )
    return themed(chart, f"BLEU by length of the source. {courses}.", dark)
