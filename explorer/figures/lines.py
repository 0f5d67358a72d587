"""Lines with their names at their ends instead of a legend box."""

import altair as alt
import numpy as np
import pandas as pd

from explorer.figures.theme import ink


def spread(wanted: list[float], gap: float, lowest: float = -np.inf) -> list[float]:
    """Heights for labels, near the wanted ones, at least `gap` from the next and none below `lowest`; order is kept."""
    order = np.argsort(wanted, kind="stable")
    placed = np.array(wanted, np.float64)[order]
    for _ in range(len(placed) * 4):
        for i in range(1, len(placed)):
            short = gap - (placed[i] - placed[i - 1])
            if short > 1e-9:
                placed[i - 1] -= short / 2
                placed[i] += short / 2
    for i in range(len(placed)):
        placed[i] = max(placed[i], lowest)
        lowest = placed[i] + gap
    result = np.empty(len(placed))
    result[order] = placed
    return result.tolist()


def end_labels(frame: pd.DataFrame, styles: dict[str, tuple[str, list[int]]], scale: tuple[float, float], height: int) -> alt.Chart:
    """The name of each series at the right end of its line; `frame` has position, value, series."""
    last = frame[frame["value"].notna()].groupby("series", sort=False).last().reset_index()
    gap = 15 / height * (scale[1] - scale[0])
    last["value"] = spread([float(v) for v in last["value"]], gap, scale[0] + 0.4 * gap)  # none over the letters of the axis
    return (
        alt.Chart(last)
        .mark_text(align="left", dx=6, fontSize=12, fontWeight=600)
        .encode(x="position:Q", y=alt.Y("value:Q"), text="series:N", color=colours(styles))
    )


def colours(styles: dict[str, tuple[str, list[int]]]) -> alt.Color:
    """A colour for each series, without a legend."""
    return alt.Color("series:N", legend=None, scale=alt.Scale(domain=list(styles), range=[c for c, _ in styles.values()]))


def dashes(styles: dict[str, tuple[str, list[int]]]) -> alt.StrokeDash:
    """A dash for each series, without a legend."""
    return alt.StrokeDash("series:N", legend=None, scale=alt.Scale(domain=list(styles), range=[d for _, d in styles.values()]))


def rule_at(value: float, dark: bool) -> alt.Chart:
    """A faint level line."""
    return alt.Chart(pd.DataFrame({"value": [value]})).mark_rule(color=ink(dark, faint=True), strokeDash=[2, 3]).encode(y="value:Q")
