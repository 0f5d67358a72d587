"""Attention of a translation network: as a matrix, as lines between two sentences, and as bars for one target word."""

import json
from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd

from explorer.axes import Float
from explorer.errors import AnalysisError
from explorer.figures.characters import sign
from explorer.figures.theme import ink, themed, unsqueezed
from explorer.records import Alignment

COLOURS = {False: ("#ffffff", "#08519c"), True: ("#1e1e24", "#6baed6")}
DIFFERENCE = {False: ("#2166ac", "#f7f7f7", "#b35806"), True: ("#2166ac", "#1e1e24", "#b35806")}
MANY = 12  # words; above it cells are small and column labels are slanted
FAINT = 0.04  # weights below this draw no line
CAPTION = "Each row: the weights when its word was chosen"  # alpha_i is computed before word i, from the state before it


def matrix(
    alignment: Alignment,
    chosen: int | None = None,
    numbers: bool = False,
    is_linear: bool = False,
    dark: bool = False,
    is_small: bool = False,
) -> alt.TopLevelMixin:
    """Target words in rows, source words in columns; each cell is the weight when the word of its row was chosen.

    The colour scale is always 0..1 and never adapted to a row, so that two matrices can be compared; it follows the
    square root of the weight unless `is_linear`. A click selects a cell: selection "cell" with the fields row and column.

    Args:
        alignment: What to show, the end mark's column with it.
        chosen: Row that is framed.
        numbers: Whether each cell above 0.005 prints its weight.
        is_linear: Colour in proportion to the weight.
        dark: Colours for a dark ground.
        is_small: Small cells, for several side by side.

    Raises:
        AnalysisError: the translation is empty.
    """
    frame = _frame(alignment)
    scale = alt.Scale(type="linear" if is_linear else "sqrt", domain=[0, 1], range=list(COLOURS[dark]), interpolate="rgb")
    legend = alt.Legend(
        title="weight, 0 to 1", values=[0, 0.25, 1], gradientLength=120, format=".2~f", orient="bottom" if is_small else "right"
    )
    click = alt.selection_point(name="cell", fields=["row", "column"], on="click", empty=False, clear=False)
    base = alt.Chart(frame).encode(x=_across(alignment, is_small), y=_down(alignment))
    tooltip = [*_words(), alt.Tooltip("weight", format=".2f")]
    cells = base.mark_rect(stroke=ink(dark, faint=True), strokeWidth=0.5).encode(
        color=alt.Color("weight:Q", scale=scale, legend=legend), tooltip=tooltip
    )
    layers: list[alt.Chart] = [cells.add_params(click), *_frames(base, chosen, dark)]
    if numbers:
        layers.append(_numbers(base.transform_filter("datum.weight >= 0.005"), "datum.weight > 0.4", dark))
    return themed(
        _sized(alt.layer(*layers), alignment, is_small),
        f"Attention matrix, target words in rows, source words in columns. {in_words(alignment)}",
        dark,
    )


def difference(one: Alignment, other: Alignment, dark: bool = False, is_small: bool = False) -> alt.TopLevelMixin:
    """Difference of two alignments of the same words, -1..1, 0 neutral.

    Args:
        one, other: Over the same source and target words.
        dark: Colours for a dark ground.
        is_small: Small cells, for several side by side.

    Raises:
        AnalysisError: their words differ.
    """
    if (one.source, one.target) != (other.source, other.target):
        raise AnalysisError("The two alignments are of different words; expected the same source and target to take a difference.")
    frame = _frame(one).assign(weight=(one.weights - other.weights).ravel())
    scale = alt.Scale(domain=[-1, 0, 1], range=list(DIFFERENCE[dark]), interpolate="rgb")
    tooltip = [*_words(), alt.Tooltip("weight", format="+.2f", title="difference")]
    legend = alt.Legend(title="difference, −1 to 1", values=[-1, 0, 1], gradientLength=120, orient="bottom" if is_small else "right")
    colour = alt.Color("weight:Q", scale=scale, legend=legend)
    cells = alt.Chart(frame).mark_rect().encode(x=_across(one, is_small), y=_down(one), color=colour, tooltip=tooltip)
    row, column = np.unravel_index(np.abs(one.weights - other.weights).argmax(), one.weights.shape)
    by = one.weights[row, column] - other.weights[row, column]
    most = f"Largest difference: target word {one.target[row]!r}, source word {one.source[column]!r}, {by:+.2f}."
    return themed(_sized(cells, one, is_small), f"Difference of two attention matrices. {most}", dark)


