"""Figure of units that were silenced one by one: the extra cost where a concept is needed, beside what the gradient promised."""

import altair as alt
import numpy as np
import pandas as pd

from explorer.analysis.unit_effects import TestedUnits
from explorer.figures.theme import colours, dashes, haloed, ink, kind_style, themed

NAMED = 3  # units with the largest effects whose numbers are written beside them
HEIGHT = 280


def effects(tested: TestedUnits, dark: bool = False) -> alt.TopLevelMixin:
    """A point for each unit: the extra cost that the gradient promised, and the one that was measured; chance as a rule.

    Args:
        tested: The units.
        dark: Colours for a dark ground.
    """
    frame = table(tested)
    groups = list(dict.fromkeys(frame["group"]))
    styles = {name: kind_style(kind, dark)[0] for name, kind in zip(groups, ("lstm", "gru", "rnn"), strict=False)}
    x = alt.X("estimate:Q", title="estimate by the gradient, nats per prediction", axis=alt.Axis(format="~g"))
    y = alt.Y("there:Q", title="measured at the places, nats per prediction", axis=alt.Axis(format="~g"))
    tint = alt.Color(
        "group:N", scale=alt.Scale(domain=groups, range=[styles[name] for name in groups]), legend=alt.Legend(title=None, orient="top")
    )
    shape = alt.Shape("group:N", scale=alt.Scale(domain=groups, range=["circle", "triangle-up", "diamond"][: len(groups)]), legend=None)
    tooltip = ["unit", "group", *(alt.Tooltip(name, format=".3f") for name in ("there", "elsewhere", "estimate"))]
    points = alt.Chart(frame).mark_point(filled=True, size=55, opacity=0.8).encode(x=x, y=y, color=tint, shape=shape, tooltip=tooltip)
    at = pd.DataFrame({"there": [tested.effect.chance], "estimate": [float(tested.estimates.min())], "label": ["chance"]})
    rule = alt.Chart(at).mark_rule(color=ink(dark), strokeDash=[4, 3]).encode(y="there:Q")
    words = alt.Chart(at).mark_text(align="left", baseline="bottom", dy=-3, fontSize=11, color=ink(dark))
    named = haloed(words.encode(x="estimate:Q", y="there:Q", text="label:N"), dark)
    top = frame.nlargest(NAMED, "there")
    numbers = alt.Chart(top).mark_text(align="right", dx=-8, fontSize=11, color=ink(dark))
    numbered = haloed(numbers.encode(x="estimate:Q", y="there:Q", text="unit:N"), dark)
    chart = alt.layer(rule, points, *named, *numbered).properties(width=520, height=HEIGHT)
    chart.autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    return themed(chart, in_words(tested), dark)


def together(tested: TestedUnits, dark: bool = False) -> alt.TopLevelMixin:
    """The extra cost with several units silenced at once, by their number: the best, and controls as a band with its mean.

    Args:
        tested: The units.
        dark: Colours for a dark ground.
    """
    frame = table_together(tested)
    names = {"best": "the best together", "controls, mean": "others that vary as much"}
    long = frame.melt("units", list(names), "series", "cost").replace({"series": names})
    styles = {words: kind_style(kind, dark) for words, kind in zip(names.values(), ("lstm", "rnn"), strict=True)}
    x = alt.X(
        "units:Q", title="units silenced together", scale=alt.Scale(type="log", base=2), axis=alt.Axis(values=frame["units"].tolist())
    )
    y = alt.Y("cost:Q", title="extra cost there, nats", axis=alt.Axis(format="~g"))
    tooltip = ["units", "series", alt.Tooltip("cost", format=".3f")]
    tint = colours(styles).legend(alt.Legend(title=None, orient="top", columns=1))
    line = alt.Chart(long).mark_line(point=True, strokeWidth=2)
    lines = line.encode(x=x, y=y, color=tint, strokeDash=dashes(styles), tooltip=tooltip)
    band = alt.Chart(frame).mark_area(opacity=0.25, color=kind_style("rnn", dark)[0])
    ranges = band.encode(x="units:Q", y=alt.Y("controls, least:Q"), y2="controls, most:Q")
    chart = alt.layer(ranges, lines).properties(width=520, height=200)
    chart.autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    most = frame.iloc[-1]
    sentence = (
        f"Extra cost with 1 to {most['units']:.0f} units silenced together: the best {most['best']:.2f} nats per prediction at most, "
        f"as many others that vary as much {most['controls, mean']:.2f}."
    )
    return themed(chart, sentence, dark)


def table_together(tested: TestedUnits) -> pd.DataFrame:
    """A row for each number of units that were silenced together."""
    one = tested.together
    controls = {"controls, mean": one.controls.mean(0), "controls, least": one.controls.min(0), "controls, most": one.controls.max(0)}
    return pd.DataFrame({"units": one.sizes, "best": one.best} | controls)


def in_words(tested: TestedUnits) -> str:
    """The text alternative."""
    best = int(np.argmax(tested.there))
    return (
        f"{len(tested.units)} units, each silenced alone. The largest extra cost where the concept is needed is that of unit "
        f"{tested.units[best]}, {tested.there[best]:.2f} nats per prediction; that of unit {tested.unit} is {tested.effect.there:.2f}, "
        f"chance {tested.effect.chance:.2f}. Estimate and measurement have a rank correlation of {tested.agreement:.2f}."
    )


def table(tested: TestedUnits) -> pd.DataFrame:
    """Every number of the figure, a row for each unit, the largest effect first."""
    groups = np.where(np.arange(len(tested.units)) < tested.strongest, "strongest by the estimate", "others that vary as much")
    frame = pd.DataFrame({"unit": tested.units, "there": tested.there, "elsewhere": tested.elsewhere, "estimate": tested.estimates})
    frame["group"] = np.where(tested.units == tested.unit, f"unit {tested.unit}", groups)
    return frame.sort_values("there", ascending=False, ignore_index=True)
