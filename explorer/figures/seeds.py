"""Accuracy of several networks by length of the sequence: a dot for each seed, a line through the means, and the chance level."""

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from explorer.errors import AnalysisError
from explorer.figures.theme import colours, dashes, end_labels, haloed, ink, line_styles, themed

HEIGHT = 260


def by_length(
    accuracies: Mapping[str, Sequence[Sequence[float]]], lengths: Sequence[int], chance: float, dark: bool = False
) -> alt.TopLevelMixin:
    """A line for each network through its mean accuracy at each length; every seed is a dot.

    Args:
        accuracies: Name of a network -> its accuracy at each length with each seed, [length, seed].
        lengths: Of the sequences, in steps, in rising order.
        chance: Accuracy of a network that has remembered nothing.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: no network, no length, or a network without an accuracy at each length.
    """
    if not accuracies or not lengths or any(len(of) != len(lengths) or not all(map(len, of)) for of in accuracies.values()):
        raise AnalysisError(
            f"Each network needs an accuracy at each of the {len(lengths)} lengths, and there must be at least one of both."
        )
    frame = table(accuracies, lengths)
    frame = frame.assign(series=frame["network"], position=frame["length"], value=frame["accuracy"])
    means = pd.DataFrame(frame.groupby(["series", "position"], sort=False, as_index=False)["value"].mean())
    styles = line_styles(list(accuracies), dark)
    axis = alt.Axis(values=list(lengths), grid=False)
    x = alt.X(
        "position:Q", title="steps in the sequence", axis=axis, scale=alt.Scale(domain=[lengths[0], lengths[-1]], nice=False, padding=8)
    )
    y = alt.Y("value:Q", title="accuracy", axis=alt.Axis(format="%", tickCount=5), scale=alt.Scale(domain=[0, 1.02], nice=False))
    tooltip = ["network", alt.Tooltip("length", title="steps"), "seed", alt.Tooltip("accuracy", format=".1%")]
    dots = alt.Chart(frame).mark_point(filled=True, size=34, opacity=0.55).encode(x=x, y=y, color=colours(styles), tooltip=tooltip)
    lines = alt.Chart(means).mark_line(strokeWidth=2).encode(x=x, y=y, color=colours(styles), strokeDash=dashes(styles))
    at = alt.Chart(pd.DataFrame({"value": [chance], "words": [f"chance {chance:.0%}"]})).encode(y="value:Q")
    rule = at.mark_rule(color=ink(dark), opacity=0.7, strokeDash=[4, 3])
    words = at.mark_text(align="left", baseline="top", dx=4, dy=4, fontSize=11, color=ink(dark))
    named = haloed(words.encode(x=alt.XValue(0), text="words:N"), dark)
    names = end_labels(means, styles, (0.0, 1.02), HEIGHT, dark, x)
    chart = alt.layer(rule, *named, lines, dots, *names).properties(width=760, height=HEIGHT)
    chart.autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    return themed(chart, in_words(accuracies, lengths, chance), dark)


def in_words(accuracies: Mapping[str, Sequence[Sequence[float]]], lengths: Sequence[int], chance: float) -> str:
    """The text alternative: each network's mean accuracy, with the lowest and the highest seed, at every length."""
    parts = []
    for name, of in accuracies.items():
        values = (f"{sum(seeds) / len(seeds):.0%} ({min(seeds):.0%} to {max(seeds):.0%})" for seeds in of)
        parts.append(f"{name} {', '.join(f'{value} at {length}' for value, length in zip(values, lengths, strict=True))}")
    return f"Mean accuracy by number of steps, lowest to highest seed in brackets; chance is {chance:.0%}. {'; '.join(parts)}."


def table(accuracies: Mapping[str, Sequence[Sequence[float]]], lengths: Sequence[int]) -> pd.DataFrame:
    """Every number of the figure, a row for each network, length and seed; seeds are counted from 1 in the order given."""
    rows = [
        (name, length, seed, accuracy)
        for name, of in accuracies.items()
        for length, seeds in zip(lengths, of, strict=True)
        for seed, accuracy in enumerate(seeds, 1)
    ]
    return pd.DataFrame(rows, columns=["network", "length", "seed", "accuracy"])
