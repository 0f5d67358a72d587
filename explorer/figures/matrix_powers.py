"""Points multiplied by a matrix again and again, and the length of the longest vector after each multiplication."""

import altair as alt
import numpy as np
import pandas as pd

from explorer.axes import Float
from explorer.figures.theme import LAYERS, ink, themed, unsqueezed
from explorer.textbook.matrix_powers import Fate

SIDE = 320
TIMES, LONGEST, BOUND, LONG_RUN = "multiplications", "longest vector", "σ^n: upper bound", "ρ^n: long-run growth"


def points(orbit: Float[np.ndarray, "press point 2"], dark: bool = False) -> alt.TopLevelMixin:
    """The points, their paths, and the circle on which they started.

    Args:
        orbit: Points after each press, [press, point, xy].
        dark: Colours for a dark ground.
    """
    presses, count = orbit.shape[0] - 1, orbit.shape[1]
    reach = float(max(1.25, 1.1 * np.abs(orbit[-1]).max()))
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    axis = alt.Axis(grid=False, tickCount=3, format=".2~g")
    x, y = alt.X("x:Q", title=None, scale=scale, axis=axis), alt.Y("y:Q", title=None, scale=scale, axis=axis)
    frame = pd.DataFrame(orbit.reshape(-1, 2), columns=["x", "y"])
    frame["press"], frame["point"] = np.repeat(np.arange(presses + 1), count), np.tile(np.arange(count), presses + 1)
    ring = pd.DataFrame({"x": np.cos(np.linspace(0, 2 * np.pi, 91)), "y": np.sin(np.linspace(0, 2 * np.pi, 91)), "place": np.arange(91)})
    start = alt.Chart(ring).mark_line(color=ink(dark), strokeDash=[3, 3], opacity=0.5).encode(x=x, y=y, order=alt.Order("place:Q"))
    ways = alt.Chart(frame).mark_line(opacity=0.35, strokeWidth=1, clip=True, color=LAYERS[dark][0])
    now = alt.Chart(frame[frame["press"] == presses]).mark_circle(size=60, opacity=1, color=LAYERS[dark][1])
    tooltip = [alt.Tooltip("x", format=".3g"), alt.Tooltip("y", format=".3g")]
    layers = [start, ways.encode(x=x, y=y, detail=alt.Detail("point:N"), order=alt.Order("press:Q")), now.encode(x=x, y=y, tooltip=tooltip)]
    lengths = np.linalg.norm(orbit[-1], axis=1)
    description = (
        f"{count} points that started on a circle of radius 1, after {presses} multiplications: "
        f"at distances from {lengths.min():.2g} to {lengths.max():.2g}."
    )
    return themed(unsqueezed(alt.layer(*layers).properties(width=SIDE, height=SIDE)), description, dark)


def lengths(orbit: Float[np.ndarray, "press point 2"], fate: Fate, dark: bool = False) -> alt.TopLevelMixin:
    """The longest vector after each multiplication, on a logarithmic scale, with the predictions of sigma and the spectral radius.

    Args:
        orbit: Points after each press, [press, point, xy].
        fate: Spectral radius and largest singular value of the matrix.
        dark: Colours for a dark ground.
    """
    frame = table(orbit, fate)
    rows = frame.melt(TIMES, var_name="line", value_name="value")
    rows["value"] = rows["value"].clip(1e-12, 1e12)
    lines = [LONGEST, BOUND, LONG_RUN]
    style = alt.Scale(domain=lines, range=[LAYERS[dark][1], ink(dark), LAYERS[dark][0]])
    dash = alt.Scale(domain=lines, range=[[1, 0], [2, 3], [6, 3]])
    legend = alt.Legend(orient="bottom", title=None, direction="vertical", symbolType="stroke")
    across = alt.Scale(domain=[0, max(1, len(orbit) - 1)], nice=False)
    x = alt.X(f"{TIMES}:Q", title="multiplications n", scale=across, axis=alt.Axis(tickMinStep=1, format="d", grid=False))
    y = alt.Y("value:Q", title="length", scale=alt.Scale(type="log"), axis=alt.Axis(format=".0e", tickCount=5))
    colour = alt.Color("line:N", scale=style, legend=legend)
    chart = alt.Chart(rows).mark_line(point=alt.OverlayMarkDef(size=24)).encode(x=x, y=y, color=colour)
    chart = chart.encode(
        strokeDash=alt.StrokeDash("line:N", scale=dash, legend=legend), tooltip=["line", TIMES, alt.Tooltip("value", format=".3g")]
    )
    description = f"Length of the longest vector: {frame[LONGEST].iloc[-1]:.2g} after {len(frame) - 1} multiplications; "
    description += f"largest singular value {fate.sigma:.2f}, spectral radius {fate.radius:.2f}."
    return themed(unsqueezed(chart.properties(width=300, height=210)), description, dark)


def table(orbit: Float[np.ndarray, "press point 2"], fate: Fate) -> pd.DataFrame:
    """Every number of the lines, one row per multiplication; orbit [press, point, xy]."""
    times = np.arange(len(orbit))
    columns = {LONGEST: np.linalg.norm(orbit, axis=2).max(1), BOUND: fate.sigma**times, LONG_RUN: fate.radius**times}
    return pd.DataFrame({TIMES: times} | columns)
