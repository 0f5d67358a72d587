"""Figures of the Jacobian laboratory: the gradient with its bounds, the eigenvalues of W, the activation with its slope."""

import altair as alt
import numpy as np
import pandas as pd

from explorer.figures.theme import LAYERS, ink, themed, unsqueezed
from explorer.textbook.activations import Activation
from explorer.textbook.jacobian_lab import Run

HEIGHT = 250
LINES = ("gradient", "norm of the product of Jacobians", "product of their norms (bound)")


def bounds(run: Run, dark: bool = False) -> alt.TopLevelMixin:
    """The gradient over distance, the most any gradient could keep, and upper bounds: the region that W alone excludes is shaded.

    Args:
        run: Result of the laboratory.
        dark: Colours for a dark ground.
    """
    frame = table(run)
    rows = frame[["steps ago", *LINES]].melt("steps ago", var_name="line", value_name="value")
    rows = rows[np.isfinite(rows["value"])]
    # The scale is that of what happened: a loose bound leaves the picture, as it should.
    top, low = float(max(run.gradient.max(), run.product.max())) + 3, max(-60.0, min(-3.0, float(np.min(rows["value"]))))
    scale = alt.Scale(domain=[low, top], nice=False)
    x = alt.X("steps ago:Q", title="steps ago", scale=alt.Scale(reverse=True, nice=False), axis=alt.Axis(grid=False, tickMinStep=1))
    y = alt.Y(
        "value:Q",
        title="relative to the last step",
        scale=scale,
        axis=alt.Axis(labelExpr="datum.value == 0 ? '1' : '1e' + datum.value", tickMinStep=1, tickCount=6),
    )
    order = list(LINES)
    colour = alt.Scale(domain=order, range=[LAYERS[dark][1], LAYERS[dark][0], ink(dark)])
    dash = alt.Scale(domain=order, range=[[1, 0], [6, 3], [2, 3]])
    legend = alt.Legend(orient="bottom", title=None, symbolType="stroke", columns=1)
    tooltip = ["line", "steps ago", alt.Tooltip("value", title="log10", format=".2f")]
    lines = (
        alt.Chart(rows)
        .mark_line(clip=True, strokeWidth=2)
        .encode(x=x, y=y, color=alt.Color("line:N", scale=colour, legend=legend), tooltip=tooltip)
    )
    lines = lines.encode(strokeDash=alt.StrokeDash("line:N", scale=dash, legend=legend))
    description = (
        f"Gradient by distance: {run.gradient[-1]:.1f} decades after {len(run.gradient) - 1} steps, factor {run.factor:.3f} per step. "
    )
    description += f"The bound that uses the data is {run.tight[-1]:.1f}"
    drawn = [lines]
    if run.loose is None:
        description += "; from W alone there is none."
    else:
        description += f", the one from W alone {run.loose[-1]:.1f}."
        edge = pd.DataFrame({"steps ago": frame["steps ago"], "value": np.clip(run.loose, low, top), "top": top})
        shade = alt.Chart(edge).mark_area(color=ink(dark, faint=True), opacity=0.5, clip=True).encode(x=x, y=y, y2=alt.Y2("top:Q"))
        drawn = [shade, lines]
    chart = alt.layer(*drawn).properties(width=440, height=HEIGHT)
    chart.autosize = alt.AutoSizeParams(type="fit-x", contains="padding")  # only the width gives way to the page
    return themed(chart, description, dark)


def table(run: Run) -> pd.DataFrame:
    """Every number of the curves, powers of ten, a row for each distance."""
    columns = dict(zip(LINES, (run.gradient, run.product, run.tight), strict=True))
    bound = {} if run.loose is None else {"bound from W alone": run.loose}
    return pd.DataFrame({"steps ago": np.arange(len(run.gradient))} | columns | bound)


