"""Probability of the correct closing mark by the distance from its opening mark."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from explorer.errors import AnalysisError
from explorer.figures.theme import colours, dashes, end_labels, kind_style, themed

HEIGHT, APART = 260, 0.07


def gap(bands: Mapping[str, Sequence[Mapping[str, Any]]], mark: str, dark: bool = False) -> alt.TopLevelMixin:
    """Mean probability of a closing mark where it is correct, by band of distances, with 95 % intervals and numbers of marks.

    Args:
        bands: Name of a model -> its bands, each with from, to, n, p, low, high.
        mark: The mark.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is no band.
    """
    frame = table(bands)
    if frame.empty:
        raise AnalysisError("There is nothing to draw; expected at least one band of distances.")
    labels = list(dict.fromkeys(frame["distance"]))
    counts = dict(zip(frame["distance"], frame["n"], strict=True))
    frame["series"] = frame["model"]
    shift = {name: APART * (index - (len(bands) - 1) / 2) for index, name in enumerate(bands)}
    frame["position"] = [labels.index(distance) + shift[name] for distance, name in zip(frame["distance"], frame["model"], strict=True)]
    frame["value"] = frame["p"]
    styles = {name: kind_style(name, dark) for name in bands}
    named = f"{[[label, f'n = {counts[label]}'] for label in labels]}[datum.value]"
    size = alt.expr("width < 400 ? 10 : 12")  # on a narrow screen the bands would touch
    axis = alt.Axis(values=list(range(len(labels))), labelExpr=named, grid=False, labelOverlap=False, labelFontSize=size)
    scale = alt.Scale(domain=[-0.4, len(labels) - 0.6], nice=False)
    x = alt.X("position:Q", title="characters since the link was opened (n: number of links)", axis=axis, scale=scale)
    y = alt.Y("value:Q", title=f"probability of the correct {mark}", scale=alt.Scale(domain=[0, 1]))
    words = {"p": "mean probability", "low": "95 % interval from", "high": "to"}
    numbers = [alt.Tooltip(column, title=title, format=".3f") for column, title in words.items()]
    tooltip = [alt.Tooltip("model"), alt.Tooltip("distance"), *numbers, alt.Tooltip("n", title="links")]
    base = alt.Chart(frame).encode(x=x, color=colours(styles), tooltip=tooltip)
    lines = base.mark_line(strokeWidth=2).encode(y=y, strokeDash=dashes(styles))
    spans = base.mark_rule(strokeWidth=1.5, opacity=0.6).encode(y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
    points = base.mark_point(filled=True, size=34, opacity=1).encode(y=y)
    # All names stand right of the last point: beside their own points they would cover intervals of other lines.
    names = end_labels(frame.assign(position=frame["position"].max()), styles, (0.0, 1.0), HEIGHT, dark, x)
    chart = alt.layer(spans, lines, points, *names).properties(width=760, height=HEIGHT)
    chart.autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    return themed(chart, in_words(bands, mark), dark)


def in_words(bands: Mapping[str, Sequence[Mapping[str, Any]]], mark: str) -> str:
    """The text alternative: each model's probability in the nearest band and in the farthest."""
    parts = [
        f"{name} {rows[0]['p']:.2f} at {_distance(rows[0])} and {rows[-1]['p']:.2f} at {_distance(rows[-1])}"
        for name, rows in bands.items()
    ]
    return f"Mean probability of {mark} where it is correct, by characters since the opening mark: {'; '.join(parts)}."


def table(bands: Mapping[str, Sequence[Mapping[str, Any]]]) -> pd.DataFrame:
    """Every number of the figure, a row for each model and band."""
    columns = ("n", "p", "low", "high")
    rows = [
        {"model": name, "distance": _distance(row)} | {column: row[column] for column in columns}
        for name, rows in bands.items()
        for row in rows
    ]
    return pd.DataFrame(rows, columns=["model", "distance", *columns])


def _distance(row: Mapping[str, Any]) -> str:
    return f"{row['from']}–{row['to']}"
