"""Gradient norms by distance, the gradient at each character of a text, and the gradient of a summed loss."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import altair as alt
import numpy as np
import pandas as pd

from explorer.analysis.gradients import SHARES, reach
from explorer.axes import Float
from explorer.errors import AnalysisError
from explorer.figures.characters import columns_of, has_words, noun, numbers_of, shown
from explorer.figures.characters import name as said
from explorer.figures.scales import css, ramp
from explorer.figures.scales import ink as on
from explorer.figures.theme import colours, dashes, end_labels, haloed, ink, kind_style, spread, themed

CIVIDIS = ramp(("#00224e", "#2a3f6d", "#575d6d", "#7d7c78", "#a59c74", "#d3c164", "#fee838"))
SIGNED = {dark: ramp(("#2166ac", "#1e1e24" if dark else "#f7f7f7", "#b35806")) for dark in (False, True)}
TWELVE = -12.0  # end of the usual scale, on which trained networks differ; smaller values are on the full range
FLOAT32 = math.log10(2.0**-149)  # the smallest number that float32 holds
FELT = 4.0  # decades of the strip of characters
WIDTH, HEIGHT, ROW, GAP = 860, 235, 22, 3  # pixels
UPRIGHT, LONGEST = 14, 16  # pixels that a word written upwards needs across; its characters that are shown


@dataclass(frozen=True, eq=False)
class Curve:
    """One line.

    Args:
        name: Stands at the line's end; tells the kind, which gives colour and dash.
        log10: Norm relative to distance 0, [lag].
        start_log10: Norm at distance 0: where the floor of float32 lies is relative to it.
        is_trained: Else the line is thin.
        band: Lower and upper quantile over many other places, each [lag]; None where it was not measured.
    """

    name: str
    log10: np.ndarray
    start_log10: float = 0.0
    is_trained: bool = True
    band: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True, eq=False)
class Felt:
    """Gradient of one network's loss at each of the characters before it.

    Args:
        tokens: The characters, the latest last, [lag].
        log10: Norm of the gradient to the input at each, [lag], the latest last.
        times_input: Gradient times input, signed, [lag]; None where only the norms are known.
        label: Stands before the norms.
    """

    tokens: tuple[str, ...]
    log10: np.ndarray
    times_input: np.ndarray | None
    label: str = "gradient"

    def height(self, lags: int) -> int:
        """Pixels of the row with the tokens: words are written upwards, as high as the longest; not where they are too dense."""
        is_long = has_words(self.tokens) or numbers_of(self.tokens) is not None
        if not is_long or lags > WIDTH / UPRIGHT:
            return ROW
        return max(ROW, 10 + 7 * min(LONGEST, max(columns_of(shown(token)) for token in self.tokens)))

    def rows(self) -> int:
        """Rows of the strip."""
        return 1 if self.times_input is None else 2

    def places(self) -> np.ndarray:
        """Where each gradient lies between the largest, 1, and the end of the scale, 0, [lag]."""
        largest = self.log10.max(initial=-np.inf)
        if largest == -np.inf:
            return np.zeros(len(self.log10))
        return np.clip((self.log10 - largest) / FELT + 1, 0, 1)

    def signed_places(self) -> np.ndarray:
        """The same of gradient times input, its sign kept: -1 to 1, [lag]; only where it is known."""
        assert self.times_input is not None
        size = np.abs(self.times_input)
        with np.errstate(divide="ignore"):
            log10 = np.log10(size / max(size.max(initial=0), 1e-308))
        return np.sign(self.times_input) * np.clip(log10 / FELT + 1, 0, 1)


def paints(places: Float[np.ndarray, "lag"]) -> list[tuple[str, str]]:
    """Colour of each place on the scale 0..1, [lag], and black or white to write on it."""
    return [_paint(CIVIDIS[round(float(value) * 255)]) for value in places]


def _paint(rgb: np.ndarray) -> tuple[str, str]:
    return css(rgb), on([int(part) for part in rgb])


def flow(
    curves: Sequence[Curve], felt: Felt, opener: tuple[int, str] | None = None, whole: bool = False, dark: bool = False
) -> alt.TopLevelMixin:
    """Norms by distance from the loss, read from right to left as the gradient goes, and the characters on the same axis.

    Args:
        curves: The lines, at least one.
        felt: The characters, as many as there are distances.
        opener: Distance of a place to mark, and its name.
        whole: A scale that reaches below what float32 can hold; else twelve decades.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is no curve.
    """
    if not curves:
        raise AnalysisError("There is no curve to draw; expected at least one.")
    floor = FLOAT32 - max(curve.start_log10 for curve in curves)
    top = max(0.0, *(float(curve.log10.max()) for curve in curves)) + (4 if whole else 1.2)
    lowest = floor - 4 if whole else TWELVE
    lags = max(len(felt.tokens), *(len(curve.log10) for curve in curves))
    across = partial(_across, felt, lags)
    x = across("lag")
    step = 10 if whole else 3
    decades = list(range(-step * int(-lowest // step), int(top) + 1, step))
    shown = alt.Axis(values=decades, labelExpr="datum.value == 0 ? '1' : '1e' + datum.value", tickCount=len(decades))
    y = alt.Y("value:Q", title="gradient, relative to distance 0", axis=shown, scale=alt.Scale(domain=[lowest, top], nice=False))
    styles = {curve.name: kind_style(curve.name, dark) for curve in curves}
    layers = [*_bands(curves, styles, x, y), *_floor(floor, lowest, dark, y), *_opener(opener, x, dark)]
    layers += _lines(curves, styles, x, y)
    layers += [*_names(curves, styles, (lowest, top), (x, y), dark), *_strip(felt, lags, across, dark)]
    chart = alt.layer(*layers).properties(height=HEIGHT, width=WIDTH)
    # Only the width gives way to the page: squeezed in height too, the strip would leave its place under the lines.
    chart.autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    return themed(chart, in_words(curves), dark)


def _across(felt: Felt, lags: int, field: str) -> alt.X:
    every = next((step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500) if lags / step <= 12), 1000)
    offset = felt.height(lags) + GAP + (felt.rows() - 1) * (ROW + GAP) + 2
    axis = alt.Axis(offset=offset, grid=False, values=list(range(0, lags, every)), labelOverlap=False, labelFlush=False)
    return alt.X(f"{field}:Q", title=f"{noun(felt.tokens)} ago", axis=axis, scale=alt.Scale(domain=[lags - 0.5, -0.5], nice=False))


def in_words(curves: Sequence[Curve]) -> str:
    """The text alternative: the distances at which each line falls below 1/2, 1/10, 1/100 and 1/1000."""
    parts = []
    for curve in curves:
        distances = zip(SHARES, reach([curve.log10]).falls, strict=True)
        falls = [f"1/{1 / share:.0f} after {lag}" for share, lag in distances if lag is not None]
        parts.append(f"{curve.name}: {', '.join(falls) or 'never below 1/2'}")
    return "Norm of the gradient by distance from the loss, on a logarithmic scale. Steps until it is below: " + "; ".join(parts) + "."


def table(curves: Sequence[Curve], felt: Felt) -> pd.DataFrame:
    """Every number of the figure, a row for each distance; norms as powers of ten."""
    lags = max(len(felt.tokens), *(len(curve.log10) for curve in curves))
    columns: dict[str, np.ndarray] = {}
    for name, values in {"gradient to the input": felt.log10, "gradient × input": felt.times_input}.items():
        if values is not None:
            columns[name] = _padded(values[::-1], lags)
    frame = pd.DataFrame({"characters ago": np.arange(lags), "character": [*felt.tokens[::-1], *[""] * (lags - len(felt.tokens))]})
    lines = {f"{curve.name}, log10": _padded(curve.log10, lags) for curve in curves}
    return frame.assign(**lines, **columns)


def _padded(values: np.ndarray, length: int) -> np.ndarray:
    return np.concatenate([values, np.full(length - len(values), np.nan)])


def _lines(curves: Sequence[Curve], styles: dict, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    frames = [_frame(curve).assign(width=2.2 if curve.is_trained else 1.3) for curve in curves]
    tooltip = [alt.Tooltip("series", title="network"), alt.Tooltip("lag", title="distance")]
    tooltip.append(alt.Tooltip("share", title="relative to distance 0", format=".2g"))
    width = alt.StrokeWidth("width:Q", scale=None)
    base = alt.Chart(pd.concat(frames, ignore_index=True))
    lines = base.mark_line(clip=True).encode(x=x, y=y, color=colours(styles), strokeDash=dashes(styles), strokeWidth=width)
    # Points that are not seen: a line alone is too thin to be pointed at.
    return [lines, base.mark_point(clip=True, opacity=0, size=60, filled=True).encode(x=x, y=y, color=colours(styles), tooltip=tooltip)]


def _frame(curve: Curve) -> pd.DataFrame:
    values = _finite(curve.log10)
    frame = pd.DataFrame({"lag": np.arange(len(values)), "value": values, "share": 10.0**values, "series": curve.name})
    return frame.dropna(subset=["value"])


def _bands(curves: Sequence[Curve], styles: dict, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    drawn = []
    for curve in curves:
        if curve.band is not None:
            low, high = (np.where(np.isfinite(edge), edge, -400.0) for edge in curve.band)
            frame = pd.DataFrame({"lag": np.arange(len(low)), "value": low, "high": high})
            area = alt.Chart(frame).mark_area(clip=True, opacity=0.16).encode(x=x, y=y, y2=alt.Y2("high:Q"))
            drawn.append(area.encode(color=alt.ColorValue(styles[curve.name][0])))
    return drawn


def _floor(floor: float, lowest: float, dark: bool, y: alt.Y) -> list[alt.Chart]:
    """What float32 cannot hold; on the scale of twelve decades a line of words that says where it lies."""
    quiet = {"fontSize": 11, "color": ink(dark), "opacity": 0.75}
    if floor < lowest:
        words = pd.DataFrame({"words": [f"float32 ends at 1e{floor:.0f} (see the full range)"]})
        text = alt.Chart(words).mark_text(align="left", baseline="bottom", dx=4, **quiet).encode(text=alt.Text("words:N"))
        return [text.encode(x=alt.XValue(0), y=alt.YValue(HEIGHT - 3))]
    frame = pd.DataFrame({"value": [floor], "low": [lowest], "words": ["smaller than any float32 number"]})
    region = alt.Chart(frame).mark_rect(color=ink(dark, faint=True), opacity=0.45).encode(y=y, y2=alt.Y2("low:Q"))
    rule = alt.Chart(frame).mark_rule(color=ink(dark), strokeDash=[2, 3]).encode(y=y)
    text = (
        alt.Chart(frame)
        .mark_text(align="right", baseline="top", dx=-4, dy=4, **quiet)
        .encode(x=alt.XValue("width"), y=y, text=alt.Text("words:N"))
    )
    return [region, rule, text]


def _opener(opener: tuple[int, str] | None, x: alt.X, dark: bool) -> list[alt.Chart]:
    if opener is None:
        return []
    frame = pd.DataFrame({"lag": [opener[0]], "words": [opener[1]]})
    rule = alt.Chart(frame).mark_rule(color=ink(dark), opacity=0.5, strokeDash=[1, 3]).encode(x=x)
    text = (
        alt.Chart(frame)
        .mark_text(color=ink(dark), align="right", baseline="top", dx=-4, fontSize=12)
        .encode(x=x, y=alt.YValue(1), text=alt.Text("words:N"))
    )
    return [rule, text]


def _names(curves: Sequence[Curve], styles: dict, scale: tuple[float, float], axes: tuple[alt.X, alt.Y], dark: bool) -> list[alt.Chart]:
    """The name of each line where it leaves the picture: at the far end, or at the bottom."""
    (lowest, top), (x, y) = scale, axes
    gap = 15 / HEIGHT * (top - lowest)
    ends = []
    for curve in curves:
        inside = np.flatnonzero(curve.log10 > lowest)
        last = int(inside[-1]) if len(inside) else 0
        ends.append(
            {"lag": last, "value": float(max(curve.log10[last], lowest)), "series": curve.name, "far": last == len(curve.log10) - 1}
        )
    far = [end for end in ends if end["far"]]
    for end, value in zip(far, spread([end["value"] + gap * 0.6 for end in far], gap), strict=True):
        end["value"] = value
    for index, end in enumerate(sorted((end for end in ends if not end["far"]), key=lambda end: end["lag"])):
        end["value"] = lowest + gap * (1.6 + 1.1 * index)
    drawn = []
    for is_far, side in ((True, {"align": "left", "dx": 6}), (False, {"align": "right", "dx": -7})):
        frame = pd.DataFrame([end for end in ends if end["far"] is is_far], columns=["lag", "value", "series", "far"])
        if len(frame):
            text = alt.Chart(frame).mark_text(fontSize=12, fontWeight=600, **side).encode(x=x, y=y, text=alt.Text("series:N"))
            drawn += haloed(text.encode(color=colours(styles)), dark)
    return drawn


def _strip(felt: Felt, lags: int, across: Callable[[str], alt.X], dark: bool) -> list[alt.Chart]:
    """Tokens coloured by the gradient to the input, and below them, where it is known, gradient times input."""
    frame = _token_frame(felt, dark)
    tooltip = [alt.Tooltip("named", title=noun(felt.tokens)[:-1]), alt.Tooltip("lag", title=f"{noun(felt.tokens)} ago")]
    tooltip.append(alt.Tooltip("gradient", title=f"log10 of the {felt.label}", format=".2f"))
    if felt.times_input is not None:
        tooltip.append(alt.Tooltip("times", title="gradient × input", format=".2g"))
    drawn, low = [], HEIGHT + GAP
    for row, (label, height) in enumerate([(felt.label, felt.height(lags)), ("gradient × input", ROW)][: felt.rows()]):
        cells = alt.Chart(frame).mark_rect().encode(x=across("from"), x2=alt.X2("to:Q"), tooltip=tooltip)
        cells = cells.encode(y=alt.YValue(low), y2=alt.Y2Value(low + height), color=alt.Color(f"fill{row}:N", scale=None))
        words = alt.Chart(pd.DataFrame({"words": [label]})).mark_text(align="right", dx=-6, fontSize=11, color=ink(dark))
        drawn += [cells, words.encode(x=alt.XValue(0), y=alt.YValue(low + height / 2), text=alt.Text("words:N"))]
        if row == 0:
            drawn += _letters(felt, frame, lags, across("lag"), low + height / 2)
        low += height + GAP
    return drawn


def _token_frame(felt: Felt, dark: bool) -> pd.DataFrame:
    """A row for each token: what it is, how far away, its gradients, and the colours of its cells."""
    frame = pd.DataFrame({"lag": np.arange(len(felt.tokens))[::-1], "character": [shown(token) for token in felt.tokens]})
    frame["named"] = [said(token) or token for token in felt.tokens]
    frame["from"], frame["to"] = frame["lag"] - 0.5, frame["lag"] + 0.5
    frame["gradient"] = [float(value) if np.isfinite(value) else None for value in felt.log10]
    fills = paints(felt.places())
    frame["fill0"], frame["ink0"] = [paint for paint, _ in fills], [letter for _, letter in fills]
    if felt.times_input is not None:
        frame["times"] = felt.times_input
        frame["fill1"] = [_paint(SIGNED[dark][round((position + 1) / 2 * 255)])[0] for position in felt.signed_places()]
    return frame


def _letters(felt: Felt, frame: pd.DataFrame, lags: int, x: alt.X, middle: float) -> list[alt.Chart]:
    """The tokens on their cells: characters upright, words written upwards, nothing where there is no room for it."""
    is_upwards = felt.height(lags) > ROW
    if not is_upwards and noun(felt.tokens) != "characters":
        return []
    size = f"width / {lags}"
    font = {"font": "monospace", "fontSize": alt.expr(f"min(14, 1.6 * {size})"), "opacity": alt.expr(f"{size} < 4 ? 0 : 1")}
    if is_upwards:
        font = {"font": "monospace", "fontSize": 11, "angle": 270, "limit": 7 * LONGEST + 4}
    letters = alt.Chart(frame).mark_text(**font)  # type: ignore[arg-type]
    return [letters.encode(x=x, y=alt.YValue(middle), text=alt.Text("character:N"), color=alt.Color("ink0:N", scale=None))]


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


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
                "series": name,
                "token": list(tokens),
            }
        )
        for name, values in series.items()
    ]
    frame, styles = pd.concat(frames, ignore_index=True), {name: kind_style(name, dark) for name in series}
    values = frame["value"].to_numpy()
    low, high = float(np.floor(np.nanmin(values))), float(np.ceil(np.nanmax(values)))
    axis = alt.Axis(values=list(np.arange(low, high + 1)), labelExpr="'1e' + datum.value")
    x = alt.X("position:Q", title="position in the text", axis=alt.Axis(tickMinStep=1, grid=False), scale=alt.Scale(nice=False, zero=False))
    y = alt.Y("value:Q", title="gradient of the summed loss", axis=axis, scale=alt.Scale(domain=[low, high], nice=False))
    tooltip = [alt.Tooltip("series", title="network"), "position", "token", alt.Tooltip("value", title="log10", format=".2f")]
    lines = alt.Chart(frame).mark_line(strokeWidth=1.6).encode(x=x, y=y, color=colours(styles), strokeDash=dashes(styles), tooltip=tooltip)
    decades = ", ".join(f"{name} {np.ptp(values[np.isfinite(values)]):.1f}" for name, values in series.items())
    names = end_labels(frame, styles, (low, high), 180, dark)
    for words in names:
        words.mark.lineBreak = ", "  # a name on two lines leaves the lines more room on a narrow screen
    chart = alt.layer(lines, *names).properties(width=620, height=180)
    chart.autosize = alt.AutoSizeParams(type="fit-x", contains="padding")  # squeezed in height too, the title of the axis would be cut
    return themed(chart, f"Gradient of the summed loss along the text. Decades between its largest and smallest value: {decades}.", dark)


def summed_table(series: Mapping[str, np.ndarray], tokens: Sequence[str]) -> pd.DataFrame:
    """Every number of that figure, powers of ten; series: name -> [time]."""
    return pd.DataFrame({"character": list(tokens)} | dict(series))
