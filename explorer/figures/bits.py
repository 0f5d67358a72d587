"""Surprise in bits per character along a text, for one or several models."""

from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np
import pandas as pd

from explorer.errors import AnalysisError
from explorer.figures.theme import colours, dashes, end_labels, line_styles, themed

TOP = 8.0  # end of the scale; a larger surprise is drawn there, and its value is in the tooltip


def smoothed(values: np.ndarray, width: int) -> np.ndarray:
    """Mean over a window of `width` positions around each one [time], shorter at the ends; characters without a cost left out."""
    known = np.isfinite(values)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0))])
    count = np.concatenate([[0.0], np.cumsum(known)])
    position, half = np.arange(len(values)), width // 2
    first, past = np.maximum(position - half, 0), np.minimum(position + half + 1, len(values))
    seen = count[past] - count[first]
    return np.where(seen > 0, (total[past] - total[first]) / np.where(seen > 0, seen, 1), np.nan)


def bits(
    series: Mapping[str, np.ndarray], tokens: Sequence[str], window: int = 25, start: int = 0, dark: bool = False
) -> alt.TopLevelMixin:
    """Surprise at each character, smoothed, with the single values faint behind.

    Args:
        series: Name of a model -> bits at each character, [time]; nan where none was predicted (the first). The name
            chooses the line: an LSTM is solid blue, an n-gram grey.
        tokens: The characters, [time].
        window: Characters to average over.
        start: Position of the first one in the whole text.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: no series, or one whose length is not that of the text.
    """
    if not series or not len(tokens):
        raise AnalysisError("There is nothing to draw: no series of bits, or an empty text.")
    for name, values in series.items():
        if len(values) != len(tokens):
            raise AnalysisError(f"{name} has {len(values)} values; expected {len(tokens)}, one for each character.")
    styles = line_styles(list(series), dark)
    top = max(TOP, *(float(np.nanmax(smoothed(np.asarray(v, float), window), initial=0)) for v in series.values()))
    frames = [
        pd.DataFrame({"position": np.arange(start, start + len(tokens)), "raw": np.asarray(values, float), "token": list(tokens),
                      "value": smoothed(np.asarray(values, float), window), "series": name})
        for name, values in series.items()
    ]  # fmt: skip
    frame = pd.concat(frames, ignore_index=True)
    frame["clipped"] = frame["raw"].clip(upper=top)
    x = alt.X("position:Q", title="position in the text", axis=alt.Axis(tickMinStep=1, grid=False), scale=alt.Scale(nice=False, zero=False))
    y = alt.Y("value:Q", title=f"bits, mean of {window}", scale=alt.Scale(domain=[0, top], clamp=True))
    tooltip = [
        "series",
        "position",
        "token",
        alt.Tooltip("raw", title="bits", format=".2f"),
        alt.Tooltip("value", title="mean", format=".2f"),
    ]
    raw = alt.Chart(frame).mark_circle(size=10, opacity=0.25).encode(x=x, y=alt.Y("clipped:Q"), color=colours(styles), tooltip=tooltip)
    lines = alt.Chart(frame).mark_line(strokeWidth=2).encode(x=x, y=y, color=colours(styles), strokeDash=dashes(styles), tooltip=tooltip)
    names = end_labels(frame, styles, (0.0, top), 180, dark)
    means = ", ".join(
        f"{name} {np.nanmean(values):.2f}" if np.isfinite(values).any() else f"{name} none" for name, values in series.items()
    )
    description = f"Surprise over {len(tokens)} characters, mean bits per character: {means}."
    return themed(alt.layer(raw, lines, *names).properties(width=620, height=180), description, dark)
