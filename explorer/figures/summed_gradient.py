"""The gradient of a loss summed over all steps, along the text: about as large everywhere, in every network."""

from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np
import pandas as pd

from explorer.errors import AnalysisError
from explorer.figures.lines import colours, dashes, end_labels
from explorer.figures.theme import kind_style, themed


def summed(series: Mapping[str, np.ndarray], tokens: Sequence[str], start: int = 0, dark: bool = False) -> alt.TopLevelMixin:
    """The gradient of a loss summed over all steps, along the text: what training sees. There is no distance in it.

    Args:
        series: Name of a network -> log10 of the norm, [time].
        tokens: The characters, [time].
        start: Position of the first one in the whole text.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is no series.
    """
    if not series:
        raise AnalysisError("There is nothing to draw; expected the gradients of at least one network.")
    frames = [
        pd.DataFrame(
            {
                "position": np.arange(start, start + len(tokens)),
                "value": np.where(np.isfinite(values), values, np.nan),
                "series": each,
                "token": list(tokens),
            }
        )
        for each, values in series.items()
    ]
    frame, styles = pd.concat(frames, ignore_index=True), {each: kind_style(each, dark) for each in series}
    values = frame["value"].to_numpy()
    low, high = float(np.floor(np.nanmin(values))), float(np.ceil(np.nanmax(values)))
    axis = alt.Axis(values=list(np.arange(low, high + 1)), labelExpr="'1e' + datum.value")
    x = alt.X("position:Q", title="position in the text", axis=alt.Axis(tickMinStep=1, grid=False), scale=alt.Scale(nice=False, zero=False))
    y = alt.Y("value:Q", title="gradient of the summed cost", axis=axis, scale=alt.Scale(domain=[low, high], nice=False))
    tooltip = ["series", "position", "token", alt.Tooltip("value", title="log10", format=".2f")]
    lines = alt.Chart(frame).mark_line(strokeWidth=1.6).encode(x=x, y=y, color=colours(styles), strokeDash=dashes(styles), tooltip=tooltip)
    told = ", ".join(f"{each} {np.ptp(values[np.isfinite(values)]):.1f}" for each, values in series.items())
    names = end_labels(frame, styles, (low, high), 180)
    names.mark.lineBreak = ", "  # a name on two lines leaves the lines more room on a narrow screen
    chart = alt.layer(lines, names).properties(width=620, height=180)
    chart.autosize = alt.AutoSizeParams(type="fit-x", contains="padding")  # squeezed in height too, the title of the axis would be cut
    return themed(chart, f"Gradient of the summed cost along the text. Decades between its largest and its smallest: {told}.", dark)


def table(series: Mapping[str, np.ndarray], tokens: Sequence[str]) -> pd.DataFrame:
    """Every number of that figure, powers of ten; series: name -> [time]."""
    return pd.DataFrame({"character": list(tokens)} | dict(series))
