"""Training curves: loss and accuracy with chance level, how far back the gradient reaches, and the loss of "hello"."""

import math
from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from explorer.analysis.training_curve import Course
from explorer.errors import AnalysisError
from explorer.figures.theme import LAYERS, colours, dashes, end_labels, haloed, ink, line_styles, rule_at, themed, unsqueezed

DECADES = 12  # of the map's scale, the same as that of the lines above it on the page
LINES, MAP = 150, 372  # pixels: two figures of lines stand beside one map
NAMES = {"accuracy": "accuracy", "loss": "loss"}


def progress(courses: Sequence[Course], what: str, chance: float, updates: int, measure: str = "", dark: bool = False) -> alt.TopLevelMixin:
    """Loss or accuracy of every training on one axis, with chance level as a line.

    Args:
        courses: At least one, with at least one look.
        what: "accuracy" or "loss".
        chance: Chance level.
        updates: End of the axis.
        measure: Unit of the loss.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is nothing to draw.
    """
    frame = table(courses)
    if frame.empty:
        raise AnalysisError("There is nothing to draw; expected a training with at least one evaluation.")
    frame = frame.rename(columns={"training": "series", "update": "position", what: "value"})
    top = 1.0 if what == "accuracy" else 1.05 * float(frame["value"].to_numpy().max(initial=chance))
    styles = line_styles((course.name for course in courses), dark)
    title = f"{NAMES[what]}, {measure}" if measure else NAMES[what]
    x = alt.X("position:Q", title="training steps", axis=alt.Axis(grid=False), scale=alt.Scale(domain=[0, updates], nice=False))
    shown = alt.Axis(format="%", tickCount=5) if what == "accuracy" else alt.Axis(tickCount=5)
    y = alt.Y("value:Q", title=title, axis=shown, scale=alt.Scale(domain=[0, top], nice=False))
    tooltip = [
        alt.Tooltip("series", title="network"),
        alt.Tooltip("position", title="training steps"),
        alt.Tooltip("value", title=NAMES[what], format=".3g"),
    ]
    base = alt.Chart(frame).encode(x=x, y=y, color=colours(styles))
    lines = base.mark_line(clip=True, strokeWidth=2).encode(strokeDash=dashes(styles))
    points = base.mark_point(clip=True, filled=True, size=26, opacity=1).encode(tooltip=tooltip)
    names = end_labels(frame, styles, (0.0, top), LINES, dark, x)
    chart = alt.layer(*_chance(chance, what, y, dark), lines, points, *names).properties(width=420, height=LINES)
    chart.autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    return themed(chart, in_words(courses, what, chance), dark)


def _chance(chance: float, what: str, y: alt.Y, dark: bool) -> list[alt.Chart]:
    label = f"chance {chance:.1%}" if what == "accuracy" else f"chance {chance:.3g}"
    base = alt.Chart(pd.DataFrame({"value": [chance], "words": [label]})).encode(y=y)
    rule = base.mark_rule(color=ink(dark), opacity=0.7, strokeDash=[4, 3])
    # Every line starts at chance, so the words stand at the other end.
    words = base.mark_text(align="right", baseline="top", dx=-4, dy=6, fontSize=11, color=ink(dark))
    return [rule, *haloed(words.encode(x=alt.XValue("width"), text=alt.Text("words:N")), dark)]


def in_words(courses: Sequence[Course], what: str, chance: float) -> str:
    """The text alternative: the start and the present value of each line."""
    form = ".0%" if what == "accuracy" else ".3g"
    parts = [
        f"{course.name} from {getattr(course.looks[0], what):{form}} to {getattr(course.looks[-1], what):{form}} "
        f"after {course.looks[-1].update} training steps"
        for course in courses
        if course.looks
    ]
    return f"{NAMES[what].capitalize()} during training; chance is {chance:{form}}. {'; '.join(parts)}."


def table(courses: Sequence[Course]) -> pd.DataFrame:
    """Every number of the lines, a row for each training and look."""
    rows = [
        {"training": course.name, "update": look.update, "loss": look.loss, "accuracy": look.accuracy}
        for course in courses
        for look in course.looks
    ]
    return pd.DataFrame(rows, columns=["training", "update", "loss", "accuracy"])


