"""A loss that falls while a network learns."""

import math
from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from explorer.errors import AnalysisError
from explorer.figures.lines import rule_at
from explorer.figures.theme import LAYERS, ink, themed, unsqueezed

WITH, WITHOUT = "with the recurrent arrow", "without it"
FLOOR = 2 * math.log(2)  # two equal questions with two answers cost this at least: half and half


def losses(course: Sequence[float], stretches: Sequence[int], dark: bool = False) -> alt.TopLevelMixin:
    """The summed loss of the example "hello" before each step of learning and after the last.

    Args:
        course: Losses, [time].
        stretches: Steps of learning, by turns with the recurrent arrow and without; without it a line marks 2 ln 2, which
            no network gets below that cannot tell the two l's apart.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is no loss.
    """
    if not len(course):
        raise AnalysisError("There is no loss; expected at least one.")
    ends = np.cumsum(stretches)
    without = [int(np.searchsorted(ends, n, side="right")) % 2 == 1 for n in range(len(course))]
    without[-1] = len(stretches) % 2 == 0
    frame = pd.DataFrame({"steps": range(len(course)), "loss": course, "network": [WITHOUT if w else WITH for w in without]})
    x = alt.X("steps:Q", title="steps of learning", axis=alt.Axis(tickMinStep=1, grid=False), scale=alt.Scale(nice=False))
    y = alt.Y("loss:Q", title="loss, nats", scale=alt.Scale(zero=True))
    colour = alt.Color(
        "network:N", scale=alt.Scale(domain=[WITH, WITHOUT], range=list(LAYERS[dark][:2])), legend=alt.Legend(title=None, orient="top")
    )
    base = alt.Chart(frame).encode(x=x, y=y)
    line = base.mark_line(color=ink(dark, faint=True), strokeWidth=1.5)
    shape = alt.Shape("network:N", scale=alt.Scale(domain=[WITH, WITHOUT], range=["circle", "square"]))
    tooltip = ["steps", alt.Tooltip("loss", format=".3f"), "network"]
    layers = [line, base.mark_point(filled=True, size=36, opacity=1).encode(color=colour, shape=shape, tooltip=tooltip)]
    told = f"Summed loss over {len(course) - 1} steps of learning: {course[0]:.2f} at first, {course[-1]:.2f} now."
    if any(without):
        layers.insert(0, rule_at(FLOOR, dark))
        told += f" Without the recurrent arrow it cannot fall below 2 ln 2 = {FLOOR:.2f}."
    return themed(unsqueezed(alt.layer(*layers).properties(width=620, height=170)), told, dark)