def lines(alignment: Alignment, chosen: int | None = None, dark: bool = False) -> alt.TopLevelMixin:
    """Both sentences as columns of words, source on the left, joined by lines; a thicker line is a larger weight.

    A click on a target word selects its row: selection "word" with the field row.

    Args:
        alignment: What to show.
        chosen: Row whose lines stand out; all of them where None.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: the translation is empty.
    """
    frame = _frame(alignment)
    frame = frame[frame["weight"] >= FAINT].assign(left=0.0, right=1.0)
    frame["from"] = _heights(len(alignment.source), alignment)[frame["column"]]
    frame["to"] = _heights(len(alignment.target), alignment)[frame["row"]]
    frame["strength"] = frame["weight"] * np.where((chosen is None) | (frame["row"] == chosen), 1, 0.15)
    y = alt.Y("from:Q", axis=None, scale=alt.Scale(reverse=True, nice=False, domain=[-0.6, _tallest(alignment) - 0.4]))
    x = alt.X("left:Q", axis=None, scale=alt.Scale(nice=False, domain=[-1, 2]))
    drawn = alt.Chart(frame).mark_rule(color=COLOURS[dark][1], strokeCap="round")
    drawn = drawn.encode(
        x=x, x2=alt.X2("right:Q"), y=y, y2=alt.Y2("to:Q"),
        opacity=alt.Opacity("strength:Q", scale=alt.Scale(domain=[0, 1], range=[0.15, 1]), legend=None),
        strokeWidth=alt.StrokeWidth("weight:Q", scale=alt.Scale(domain=[0, 1], range=[0.5, 9]), legend=None),
        tooltip=[*_words(), alt.Tooltip("weight", format=".2f")],
    )  # fmt: skip
    click = alt.selection_point(name="word", fields=["row"], on="click", empty=False, clear=False)
    words = [
        _column_of(alignment, alignment.source, 0.0, "right", dark),
        _column_of(alignment, alignment.target, 1.0, "left", dark, chosen),
    ]
    chart = alt.layer(drawn, words[0], words[1].add_params(click)).properties(width=340, height=28 * _tallest(alignment))
    return themed(unsqueezed(chart), f"Lines from source words to target words, thicker for larger weights. {in_words(alignment)}", dark)


def row(alignment: Alignment, chosen: int, dark: bool = False, scores: Float[np.ndarray, "in"] | None = None) -> alt.TopLevelMixin:
    """The weights of one target word as bars, one per source word; for a long source only the largest.

    Args:
        alignment: What to show.
        chosen: Row of the word.
        dark: Colours for a dark ground.
        scores: Its scores before the softmax, [in], drawn beside the weights; None draws the weights alone.

    Raises:
        AnalysisError: there is no such row, or not one score for each source word.
    """
    if not 0 <= chosen < len(alignment.target):
        raise AnalysisError(f"There is no target word {chosen}; expected 0 to {len(alignment.target) - 1}.")
    if scores is not None and len(scores) != len(alignment.source):
        raise AnalysisError(f"There are {len(scores)} scores for {len(alignment.source)} source words; expected one for each.")
    frame = _frame(alignment)
    largest = np.argsort(-alignment.weights[chosen])[: MANY if len(alignment.source) > 2 * MANY else None].tolist()
    frame = frame[(frame["row"] == chosen) & frame["column"].isin(largest)]
    x = alt.X("weight:Q", title=f"weight when choosing “{_shown(alignment.target[chosen])}”", scale=alt.Scale(domain=[0, 1]))
    y = alt.Y("column:O", title=None, axis=alt.Axis(labelExpr=_names(alignment.source), labelLimit=96))
    bars = alt.Chart(frame).mark_bar(color=COLOURS[dark][1])
    bars = bars.encode(x=x, y=y, tooltip=[_words()[1], alt.Tooltip("weight", format=".2f")]).properties(width=230, height=20 * len(frame))
    most = alignment.source[int(alignment.weights[chosen].argmax())]
    description = f"Attention when choosing {alignment.target[chosen]!r}: most on {most!r}, {alignment.weights[chosen].max():.2f}."
    if scores is None:
        return themed(unsqueezed(bars), description, dark)
    both = alt.hconcat(_scores(frame.assign(score=np.asarray(scores, float)[frame["column"]]), y, dark), bars.encode(y=y.axis(None)))
    highest = alignment.source[int(np.argmax(scores))]
    return themed(unsqueezed(both), f"{description} Scores before the softmax: highest {highest!r}, {np.max(scores):.2f}.", dark)


