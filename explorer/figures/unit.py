"""Figures of one unit: the histogram of its values, its gates and state update over time, and the ranking of units for a concept."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from explorer.analysis.ledger import ledger, withheld
from explorer.analysis.quantities import check_layer
from explorer.analysis.rank import LAST, Ranking
from explorer.axes import Float
from explorer.errors import AnalysisError
from explorer.figures.readout import broken
from explorer.figures.theme import PARTS, break_rules, colours, dashes, end_labels, haloed, ink, kind_style, rule_at, themed, unsqueezed
from explorer.records import SIGNED_GATES, Trace

BINS = 40
# The remembered value, how much of it is passed on, and what is passed on; they borrow three colours and dashes.
C_AND_H = {"tanh(c)": "lstm", "output gate": "n-gram", "h": "rnn"}
GATES = {"forget": "lstm", "input": "rnn", "output": "gru", "update": "lstm", "reset": "rnn"}  # whose colour and dash; else grey


def histogram(values: Float[np.ndarray, "time"], name: str, threshold: float | None = None, dark: bool = False) -> alt.TopLevelMixin:
    """Histogram of a unit's values; a unit with two peaks is a switch.

    Args:
        values: One unit over the text, [time].
        name: What the values are, for the axis: "tanh(cell) of unit 21".
        threshold: Cut between off and on, drawn as a rule.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is no value.
    """
    if not len(values):
        raise AnalysisError("The text is empty: there is no value to count.")
    low, high = (-1.0, 1.0) if np.abs(values).max() <= 1 else (float(values.min()), float(values.max()))
    counts, edges = np.histogram(values, bins=BINS, range=(low, high))
    frame = pd.DataFrame({"from": edges[:-1], "to": edges[1:], "characters": counts})
    colour, _ = kind_style("lstm", dark)
    bars = (
        alt.Chart(frame)
        .mark_rect(color=colour)
        .encode(
            x=alt.X("from:Q", title=name, scale=alt.Scale(domain=[low, high], nice=False)),
            x2=alt.X2("to:Q"),
            y=alt.Y("characters:Q", title="number of characters"),
            y2=alt.datum(0),
            tooltip=[alt.Tooltip("from", format=".2f"), alt.Tooltip("to", format=".2f"), "characters"],
        )
    )
    layers = [bars]
    if threshold is not None:  # an empty layer would be a picture without a name to a screen reader
        cut = alt.Chart(pd.DataFrame({"from": [threshold]})).mark_rule(color=ink(dark), strokeDash=[4, 3])
        layers.append(cut.encode(x=alt.X("from:Q")))
    description = (
        f"Histogram of {name}: {len(values)} values from {values.min():.2f} to {values.max():.2f}, median {np.median(values):.2f}."
    )
    return themed(alt.layer(*layers).properties(width=420, height=160), description, dark)


def gates_and_ledger(trace: Trace, layer: int, unit: int, window: tuple[int, int] | None = None, dark: bool = False) -> alt.TopLevelMixin:
    """Gates of one unit over a stretch of text, and what it kept, wrote and showed at each step.

    Args:
        trace: Run to draw, [time, layer, unit].
        layer, unit: Counted from 0.
        window: First and one past the last position; the first 200 if not given.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: no such layer or unit, or an empty window.
    """
    start, stop = _window(trace, layer, unit, window)
    positions, tokens = np.arange(start, stop), trace.tokens[start:stop]
    gates = {name: values[start:stop, layer, unit] for name, values in trace.gates.items()}
    book = ledger(trace, layer)
    parts = {name: getattr(book, name)[start:stop, unit] for name in PARTS}
    gate_styles = {name: kind_style(GATES.get(name, "n-gram"), dark) for name in gates}
    part_styles = {name: kind_style(kind, dark) for name, kind in PARTS.items()}
    low = -1.0 if set(gates) & set(SIGNED_GATES) else 0.0
    reach = max(1.0, float(max(np.abs(values).max() for values in parts.values())))
    breaks = _breaks(trace, start, stop)
    panels = [_panel(_frame(parts, positions, tokens), part_styles, (-reach, reach), book.equation, dark, breaks)]
    if gates:
        panels.insert(0, _panel(_frame(gates, positions, tokens), gate_styles, (low, 1.0), "gates", dark, breaks))
    kept, written = np.abs(parts["kept"]).mean(), np.abs(parts["written"]).mean()
    description = (
        f"Gates and state update of unit {unit}, layer {layer + 1}, characters {start} to {stop - 1}: "
        f"on average {kept:.2g} kept and {written:.2g} written per step."
    ) + broken(breaks)
    both = alt.vconcat(*panels).resolve_scale(color="independent", strokeDash="independent")
    return themed(both, description, dark)


def cell_and_hidden(trace: Trace, layer: int, unit: int, window: tuple[int, int] | None = None, dark: bool = False) -> alt.TopLevelMixin:
    """Cell and hidden state of one unit of an LSTM over a stretch of text, with the output gate between them: h = o tanh(c).

    Args:
        trace, layer, unit, window, dark: As `gates_and_ledger`.

    Raises:
        AnalysisError: as `gates_and_ledger`, or a cell without a cell state.
    """
    start, stop = _window(trace, layer, unit, window)
    silent = withheld(trace, layer)[start:stop, unit].mean()
    series = {"tanh(c)": np.tanh(trace.cell[:, layer, unit]), "output gate": trace.gates["output"][:, layer, unit]}  # type: ignore[index]
    series["h"] = trace.hidden[:, layer, unit]
    frame = _frame({name: values[start:stop] for name, values in series.items()}, np.arange(start, stop), trace.tokens[start:stop])
    styles = {name: kind_style(kind, dark) for name, kind in C_AND_H.items()}
    description = (
        f"Cell and hidden state of unit {unit}, layer {layer + 1}, characters {start + 1} to {stop}: the unit remembers something but "
        f"shows almost nothing at {silent:.0%} of them."
    )
    breaks = _breaks(trace, start, stop)
    panel = _panel(frame, styles, (-1.0, 1.0), "h = output gate × tanh(c)", dark, breaks)
    return themed(unsqueezed(panel), description + broken(breaks), dark)


def _window(trace: Trace, layer: int, unit: int, window: tuple[int, int] | None) -> tuple[int, int]:
    """The first and one past the last position of a stretch; checks layer, unit and stretch."""
    check_layer(trace, layer)
    units = (trace.hidden if trace.cell is None else trace.cell).shape[2]
    if not 0 <= unit < units:
        raise AnalysisError(f"There is no unit {unit}; this layer has {units}, 0 to {units - 1}.")
    start, stop = window or (0, min(200, len(trace.tokens)))
    if not 0 <= start < stop <= len(trace.tokens):
        raise AnalysisError(f"The window {start}..{stop} does not fit a text of {len(trace.tokens)} tokens.")
    return start, stop


def _breaks(trace: Trace, start: int, stop: int) -> list[int]:
    """Positions of a stretch before which the state was reset or changed."""
    return [at for at in trace.breaks.tolist() if start <= at < stop]


def _frame(series: dict[str, np.ndarray], positions: np.ndarray, tokens: tuple[str, ...]) -> pd.DataFrame:
    frames = [pd.DataFrame({"position": positions, "value": v.astype(float), "series": n, "token": tokens}) for n, v in series.items()]
    return pd.concat(frames, ignore_index=True)


def _panel(frame: pd.DataFrame, styles: dict, scale: tuple[float, float], title: str, dark: bool, breaks: Sequence[int] = ()) -> Any:
    height = 150
    x = alt.X("position:Q", title="position in the text", axis=alt.Axis(tickMinStep=1, grid=False), scale=alt.Scale(nice=False, zero=False))
    y = alt.Y("value:Q", title=None, scale=alt.Scale(domain=list(scale), nice=False))
    tooltip = ["series", "position", "token", alt.Tooltip("value", format=".2g")]
    lines = alt.Chart(frame).mark_line(interpolate="step-after", strokeWidth=1.8)
    lines = lines.encode(x=x, y=y, color=colours(styles), strokeDash=dashes(styles), tooltip=tooltip)
    cuts = [break_rules(breaks, "position", dark)] if breaks else []
    layers = alt.layer(rule_at(0.0, dark), *cuts, lines, *end_labels(frame, styles, scale, height, dark))
    return layers.properties(width=620, height=height, title=title)


def ranking(ranked: Ranking, names: Sequence[str] | None = None, top: int = 10, dark: bool = False) -> alt.TopLevelMixin:
    """The best units as bars, the correlation on held-out text, and every baseline as a dashed line.

    A bar that does not reach beyond a line is no evidence. A click selects a unit: selection "unit" with the field unit.

    Args:
        ranked: Result of `analysis.rank.rank`.
        names: What to call each unit, [unit]; "unit 21" if not given.
        top: How many.
        dark: Colours for a dark ground.
    """
    units = [int(u) for u in ranked.order[:top]]
    labels = [names[u] if names else f"unit {u}" for u in units]
    frame = pd.DataFrame({"unit": units, "name": labels, "r": [float(ranked.r[u]) for u in units]})
    frame["clears"] = [all(ranked.cleared(u).values()) for u in units]
    click = alt.selection_point(name="unit", fields=["unit"], on="click", empty=False)
    scale = alt.Scale(domain=[min(0.0, *(float(ranked.r[u]) for u in units)), 1])
    x = alt.X("r:Q", title="correlation on held-out text" if ranked.held_out else "correlation, not held out", scale=scale)
    y = alt.Y("name:N", sort=None, title=None)
    colour, _ = kind_style("lstm", dark)
    tint = alt.condition("datum.clears", alt.value(colour), alt.value(ink(dark, faint=True)))
    bars = (
        alt.Chart(frame)
        .mark_bar(height={"band": 0.75})
        .encode(x=x, y=y, color=tint, tooltip=["name", alt.Tooltip("r", title="correlation", format=".2f")])
    )
    bars = bars.encode(strokeWidth=alt.condition(click, alt.value(2), alt.value(0)), stroke=alt.StrokeValue(ink(dark))).add_params(click)
    height = 24 * len(units)
    chart = alt.layer(bars, *_rules(ranked, scale, height, dark)).resolve_scale(y="independent").properties(width=300, height=height)
    return themed(unsqueezed(chart), f"The {len(units)} best units as bars, the baselines as dashed lines. {ranked.verdict()}", dark)


def _rules(ranked: Ranking, scale: alt.Scale, height: int, dark: bool) -> tuple[alt.Chart, ...]:
    """A line for chance, for the untrained network and for the best table, their names in steps above the bars."""
    table = max((name for name in ranked.baselines if name in LAST), key=lambda name: ranked.baselines[name].r, default=None)
    names = [name for name in ranked.baselines if name not in LAST or name == table]
    names.sort(key=lambda name: ranked.baselines[name].r)
    frame = pd.DataFrame({"baseline": names, "r": [float(ranked.baselines[name].r) for name in names]})
    frame["label"] = [f"{name} {r:.2f}" for name, r in zip(names, frame["r"], strict=True)]
    frame["top"] = [-14.0 * (len(names) - i) + 6 for i in range(len(names))]  # pixels: the lowest baseline has the highest label
    frame["bottom"] = float(height)
    x, y = alt.X("r:Q", scale=scale), alt.Y("top:Q", scale=None, axis=None)
    rules = (
        alt.Chart(frame)
        .mark_rule(color=ink(dark), strokeDash=[4, 3])
        .encode(x=x, y=y, y2=alt.Y2("bottom:Q"), tooltip=["baseline", alt.Tooltip("r", title="correlation", format=".2f")])
    )
    texts = alt.Chart(frame).mark_text(align="left", dx=4, dy=2, fontSize=11, color=ink(dark)).encode(x=x, y=y, text=alt.Text("label:N"))
    return rules, *haloed(texts, dark)
