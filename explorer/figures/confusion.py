"""A confusion matrix, true classes in rows and predictions in columns, and a reliability diagram."""

import json
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from explorer.analysis.confusion import Reliability, intervals, pair, shares
from explorer.errors import AnalysisError
from explorer.figures.theme import LAYERS, ink, themed, unsqueezed
from explorer.records import ConfusionMatrix

ERRORS = {False: ("#ffffff", "#b3400a"), True: ("#1e1e24", "#ff9a57")}
RIGHT = {False: "#8a8a94", True: "#8d8d98"}
DIFFERENCE = {False: ("#2166ac", "#f7f7f7", "#b35806"), True: ("#6baed6", "#1e1e24", "#ff9a57")}
BY = ("share", "whole share", "count")  # what the colour shows
FEW = 20  # items; rows with fewer are faded, since their intervals are wide
FADED = 0.35
# Strokes from lower left to upper right across the square -1..1, as a path of a point's shape.
HATCH = "M-1,-.33L-.33,-1M-1,.33L.33,-1M-1,1L1,-1M-.33,1L1,-.33M.33,1L1,.33"


def matrix(
    counted: ConfusionMatrix,
    order: Sequence[int] | np.ndarray | None = None,
    shared: ConfusionMatrix | None = None,
    by: str = "share",
    chosen: tuple[str, str] | None = None,
    dark: bool = False,
) -> alt.TopLevelMixin:
    """Rows are true classes, columns predictions. Colour shows avoidable errors only; the diagonal is grey.

    Rows with fewer than 20 items are faded. A cell is hatched if at least half of its items belong to the predicted class
    too. The colour follows the square root of a value, on a scale that ends at the largest error, which its title names; "whole
    share" ends at 1, so that two matrices can be compared. A click selects a cell: selection "cell" with the fields true and predicted.

    Args:
        counted: What to show.
        order: Of rows and columns, [class]; as the labels come where None.
        shared: Of the same classes: how many items of each cell belong to the predicted class too.
        by: "share" of the row, "whole share", the same on a scale from 0 to 1, or "count".
        chosen: Cell (true, predicted) that is framed.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: `by` is none of these.
    """
    if by not in BY:
        raise AnalysisError(f"by is {by!r}; expected share, whole share or count.")
    frame, labels = _drawn(counted, shared), [counted.labels[n] for n in (range(len(counted.labels)) if order is None else order)]
    frame["colour"] = frame["avoidable" if by == "count" else "avoidable share"]
    frame["strength"] = np.where(frame["of"] < FEW, FADED, 1.0)
    top, title = _end_of_scale(frame, by)
    scale = alt.Scale(type="sqrt", domain=[0, top], range=list(ERRORS[dark]), interpolate="rgb")
    legend = _legend(title, [0, top / 4, top], ".0f" if by == "count" else ".2~f")
    size = cell_size(len(labels))
    base = alt.Chart(frame).encode(x=_across(labels), y=_down(labels), opacity=alt.Opacity("strength:Q", legend=None, scale=None))
    click = alt.selection_point(name="cell", fields=["true", "predicted"], on="click", empty=False)
    cells = base.mark_rect(stroke=ink(dark, faint=True), strokeWidth=0.5)
    cells = cells.encode(
        color=alt.Color("colour:Q", scale=scale, legend=legend), tooltip=_tooltip(shared), description=alt.Description("said:N")
    ).add_params(click)
    right = base.transform_filter("datum.right").mark_rect(color=RIGHT[dark], aria=False)  # the cell below has the description
    right = right.encode(opacity=alt.Opacity("diagonal:Q", legend=None, scale=None), tooltip=_tooltip(shared))
    hatched = base.transform_filter("datum.hatched").mark_point(
        shape=HATCH,
        size=alt.expr(f"pow(width / {len(labels)} - 4, 2)"),
        filled=False,
        strokeWidth=1.2,
        stroke=ink(dark),
        tooltip=None,
        aria=False,
    )
    layers = [cells, right, hatched.encode(tooltip=_tooltip(shared))]
    if chosen:
        layers.append(_frame_of(base, chosen, dark))
    chart = alt.layer(*layers).properties(width=size * len(labels), height=size * len(labels))
    return themed(unsqueezed(chart), in_words(counted, shared), dark)


def difference(one: ConfusionMatrix, other: ConfusionMatrix, order: Sequence[int] | np.ndarray, dark: bool = False) -> alt.TopLevelMixin:
    """Difference of the row shares of two matrices, first minus second; 0 neutral, the scale ends at the largest difference.

    Args:
        one, other: Of the same classes.
        order: Of rows and columns, [class].
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: their classes differ.
    """
    labels, frame = [one.labels[n] for n in order], differences(one, other)
    by = frame["difference"].to_numpy()
    said = [_more(*cell) for cell in zip(frame["true"], frame["predicted"], by.tolist(), strict=True)]
    frame["more"], frame["said"] = by, said
    top = float(np.abs(by).max()) or 1.0
    scale = alt.Scale(domain=[-top, 0, top], range=list(DIFFERENCE[dark]), interpolate="rgb")
    legend = _legend("first minus second, share of the row", [-top, 0, top], "+.2f")
    tooltip = [*_classes(), alt.Tooltip("more", format="+.3f", title="difference of shares")]
    cells = alt.Chart(frame).mark_rect(stroke=ink(dark, faint=True), strokeWidth=0.5)
    cells = cells.encode(x=_across(labels), y=_down(labels), color=alt.Color("more:Q", scale=scale, legend=legend), tooltip=tooltip)
    cells = cells.encode(description=alt.Description("said:N"))
    most = said[int(np.abs(by).argmax())]
    size = cell_size(len(labels))
    cells = cells.properties(width=size * len(labels), height=size * len(labels))
    return themed(unsqueezed(cells), f"Difference of two confusion matrices. Largest difference: {most}.", dark)


