"""Gradient clipping: an error surface with a cliff, paths of gradient descent on it, the error after each step, one clipped gradient."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.axes import Float
from explorer.figures.theme import LAYERS, haloed, ink, themed, unsqueezed
from explorer.textbook.clipping import RULES, B, Path, W, at, clipped

TOP = 0.55  # of the axis of errors: the highest plain lies at 0.45
LIFT = 0.006  # paths are drawn this much above the ground, or it would hide them
DASHES = {"no clipping": [1, 0], "by norm": [6, 3], "by value": [2, 2]}
PLOTLY = {"no clipping": "solid", "by norm": "solid", "by value": "dot"}
HEIGHT, BETWEEN = 430, 12  # pixels; points of a line for each step
GROUND = {  # small errors bright, so that the valley is seen
    False: [(0, "#ffffff"), (0.7, "#dcdce4"), (1, "#a9a9b6")],
    True: [(0, "#c9c9d6"), (0.7, "#5c5c69"), (1, "#3d3d48")],
}


def colour(rule: str, dark: bool = False) -> str:
    """Colour of a rule's path."""
    return LAYERS[dark][(1, 0, 2)[RULES.index(rule)]]


def surface(ground: Sequence[Float[np.ndarray, "across along"]], paths: Sequence[Path], dark: bool = False) -> go.Figure:
    """The error surface with the paths on it, as a figure that can be rotated.

    Args:
        ground: w, b and error of its mesh, each [across, along].
        paths: In the order in which they are drawn.
        dark: Colours for a dark ground.
    """
    w, b, error = ground
    light = {"ambient": 0.85, "diffuse": 0.3, "specular": 0.0, "roughness": 1.0}
    hover = "w %{x:.3g}, b %{y:.3g}<br>error %{z:.3g}<extra></extra>"
    # Colour by the logarithm: the valley of small errors is a bright line, however flat it is.
    paint = {"surfacecolor": np.log10(np.maximum(error, 1e-4)), "cmin": -4, "cmax": -0.3, "colorscale": GROUND[dark], "showscale": False}
    drawn: list = [go.Surface(x=w, y=b, z=error, lighting=light, hovertemplate=hover, **paint)]
    for path in paths:
        line, (x, y, z), (places, heights) = colour(path.rule, dark), way(path), seen(path)
        style = {"color": line, "width": 5, "dash": PLOTLY[path.rule]}
        drawn.append(go.Scatter3d(x=x, y=y, z=z, name=path.rule, mode="lines", line=style, hoverinfo="skip"))
        steps = {"x": places[:, 0], "y": places[:, 1], "z": heights, "showlegend": False, "hovertemplate": hover}
        size = [4.0] * (len(places) - 1) + [14.0]
        drawn.append(go.Scatter3d(mode="markers", marker={"size": size, "color": line, "line": {"width": 0}}, name=path.rule, **steps))
    if paths:
        start = {"x": paths[0].places[:1, 0], "y": paths[0].places[:1, 1], "z": paths[0].errors[:1] + LIFT}
        drawn.append(go.Scatter3d(name="start", mode="markers", marker={"size": 6, "color": ink(dark), "symbol": "diamond"}, **start))
    return go.Figure(drawn, _layout(dark) | {"meta": in_words(paths)})


def _layout(dark: bool) -> dict:
    axis = {"color": ink(dark), "gridcolor": ink(dark, faint=True), "showbackground": False, "zeroline": False, "nticks": 6}
    scene: dict = {"xaxis": {"title": "w", "range": W} | axis, "yaxis": {"title": "b", "range": B} | axis}
    scene |= {
        "zaxis": {"title": "error", "range": (0, TOP)} | axis | {"tickvals": [0.1, 0.2, 0.3, 0.4]},
        "aspectmode": "manual",
        "aspectratio": {"x": 1.1, "y": 1.5, "z": 0.7},
    }
    # All of it stands on a narrow screen too, where the sides are cut first.
    scene |= {"camera": {"eye": {"x": -0.95, "y": 2.4, "z": 1.25}, "center": {"x": 0.1, "y": 0.06, "z": -0.12}}}
    legend = {"orientation": "h", "x": 0, "y": 1, "font": {"color": ink(dark), "size": 13}}
    # uirevision: who has turned the surface keeps the view when a slider moves.
    about = {"scene": scene, "legend": legend, "height": HEIGHT, "margin": {"l": 0, "r": 0, "t": 0, "b": 0}, "uirevision": "kept"}
    return about | {"paper_bgcolor": "rgba(0,0,0,0)"}