def eigenvalues(run: Run, dark: bool = False) -> alt.TopLevelMixin:
    """The eigenvalues of W in the complex plane with the unit circle, and those of what the last step really did.

    Args:
        run: Result of the laboratory.
        dark: Colours for a dark ground.
    """
    reach = 1.1 * max(1.0, run.radius, float(np.abs(run.step_eigenvalues).max()))
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    axis = alt.Axis(grid=False, tickCount=3)
    x, y = alt.X("real:Q", title="real part", scale=scale, axis=axis), alt.Y("imaginary:Q", title="imaginary part", scale=scale, axis=axis)
    angle = np.linspace(0, 2 * np.pi, 91)
    ring = pd.DataFrame({"real": np.cos(angle), "imaginary": np.sin(angle), "place": np.arange(91)})
    circle = alt.Chart(ring).mark_line(color=ink(dark), strokeDash=[3, 3]).encode(x=x, y=y, order=alt.Order("place:Q"))
    sets = {"W": run.eigenvalues, "last step's Jacobian": run.step_eigenvalues}
    dots = pd.concat([pd.DataFrame({"real": np.real(values), "imaginary": np.imag(values), "of": name}) for name, values in sets.items()])
    colour = alt.Scale(domain=list(sets), range=[LAYERS[dark][0], LAYERS[dark][1]])
    shape = alt.Scale(domain=list(sets), range=["circle", "cross"])
    legend = alt.Legend(orient="bottom", title=None)
    points = (
        alt.Chart(dots).mark_point(size=30, opacity=0.8, filled=True).encode(x=x, y=y, color=alt.Color("of:N", scale=colour, legend=legend))
    )
    points = points.encode(shape=alt.Shape("of:N", scale=shape, legend=legend))
    parts = [
        f"{name}: {int((np.abs(values) > 1).sum())} of {len(values)} lie outside the unit circle, "
        f"the largest has absolute value {np.abs(values).max():.2f}"
        for name, values in sets.items()
    ]
    chart = alt.layer(circle, points).properties(width=200, height=200, title="eigenvalues")
    return themed(unsqueezed(chart), f"Eigenvalues in the complex plane: {'; '.join(parts)}.", dark)


def slopes(phi: Activation, run: Run, dark: bool = False) -> alt.TopLevelMixin:
    """The activation and its slope, over a histogram of the pre-activations that occurred.

    Args:
        phi: The activation.
        run: Result of the laboratory.
        dark: Colours for a dark ground.
    """
    x = np.linspace(-4, 4, 161)
    rows = pd.DataFrame({"sum": x, "value": phi.value(x), "slope": phi.slope(x)}).melt("sum", var_name="line", value_name="height")
    counts, edges = np.histogram(np.clip(run.sums, -4, 4), bins=40, range=(-4, 4))
    bars = pd.DataFrame({"sum": edges[:-1], "to": edges[1:], "height": counts / counts.max()})
    across, up = alt.X("sum:Q", title=run.looked_at, axis=alt.Axis(grid=False)), alt.Y("height:Q", title=None, axis=alt.Axis(tickCount=4))
    seen = alt.Chart(bars).mark_rect(color=ink(dark, faint=True), opacity=0.6).encode(x=across, x2=alt.X2("to:Q"), y=up, y2=alt.datum(0))
    colour = alt.Scale(domain=["value", "slope"], range=[LAYERS[dark][0], LAYERS[dark][1]])
    legend = alt.Legend(orient="bottom", title=None, symbolType="stroke")
    lines = alt.Chart(rows).mark_line(strokeWidth=2).encode(x=across, y=up, color=alt.Color("line:N", scale=colour, legend=legend))
    most = "" if phi.gamma is None else f", at most {phi.gamma:g}"
    means = f"its mean value was {phi.value(run.sums).mean():.2f} and its mean slope {phi.slope(run.sums).mean():.2f}."
    description = f"The activation and its slope{most}; where it was applied ({run.looked_at}), {means}"
    return themed(unsqueezed(alt.layer(seen, lines).properties(width=200, height=170, title="activation and slope")), description, dark)
