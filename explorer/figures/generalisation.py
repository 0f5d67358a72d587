"""Accuracy by length or distance, within and beyond the trained range, with chance level and upper limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd

from explorer.errors import AnalysisError
from explorer.figures.theme import LAYERS, colours, dashes, end_labels, haloed, ink, themed

HEIGHT = 280
DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2])


@dataclass(frozen=True, eq=False)
class Study:
    """What was measured.

    Args:
        lines: Name of a network -> its share of right answers, [place]; the first place is 1.
        chance: Share of a guesser.
        ceiling: What can be reached without going beyond the border, [place], and its name.
        border: The last place that training reaches, and what to say of it.
        across: What the places are.
    """

    lines: Mapping[str, Sequence[float]]
    chance: float
    ceiling: tuple[Sequence[float], str]
    border: tuple[int, str]
    across: str

    def __post_init__(self) -> None:
        many = len(self.ceiling[0])
        for name, line in self.lines.items():
            if len(line) != many:
                raise AnalysisError(f"The line {name!r} has {len(line)} places; expected {many}, as the ceiling has.")


def beyond(study: Study, dark: bool = False) -> alt.TopLevelMixin:
    """A line for each network; beyond the border nothing was trained.

    Args:
        study: What was measured.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is no line.
    """
    if not study.lines:
        raise AnalysisError("There is nothing to draw; expected at least one network.")
    frame = table(study).melt(study.across, var_name="series", value_name="value").rename(columns={study.across: "position"})
    names = [*study.lines, study.ceiling[1]]
    styles = {name: (LAYERS[dark][n % 4], DASHES[n % 4]) for n, name in enumerate(study.lines)} | {names[-1]: (ink(dark), [1, 3])}
    many, quiet = len(study.ceiling[0]), {"fontSize": 11, "color": ink(dark)}
    x = alt.X("position:Q", title=study.across, axis=alt.Axis(grid=False, tickMinStep=1), scale=alt.Scale(domain=[1, many], nice=False))
    axis, scale = alt.Axis(format="%", tickCount=5), alt.Scale(domain=[0, 1.02], nice=False)
    y = alt.Y("value:Q", title="accuracy", axis=axis, scale=scale)
    tooltip = [alt.Tooltip("series", title="network"), alt.Tooltip("position", title=study.across)]
    tooltip.append(alt.Tooltip("value", title="accuracy", format=".3f"))
    base = alt.Chart(frame).encode(x=x, y=y, color=colours(styles))
    lines = base.mark_line(strokeWidth=2, clip=True).encode(strokeDash=dashes(styles))
    points = base.transform_filter(alt.datum.series != names[-1]).mark_point(filled=True, size=22, opacity=1).encode(tooltip=tooltip)
    level = alt.Chart(pd.DataFrame({"value": [study.chance], "words": [f"chance {study.chance:.1%}"]})).encode(y=y)
    border = alt.Chart(pd.DataFrame({"position": [study.border[0] + 0.5], "words": [study.border[1]]})).encode(x=x)
    words = alt.Text("words:N")
    drawn = [
        level.mark_rule(color=ink(dark), opacity=0.7, strokeDash=[4, 3]),
        *haloed(level.mark_text(align="left", baseline="top", dx=4, dy=4, **quiet).encode(x=alt.XValue(0), text=words), dark),
        border.mark_rule(color=ink(dark), opacity=0.5),
        *haloed(border.mark_text(align="left", baseline="bottom", dx=4, dy=-4, **quiet).encode(y=alt.YValue(0), text=words), dark),
        lines,
        points,
        *end_labels(frame, styles, (0.0, 1.02), HEIGHT, dark, x),
    ]
    chart = alt.layer(*drawn).properties(width=760, height=HEIGHT)
    chart.autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    return themed(chart, in_words(study), dark)


def in_words(study: Study) -> str:
    """The text alternative: the accuracy of each line at the border and at the end."""
    border, end = study.border[0], len(study.ceiling[0])
    parts = [f"{name} {line[border - 1]:.0%} at {border} and {line[-1]:.0%} at {end}" for name, line in study.lines.items()]
    return (
        f"Accuracy by {study.across}; chance is {study.chance:.1%}. {'; '.join(parts)}; "
        f"{study.ceiling[1]} {study.ceiling[0][-1]:.0%} at {end}."
    )


def table(study: Study) -> pd.DataFrame:
    """Every number of the figure, a row for each place."""
    columns = {**study.lines, study.ceiling[1]: study.ceiling[0]}
    return pd.DataFrame({study.across: range(1, len(study.ceiling[0]) + 1)} | columns)