def _scores(frame: pd.DataFrame, y: alt.Y, dark: bool) -> alt.Chart:
    """Scores before the softmax as grey bars; only their differences matter."""
    x = alt.X("score:Q", title="score before the softmax")
    bars = alt.Chart(frame).mark_bar(color=ink(dark), opacity=0.6)
    tooltip = [_words()[1], alt.Tooltip("score", format=".2f")]
    return bars.encode(x=x, y=y, tooltip=tooltip).properties(width=170, height=20 * len(frame))


def in_words(alignment: Alignment, most: int = 30) -> str:
    """The source word with the largest weight for each target word: the text alternative of the matrix."""
    best = alignment.weights.argmax(1)[:most]
    parts = [f"{alignment.target[i]} on {alignment.source[j]} {alignment.weights[i, j]:.2f}" for i, j in enumerate(best)]
    more = f"; and {len(alignment.target) - most} more" if len(alignment.target) > most else ""
    return f"Largest weight of each target word: {'; '.join(parts)}{more}."


def _words() -> list[alt.Tooltip]:
    return [alt.Tooltip("target", title="target word"), alt.Tooltip("source", title="source word")]


def _shown(word: str) -> str:
    return "".join(sign(character) for character in word) or sign("")


def _frame(alignment: Alignment) -> pd.DataFrame:
    out, columns = alignment.weights.shape
    if not out:
        raise AnalysisError("The translation is empty, so there is no attention to show.")
    return pd.DataFrame(
        {
            "row": np.repeat(np.arange(out), columns),
            "column": np.tile(np.arange(columns), out),
            "target": np.repeat([_shown(word) for word in alignment.target], columns),
            "source": np.tile([_shown(word) for word in alignment.source], out),
            "weight": alignment.weights.ravel(),
        }
    )


def _names(words: Sequence[str]) -> str:
    """A Vega expression that gives the word at an index: axes use indices, because words repeat."""
    return f"{json.dumps([_shown(word) for word in words], ensure_ascii=False)}[datum.value]"


def _across(alignment: Alignment, is_small: bool = False) -> alt.X:
    angle = -45 if is_small or len(alignment.source) > MANY else 0
    axis = alt.Axis(orient="top", labelExpr=_names(alignment.source), labelAngle=angle, labelOverlap=False, labelLimit=140)
    return alt.X("column:O", title=None, axis=axis)


def _down(alignment: Alignment) -> alt.Y:
    return alt.Y("row:O", title=None, axis=alt.Axis(labelExpr=_names(alignment.target), labelOverlap=False, labelLimit=140))


def _sized(chart: Any, alignment: Alignment, is_small: bool = False) -> alt.TopLevelMixin:
    is_many = len(alignment.source) > MANY
    cell = 22 if is_small or is_many or len(alignment.target) > MANY else 32
    wide = cell if is_small or is_many else 44  # room for horizontal labels above few columns
    return unsqueezed(chart.properties(width=wide * len(alignment.source), height=cell * len(alignment.target)))


def _frames(base: alt.Chart, chosen: int | None, dark: bool) -> list[alt.Chart]:
    if chosen is None:
        return []
    return [base.transform_filter(f"datum.row == {int(chosen)}").mark_rect(fill=None, stroke=ink(dark), strokeWidth=1.5)]


def _numbers(base: alt.Chart, is_strong: str, dark: bool) -> alt.Chart:
    light, strong = ("#e6e6ea", "#101014") if dark else ("#31333f", "#ffffff")
    return base.mark_text(fontSize=10).encode(
        text=alt.Text("weight:Q", format=".2f"), color=alt.condition(is_strong, alt.value(strong), alt.value(light))
    )


def _tallest(alignment: Alignment) -> int:
    return max(alignment.weights.shape)


def _heights(count: int, alignment: Alignment) -> np.ndarray:
    """Heights of the words of a column, the shorter sentence centred."""
    return np.arange(count) + (_tallest(alignment) - count) / 2


def _column_of(
    alignment: Alignment, words: Sequence[str], at: float, align: Literal["left", "right"], dark: bool, chosen: int | None = None
) -> alt.Chart:
    frame = pd.DataFrame({"word": [_shown(word) for word in words], "row": np.arange(len(words)), "left": at})
    frame["from"] = _heights(len(words), alignment)
    is_chosen = "true" if chosen is None else f"datum.row == {int(chosen)}"
    texts = alt.Chart(frame).mark_text(align=align, dx=-8 if align == "right" else 8, fontSize=13, limit=104, color=ink(dark))
    return texts.encode(
        x=alt.X("left:Q"), y=alt.Y("from:Q"), text=alt.Text("word:N"), opacity=alt.condition(is_chosen, alt.value(1), alt.value(0.6))
    )