def gradient_map(course: Course, reach: int, updates: int, dark: bool = False) -> alt.TopLevelMixin:
    """Norm of the gradient of the last answer's loss at every step of the sequence, one column per evaluation.

    Args:
        course: With at least one look.
        reach: Least distance from the answer at which the relevant inputs lie.
        updates: End of the axis.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is nothing to draw.
    """
    frame = map_table(course)
    if not course.looks:
        raise AnalysisError("There is nothing to draw; expected a training with at least one evaluation.")
    lags, between = len(course.looks[0].gradient_log10), _between(course, updates)
    # Each cell reaches a little under the next: side by side, the ground would shine through between them.
    frame = frame.assign(left=frame["update"] - between / 2, right=frame["update"] + 0.6 * between)
    frame = frame.assign(low=frame["lag"] - 0.5, high=frame["lag"] + 0.6).dropna(subset=["log10"])
    frame["log10"] = frame["log10"].clip(lower=-400.0)
    scale = alt.Scale(domain=[-between / 2, updates + between / 2], nice=False)
    x = alt.X("left:Q", title="training steps", axis=alt.Axis(grid=False, tickCount=5), scale=scale)
    y = alt.Y("low:Q", title="steps before the answer", axis=alt.Axis(grid=False), scale=alt.Scale(domain=[-0.5, lags - 0.5], nice=False))
    legend = alt.Legend(
        title="gradient, relative to the last step", orient="top", gradientLength=200, gradientThickness=10, titleLimit=300,
        values=list(range(-DECADES, 1, 3)), labelExpr="datum.value == 0 ? '1' : '1e' + datum.value",
    )  # fmt: skip
    colour = alt.Color("log10:Q", scale=alt.Scale(scheme="cividis", domain=[-DECADES, 0], clamp=True), legend=legend)
    tooltip = [
        alt.Tooltip("update", title="training steps"),
        alt.Tooltip("lag", title="steps before the answer"),
        alt.Tooltip("log10", format=".2f"),
    ]
    cells = alt.Chart(frame).mark_rect(clip=True).encode(x=x, x2=alt.X2("right:Q"), y=y, y2=alt.Y2("high:Q"), color=colour, tooltip=tooltip)
    mark = alt.Chart(pd.DataFrame({"low": [float(reach)], "words": ["the gradient must reach this far"]})).encode(y=y)
    under = mark.mark_rule(color="#00224e", strokeWidth=3)  # white alone is invisible on yellow, and where nothing is drawn yet
    rule = mark.mark_rule(color="#ffffff", strokeWidth=1.5, strokeDash=[4, 3])
    side = {"align": "right", "baseline": "bottom", "dx": -5, "dy": -3, "fontSize": 12, "strokeJoin": "round"}
    halo = mark.mark_text(stroke="#00224e", strokeWidth=3, **side).encode(x=alt.XValue("width"), text=alt.Text("words:N"))
    words = mark.mark_text(color="#ffffff", **side).encode(x=alt.XValue("width"), text=alt.Text("words:N"))
    chart = alt.layer(cells, under, rule, halo, words).properties(width=420, height=MAP)
    chart.autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    return themed(chart, map_in_words(course, reach), dark)


def _between(course: Course, updates: int) -> float:
    """Changes from one look to the next: the width of a column."""
    return float(np.diff([look.update for look in course.looks]).min()) if len(course.looks) > 1 else updates / 40


def map_in_words(course: Course, reach: int) -> str:
    """The text alternative of the map: how much of the gradient reaches the relevant inputs, at first and now."""
    first, last = (look.gradient_log10[reach] for look in (course.looks[0], course.looks[-1]))
    amounts = [f"{10**value:.1e}" if np.isfinite(value) else "nothing" for value in (first, last)]
    return (
        f"Gradient of {course.name} at each step of the sequence, by training steps. {reach} steps before the answer, "
        f"{amounts[0]} of it arrived at first and {amounts[1]} after {course.looks[-1].update} training steps."
    )


def map_table(course: Course) -> pd.DataFrame:
    """Every number of the map, a row for each look and step."""
    rows = [
        {"update": look.update, "lag": lag, "log10": float(value)} for look in course.looks for lag, value in enumerate(look.gradient_log10)
    ]
    return pd.DataFrame(rows, columns=["update", "lag", "log10"])


WITH, WITHOUT = "with the recurrent arrow", "without it"
FLOOR = 2 * math.log(2)  # two equal questions with two answers cost this at least: half and half


def losses(course: Sequence[float], stretches: Sequence[int], dark: bool = False) -> alt.TopLevelMixin:
    """The summed loss of the example "hello" before each training step and after the last.

    Args:
        course: Losses, [time].
        stretches: Training steps, alternately with and without the recurrent arrow; a line marks 2 ln 2, the lowest loss without it,
            since the network cannot tell the two l's apart.
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
    x = alt.X("steps:Q", title="training steps", axis=alt.Axis(tickMinStep=1, grid=False), scale=alt.Scale(nice=False))
    y = alt.Y("loss:Q", title="loss, nats", scale=alt.Scale(zero=True))
    colour = alt.Color(
        "network:N", scale=alt.Scale(domain=[WITH, WITHOUT], range=list(LAYERS[dark][:2])), legend=alt.Legend(title=None, orient="top")
    )
    base = alt.Chart(frame).encode(x=x, y=y)
    line = base.mark_line(color=ink(dark, faint=True), strokeWidth=1.5)
    shape = alt.Shape("network:N", scale=alt.Scale(domain=[WITH, WITHOUT], range=["circle", "square"]))
    tooltip = [alt.Tooltip("steps", title="training steps"), alt.Tooltip("loss", format=".3f"), "network"]
    layers = [line, base.mark_point(filled=True, size=36, opacity=1).encode(color=colour, shape=shape, tooltip=tooltip)]
    description = f"Summed loss over {len(course) - 1} training steps: {course[0]:.2f} at first, {course[-1]:.2f} now."
    if any(without):
        layers.insert(0, rule_at(FLOOR, dark))
        description += f" Without the recurrent arrow it cannot fall below 2 ln 2 = {FLOOR:.2f}."
    return themed(unsqueezed(alt.layer(*layers).properties(width=620, height=170)), description, dark)
