"""A recurrent network over a time series: the numbers it read, one unit's values, and a map of all units."""

import base64
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from explorer.figures.scales import LEVELS
from explorer.figures.states import StateFigure
from explorer.figures.states_svg import png
from explorer.figures.theme import break_rules, ink, kind_style, rule_at, themed

WIDTH, HEIGHT, MAP = 620, 110, 240  # pixels


def over_time(figure: StateFigure, dark: bool = False) -> alt.TopLevelMixin:
    """The series, the chosen unit's line and the map of all units, one above the other on one axis of steps.

    Args:
        figure: Values and order of the units; its inputs are the numbers that were read, one line each. Tokens that only
            count the steps draw none.
        dark: Colours for a dark ground.
    """
    steps = np.arange(figure.start, figure.start + len(figure.tokens))
    own = _line(steps, figure.of(figure.unit), f"{figure.quantity} of unit {figure.unit}", ends(figure), dark)
    if figure.breaks:
        rules = break_rules([figure.start + at - 0.5 for at in figure.breaks], "step", dark)
        own = alt.layer(own, rules).properties(width=WIDTH, height=HEIGHT, title=own.title)
    panels = [own, _map(figure, dark)]
    if figure.inputs is not None:
        titles = figure.inputs.names if len(figure.inputs.names) > 1 else ("what the network read",) * len(figure.inputs.names)
        read = zip(titles, figure.inputs.values.T, strict=True)
        panels = [*(_line(steps, values, title, None, dark) for title, values in read), *panels]
    chart = alt.vconcat(*panels).resolve_scale(color="independent")
    return themed(chart.properties(title=_title(figure.title)), figure.alt(), dark)


def ends(figure: StateFigure) -> tuple[float, float]:
    """Lowest and highest value of the scale."""
    return float(figure.scale.low), float(figure.scale.high)


def _line(steps: np.ndarray, values: np.ndarray, title: str, domain: tuple[float, float] | None, dark: bool) -> Any:
    """One quantity over the steps, [time]; where its scale is fixed, with a rule at 0."""
    frame = pd.DataFrame({"step": steps, "value": values.astype(float)})
    scale = alt.Scale(zero=False) if domain is None else alt.Scale(domain=list(domain), nice=False)
    tooltip = ["step", alt.Tooltip("value", format=".3g")]
    line = alt.Chart(frame).mark_line(strokeWidth=1.6, color=ink(dark) if domain is None else kind_style("lstm", dark)[0])
    line = line.encode(x=_steps(steps, None), y=alt.Y("value:Q", title=None, scale=scale), tooltip=tooltip)
    layers = [line] if domain is None else [rule_at(0.0, dark), line]
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, title=_title(title))


def _title(text: str) -> alt.TitleParams:
    """A title that begins where the plot begins."""
    return alt.TitleParams(text, frame="group")


def _steps(steps: np.ndarray, title: str | None) -> alt.X:
    """The axis of steps; a column of the map covers half a step to each side."""
    scale = alt.Scale(domain=[float(steps[0]) - 0.5, float(steps[-1]) + 0.5], nice=False, zero=False)
    return alt.X("step:Q", title=title, axis=alt.Axis(tickMinStep=1, grid=False), scale=scale)


def _map(figure: StateFigure, dark: bool) -> Any:
    """All units as rows of colours, as one image: thousands of cells would be slow."""
    count = figure.values.shape[1]
    levels = np.rint(figure.scale.place(figure.values).clip(0, 1) * (LEVELS - 1)).astype(np.uint8)
    pixels = figure.scale.colours(dark)[levels].transpose(1, 0, 2)[figure.order]
    # Every row and column repeated, so that no viewer blurs one into the next.
    rows, columns = max(1, 2 * MAP // count), max(1, 2 * WIDTH // len(figure.tokens))
    image = png(np.ascontiguousarray(pixels.repeat(rows, 0).repeat(columns, 1)))
    frame = pd.DataFrame({"image": ["data:image/png;base64," + base64.b64encode(image).decode()]})
    drawn = alt.Chart(frame).mark_image(width=WIDTH, height=MAP, aspect=False, align="left", baseline="top")
    drawn = drawn.encode(url="image:N", x=alt.XValue(0), y=alt.YValue(0))
    row = int(np.flatnonzero(figure.order == figure.unit)[0])
    steps = np.arange(figure.start, figure.start + len(figure.tokens))
    span = pd.DataFrame({"step": [float(steps[0]) - 0.5], "end": [float(steps[-1]) + 0.5]})
    frame_of_unit = alt.Chart(span).mark_rect(fill=None, stroke=ink(dark), strokeWidth=1.5)
    frame_of_unit = frame_of_unit.encode(
        x=_steps(steps, "step"), x2=alt.X2("end:Q"), y=alt.YValue(row * MAP / count), y2=alt.Y2Value((row + 1) * MAP / count)
    )
    title = f"all {count} units, {figure.quantity}, {figure.order_name}"
    return alt.layer(drawn, frame_of_unit, _legend(figure, dark)).properties(width=WIDTH, height=MAP, title=_title(title))


def _legend(figure: StateFigure, dark: bool) -> alt.Chart:
    """The colours of the map, on points that are not seen; its three values stand where every kind of scale has them."""
    low, high = ends(figure)
    values = [low, (low + high) / 2, high]
    scale = alt.Scale(domain=values, range=list(figure.scale.stops(dark=dark)), interpolate="rgb")
    colour = alt.Color("value:Q", scale=scale, legend=alt.Legend(title=None, values=values, format="~g", gradientLength=120))
    points = alt.Chart(pd.DataFrame({"value": values})).mark_point(opacity=0, tooltip=None)
    return points.encode(x=alt.XValue(0), y=alt.YValue(0), color=colour)
