"""How often answers of each confidence are right."""

import altair as alt
import numpy as np
import pandas as pd

from explorer.analysis.confusion import Reliability
from explorer.errors import AnalysisError
from explorer.figures.theme import LAYERS, ink, themed, unsqueezed


def diagram(found: Reliability, dark: bool = False) -> alt.TopLevelMixin:
    """Share of right answers over confidence, a point for each bin with its 95 % Wilson interval; perfect is the diagonal.

    Args:
        found: Counted bins.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: nothing was counted.
    """
    frame = table(found)
    if frame.empty:
        raise AnalysisError("Nothing was counted: there is no confidence to compare with how often it was right.")
    scale = alt.Scale(domain=[0, 1])
    x = alt.X("confidence:Q", title="confidence of the answer", scale=scale)
    y = alt.Y("share right:Q", title="share that was right", scale=scale)
    tooltip = ["names", *(alt.Tooltip(each, format=".2f") for each in ("confidence", "share right", "low", "high"))]
    base = alt.Chart(frame).encode(x=x, tooltip=tooltip)
    colour = LAYERS[dark][0]
    bars = base.mark_rule(color=colour, strokeWidth=2).encode(y=alt.Y("low:Q", title="share that was right"), y2="high:Q")
    points = base.mark_point(filled=True, color=colour, opacity=1, size=50).encode(y=y)
    ends = pd.DataFrame({"confidence": [0.0, 1.0], "share right": [0.0, 1.0]})
    perfect = alt.Chart(ends).mark_line(color=ink(dark, faint=True), strokeDash=[4, 3]).encode(x=x, y=y)
    outside = int(np.sum((frame["confidence"] < frame["low"]) | (frame["confidence"] > frame["high"])))
    told = (
        f"Reliability diagram of {len(frame)} bins: calibration error {found.error:.3f}; in {outside} of them the confidence lies outside "
    )
    told += "the interval of the share that was right."
    return themed(unsqueezed(alt.layer(perfect, bars, points).properties(width=260, height=260)), told, dark)


def table(found: Reliability) -> pd.DataFrame:
    """The bins that hold something, as a table."""
    full = np.asarray(found.items) > 0
    share = np.asarray(found.right)[full] / np.asarray(found.items)[full]
    columns = {"confidence": found.confidence[full], "share right": share, "low": found.low[full], "high": found.high[full]}
    return pd.DataFrame(columns | {"names": np.asarray(found.items)[full]})