def seen(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The path as far as the picture reaches: w and b [place, 2], and heights [place]. A step that leaves it is cut at the edge."""
    low, high = np.array([W[0], B[0]]), np.array([W[1], B[1]])
    outside = np.flatnonzero(((path.places < low) | (path.places > high)).any(1))
    places = path.places
    if len(outside) and outside[0] > 0:
        before, step = places[outside[0] - 1], places[outside[0]] - places[outside[0] - 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.where(step > 0, (high - before) / step, np.where(step < 0, (low - before) / step, np.inf))
        places = np.vstack([places[: outside[0]], before + shares.min() * step])
    return places, at(*places.T).error + LIFT


def way(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The line between those places, [point] of w, b and height: straight through the air, but never below the ground."""
    places, heights = seen(path)
    shares = np.linspace(0, 1, BETWEEN, endpoint=False)[None, :, None]
    corners = np.column_stack([places, heights])
    points = (corners[:-1, None] + shares * np.diff(corners, axis=0)[:, None]).reshape(-1, 3)
    points = np.vstack([points, corners[-1:]])
    return points[:, 0], points[:, 1], np.maximum(points[:, 2], at(points[:, 0], points[:, 1]).error + LIFT)


def in_words(paths: Sequence[Path]) -> str:
    """The text alternative: how far each path's longest step went, and where it ended."""
    parts = [
        f"{path.rule}: longest step {path.lengths.max():.2g}, end at w {path.places[-1, 0]:.2f}, b {path.places[-1, 1]:.2f}, "
        f"mean error of the last steps {path.late:.2g}"
        for path in paths
    ]
    return "Error of a one-unit recurrent network over its weight w and bias b: a plain, a cliff, a lower plain. " + "; ".join(parts) + "."


def errors(paths: Sequence[Path], dark: bool = False) -> alt.TopLevelMixin:
    """The error after each step, on a logarithmic scale.

    Args:
        paths: At least one.
        dark: Colours for a dark ground.
    """
    frame = pd.concat([pd.DataFrame({"step": np.arange(len(p.errors)), "error": p.errors, "path": p.rule}) for p in paths])
    frame["drawn"] = frame["error"].clip(lower=1e-6)
    names = [path.rule for path in paths]
    scale = alt.Scale(domain=names, range=[colour(name, dark) for name in names])
    dash = alt.Scale(domain=names, range=[DASHES[name] for name in names])
    legend = alt.Legend(orient="bottom", title=None, symbolType="stroke", columns=3)
    y = alt.Y("drawn:Q", title="error", scale=alt.Scale(type="log", domain=[1e-6, 1], nice=False), axis=alt.Axis(format=".0e", tickCount=6))
    chart = alt.Chart(frame).mark_line(strokeWidth=1.8).encode(x=alt.X("step:Q", axis=alt.Axis(grid=False, tickMinStep=1)), y=y)
    chart = chart.encode(
        color=alt.Color("path:N", scale=scale, legend=legend), strokeDash=alt.StrokeDash("path:N", scale=dash, legend=legend)
    )
    chart = chart.encode(tooltip=["path", "step", alt.Tooltip("error", format=".3g")])
    late = ", ".join(f"{path.rule} {path.late:.2g}" for path in paths)
    return themed(unsqueezed(chart.properties(width=290, height=170)), f"Error after each step; mean of the last ten steps: {late}.", dark)


def arrows(gradient: Float[np.ndarray, "2"], threshold: float, dark: bool = False) -> alt.TopLevelMixin:
    """One gradient, and what clipping by norm and by value leave of it: to the circle it keeps its direction, to the square it does not.

    Args:
        gradient: With respect to w and b, [2]; its opposite, the direction of descent, is drawn.
        threshold: Of clipping.
        dark: Colours for a dark ground.
    """
    size, reach = float(np.linalg.norm(gradient)), 2.0 * threshold
    ends = {rule: -clipped(gradient, rule, threshold) for rule in RULES}
    ends["no clipping"] = -gradient * min(1.0, 0.95 * reach / max(float(abs(gradient).max()), 1e-300))
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    axis = alt.Axis(grid=False, values=[-threshold, 0, threshold], format=".2~g")
    x, y = alt.X("w:Q", title="step in w", scale=scale, axis=axis), alt.Y("b:Q", title="step in b", scale=scale, axis=axis)
    angle = np.linspace(0, 2 * np.pi, 91)
    ring = pd.DataFrame({"w": threshold * np.cos(angle), "b": threshold * np.sin(angle), "place": np.arange(91)})
    corners = threshold * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    square = pd.DataFrame(corners, columns=["w", "b"]).assign(place=np.arange(5))
    drawn = [
        alt.Chart(edge).mark_line(color=ink(dark), opacity=0.5, strokeWidth=1).encode(x=x, y=y, order=alt.Order("place:Q"))
        for edge in (ring, square)
    ]
    for rule, end in ends.items():
        row = pd.DataFrame({"w": [end[0]], "b": [end[1]], "w0": [0.0], "b0": [0.0], "rule": [rule]})
        turn = float(np.degrees(np.arctan2(end[0], end[1])))
        line = alt.Chart(row).mark_rule(color=colour(rule, dark), strokeWidth=2.5, strokeDash=DASHES[rule])
        head = alt.Chart(row).mark_point(shape="triangle-up", filled=True, opacity=1, size=90, angle=turn % 360, color=colour(rule, dark))
        drawn += [
            line.encode(x=alt.X("w0:Q", scale=scale), y=alt.Y("b0:Q", scale=scale), x2="w", y2="b"),
            head.encode(x=x, y=y, tooltip="rule"),
        ]
    kept = {rule: end for rule, end in ends.items() if rule != "no clipping"}
    sides = {"by norm": "right" if kept["by value"][0] >= kept["by norm"][0] else "left"}
    sides["by value"] = {"left": "right", "right": "left"}[sides["by norm"]]
    for rule, end in kept.items():
        row = pd.DataFrame({"w": [end[0]], "b": [end[1]], "words": [rule]})
        style = {"align": sides[rule], "dx": 9 if sides[rule] == "left" else -9, "fontSize": 12, "color": colour(rule, dark)}
        drawn += haloed(alt.Chart(row).mark_text(**style).encode(x=x, y=y, text=alt.Text("words:N")), dark)
    steps = "; ".join(f"{rule} {end[0]:.2g} in w and {end[1]:.2g} in b" for rule, end in kept.items())
    title = f"gradient of norm {size:.2g}, clipped at {threshold:g}" if size > threshold else f"gradient of norm {size:.2g}, not clipped"
    chart = alt.layer(*drawn).properties(width=170, height=170, title=title)
    return themed(
        unsqueezed(chart), f"A gradient of norm {size:.2g}, threshold {threshold:g}. The step with learning rate 1: {steps}.", dark
    )


def table(paths: Sequence[Path]) -> pd.DataFrame:
    """Every number of the paths, a row for each step of each."""
    frames = []
    for path in paths:
        gradient = np.vstack([path.gradients, [np.nan, np.nan]])
        columns = {"path": path.rule, "step": np.arange(len(path.errors)), "w": path.places[:, 0], "b": path.places[:, 1]}
        columns |= {"error": path.errors, "gradient to w": gradient[:, 0], "gradient to b": gradient[:, 1]}
        frames.append(pd.DataFrame(columns | {"factor per step back": path.factors}))
    return pd.concat(frames, ignore_index=True)