def small(figure: alt.TopLevelMixin, classes: int) -> alt.TopLevelMixin:
    """A matrix or a difference with small cells, so that three fit side by side; not for clicking."""
    size = max(8, 260 // classes)
    figure = figure.properties(width=size * classes, height=size * classes)  # type: ignore[attr-defined]
    for layer in getattr(figure, "layer", [figure]):
        layer.encoding["x"]["axis"]["labelAngle"] = -90  # slanted labels would overlap
    figure.config.axis.labelFontSize = figure.config.axis.titleFontSize = 10  # type: ignore[attr-defined]
    return figure


def differences(one: ConfusionMatrix, other: ConfusionMatrix, names: Sequence[str] = ("first", "second")) -> pd.DataFrame:
    """One row per cell: both counts, both row shares with their Wilson intervals, and the difference of the shares.

    Args:
        one, other: Of the same classes.
        names: Prefixes of their columns.

    Raises:
        AnalysisError: their classes differ.
    """
    if one.labels != other.labels:
        raise AnalysisError("The two matrices are of different classes; expected the same labels to take a difference.")
    tables = [table(counted) for counted in (one, other)]
    frame = pd.DataFrame({key: tables[0][key] for key in ("true", "predicted")})
    for name, rows in zip(names, tables, strict=True):
        for column in ("count", "of", "share", "low", "high"):
            frame[f"{name}: {column}"] = rows[column]
    frame["difference"] = tables[0]["share"] - tables[1]["share"]
    return frame


def table(counted: ConfusionMatrix, shared: ConfusionMatrix | None = None) -> pd.DataFrame:
    """The CSV: one row per cell, with its count, row share, Wilson interval and shared spellings."""
    n, share, (low, high) = len(counted.labels), np.nan_to_num(shares(counted)), intervals(counted)
    both = np.zeros_like(counted.counts) if shared is None else shared.counts
    rows, columns = np.divmod(np.arange(n * n), n)
    of = counted.counts.sum(1)
    frame = pd.DataFrame({"true": np.array(counted.labels)[rows], "predicted": np.array(counted.labels)[columns]})
    frame["count"], frame["of"], frame["share"] = counted.counts.ravel(), of[rows], share.ravel()
    frame["low"], frame["high"], frame["shared"] = low.ravel(), high.ravel(), both.ravel()
    frame["right"] = rows == columns
    frame["avoidable"] = np.where(frame["right"], 0, frame["count"] - frame["shared"])
    frame["avoidable share"] = frame["avoidable"] / np.maximum(1, frame["of"])
    return frame


def _drawn(counted: ConfusionMatrix, shared: ConfusionMatrix | None) -> pd.DataFrame:
    """The table with additional columns for the figure."""
    frame = table(counted, shared)
    cells = zip(frame["true"], frame["predicted"], strict=True)
    frame["said"] = [_said(counted, true, predicted, shared) for true, predicted in cells]
    frame["diagonal"] = np.where(frame["of"] < FEW, FADED, 1.0) * (0.15 + 0.85 * frame["share"])
    frame["hatched"] = ~frame["right"] & (frame["count"] > 0) & (2 * frame["shared"] >= frame["count"])
    return frame


def in_words(counted: ConfusionMatrix, shared: ConfusionMatrix | None = None) -> str:
    """The text alternative: the number of correct predictions, and the largest error."""
    errors = counted.counts - np.diag(np.diag(counted.counts))
    total, right = int(counted.counts.sum()), int(np.trace(counted.counts))
    description = f"Confusion matrix of {len(counted.labels)} classes: {right:,} of {total:,} classified correctly, on the diagonal."
    if not errors.any():
        return f"{description} There are no errors."
    i, j = np.unravel_index(errors.argmax(), errors.shape)
    both = 0 if shared is None else int(shared.counts[i, j])
    description += f" Largest error: {errors[i, j]} of {int(counted.counts[i].sum())} {counted.labels[i]} classified as {counted.labels[j]}"
    return description + (f", {both} of them shared spellings." if both else ".")


def cell_size(classes: int) -> int:
    """Pixels of a cell: a matrix of 20 classes stands on a screen of 720 pixels, with what is above it."""
    return max(14, min(40, 370 // classes))


def _end_of_scale(frame: pd.DataFrame, by: str) -> tuple[float, str]:
    """The end of the colour scale, and what the legend is called."""
    largest = float(frame.loc[~frame["right"], "colour"].max()) if len(frame) > 1 else 0.0
    if by == "count":
        return max(1.0, largest), "avoidable errors"
    if by == "whole share" or largest <= 0:
        return 1.0, "avoidable errors, share of the row"
    return largest, f"avoidable errors, share of the row (scale up to {largest:.2f})"


def _said(counted: ConfusionMatrix, true: str, predicted: str, shared: ConfusionMatrix | None) -> str:
    """A cell as a sentence for screen readers."""
    cell = pair(counted, true, predicted, shared)
    return f"{true} classified correctly: {cell.numbers}" if true == predicted else cell.words


def _more(true: str, predicted: str, by: float) -> str:
    """A cell of a difference as a sentence."""
    what = "correctly" if true == predicted else f"as {predicted}"
    if not by:
        return f"both classify {true} {what} equally often"
    return f"the first classifies {true} {what} {'more' if by > 0 else 'less'} often, by {abs(by):.2f} of the row"


def _legend(title: str, values: list[int | float], digits: str) -> Any:
    """A legend above the matrix on the left, where a narrow frame shows it."""
    return alt.Legend(title=title, values=values, format=digits, orient="top", direction="horizontal", gradientLength=160, titleLimit=300)


def _tooltip(shared: ConfusionMatrix | None) -> list[alt.Tooltip]:
    shown = [*_classes(), alt.Tooltip("count"), alt.Tooltip("of", title="row total")]
    titles = (("share", "share"), ("low", "95 % from"), ("high", "95 % to"))
    shown += [alt.Tooltip(column, format=".1%", title=title) for column, title in titles]
    return shown if shared is None else [*shown, alt.Tooltip("shared", title="shared spellings")]


def _classes() -> list[alt.Tooltip]:
    return [alt.Tooltip("true"), alt.Tooltip("predicted")]


def _across(labels: Sequence[str]) -> alt.X:
    axis = alt.Axis(orient="top", labelAngle=-45 if len(labels) > 4 else 0, labelOverlap=False, labelLimit=120)
    return alt.X("predicted:N", title="predicted class", sort=list(labels), axis=axis)


def _down(labels: Sequence[str]) -> alt.Y:
    return alt.Y("true:N", title="true class", sort=list(labels), axis=alt.Axis(labelOverlap=False, labelLimit=120))


def _frame_of(base: alt.Chart, chosen: tuple[str, str], dark: bool) -> alt.Chart:
    true, predicted = (json.dumps(label) for label in chosen)
    only = base.transform_filter(f"datum['true'] == {true} && datum['predicted'] == {predicted}")
    return only.mark_rect(fill=None, stroke=ink(dark), strokeWidth=2, aria=False).encode(opacity=alt.OpacityValue(1))


def reliability_diagram(bins: Reliability, dark: bool = False) -> alt.TopLevelMixin:
    """Accuracy against confidence, one point per bin with its 95 % Wilson interval; the diagonal is perfect calibration.

    Args:
        bins: Counted bins.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: all bins are empty.
    """
    frame = reliability_table(bins)
    if frame.empty:
        raise AnalysisError("All bins are empty: there is no confidence to compare with the accuracy.")
    scale = alt.Scale(domain=[0, 1])
    x = alt.X("confidence:Q", title="confidence: probability of the prediction", scale=scale)
    y = alt.Y("accuracy:Q", title="accuracy", scale=scale)
    tooltip = ["names", *(alt.Tooltip(column, format=".2f") for column in ("confidence", "accuracy", "low", "high"))]
    base = alt.Chart(frame).encode(x=x, tooltip=tooltip)
    colour = LAYERS[dark][0]
    bars = base.mark_rule(color=colour, strokeWidth=2).encode(y=alt.Y("low:Q", title="accuracy"), y2=alt.Y2("high:Q"))
    points = base.mark_point(filled=True, color=colour, opacity=1, size=50).encode(y=y)
    ends = pd.DataFrame({"confidence": [0.0, 1.0], "accuracy": [0.0, 1.0]})
    perfect = alt.Chart(ends).mark_line(color=ink(dark, faint=True), strokeDash=[4, 3]).encode(x=x, y=y)
    outside = int(np.sum((frame["confidence"] < frame["low"]) | (frame["confidence"] > frame["high"])))
    description = (
        f"Reliability diagram with {len(frame)} bins, calibration error {bins.error:.3f}; in {outside} of them the confidence is outside "
        "the 95 % interval of the accuracy."
    )
    return themed(unsqueezed(alt.layer(perfect, bars, points).properties(width=260, height=260)), description, dark)


def reliability_table(bins: Reliability) -> pd.DataFrame:
    """The bins that are not empty, as a table."""
    full = np.asarray(bins.items) > 0
    share = np.asarray(bins.right)[full] / np.asarray(bins.items)[full]
    columns = {"confidence": bins.confidence[full], "accuracy": share, "low": bins.low[full], "high": bins.high[full]}
    return pd.DataFrame(columns | {"names": np.asarray(bins.items)[full]})
