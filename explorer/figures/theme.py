"""The common theme of all figures: colours, dashes, labels at the ends of lines, fonts, light and dark."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from explorer.figures.scales import GROUND

# Okabe-Ito colours with a dash each: told apart by the colour-blind and in grey print.
KINDS: Mapping[str, tuple[str, list[int]]] = {
    "rnn": ("#d55e00", [6, 3]),
    "gru": ("#009e73", [2, 2]),
    "lstm": ("#0072b2", [1, 0]),
    "n-gram": ("#72727a", [1, 0]),
}
DARK_KINDS: Mapping[str, str] = {"rnn": "#ff8c42", "gru": "#3ddba6", "lstm": "#5ab4f0", "n-gram": "#9a9aa2"}
# The same architecture with random weights: the colour of its kind, in dashes that no trained network has.
UNTRAINED: Mapping[str, list[int]] = {"rnn": [6, 3, 1, 3], "gru": [2, 6], "lstm": [10, 4], "n-gram": [1, 4]}
PARTS = {"kept": "lstm", "written": "rnn", "shown": "gru"}  # the ledger borrows the three colours
SECOND = ("#cc79a7", [6, 2])  # Okabe and Ito's purple, read on light and dark
LAYER_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
LAYERS = {False: ("#0072b2", "#d55e00", "#009e73", "#7b5ea7"), True: ("#5ab4f0", "#ff8c42", "#3ddba6", "#c0a9ea")}


def ink(dark: bool = False, faint: bool = False) -> str:
    """Colour of letters and axes; `faint` for grid, rules and raw data behind a smooth line."""
    if faint:
        return "#4a4a55" if dark else "#c9c9d1"
    return "#e6e6ea" if dark else "#31333f"


def kind_of(name: str) -> str:
    """The kind a model's or series' name tells: "wiki-lstm" is an lstm, "5-gram" an n-gram; lstm where it tells none."""
    low = name.lower()
    return next((kind for kind in ("lstm", "gru", "rnn") if kind in low), "n-gram" if "gram" in low else "lstm")


def kind_style(name: str, dark: bool = False) -> tuple[str, list[int]]:
    """Colour and dash of a model's line, by its kind and whether it is trained; or of "layer 1", "layer 2" and so on, by the layer."""
    if re.fullmatch(r"layer \d+", name):
        layer = int(name.split()[1]) - 1
        return LAYERS[dark][layer % len(LAYERS[dark])], LAYER_DASHES[layer % len(LAYER_DASHES)]
    kind = kind_of(name)
    colour, dash = KINDS[kind]
    return (DARK_KINDS[kind] if dark else colour), UNTRAINED[kind] if "untrained" in name.lower() else dash


def line_styles(names: Iterable[str], dark: bool = False) -> dict[str, tuple[str, list[int]]]:
    """Colour and dash of each line by its kind; the second of a kind gets a colour and a dash of its own."""
    styles: dict[str, tuple[str, list[int]]] = {}
    for name in names:
        style = kind_style(name, dark)
        styles[name] = SECOND if style in styles.values() else style
    return styles


def themed(chart: alt.TopLevelMixin, sentence: str, dark: bool = False) -> alt.TopLevelMixin:
    """The chart itself in the one theme, with one sentence that says what it shows to those who cannot see it."""
    text, line = ink(dark), ink(dark, faint=True)
    axis = {
        "labelColor": text, "titleColor": text, "gridColor": line, "domainColor": line, "tickColor": line,
        "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "gridOpacity": 0.5,
    }  # fmt: skip
    config = alt.Config(
        font="Source Sans, system-ui, sans-serif",
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(**axis),  # type: ignore[arg-type]
        title=alt.TitleConfig(color=text, fontSize=13, fontWeight=600, anchor="start"),
        legend=alt.LegendConfig(labelColor=text, titleColor=text),
        numberFormat=",.6~g",  # else the labels of an axis over tiny values are all "0.000000"
    )
    # Set on the chart itself, which is made for this: `properties` would copy it with all its parts, a fifth of the time of a figure.
    chart.description, chart.background, chart.config = sentence, GROUND[dark], config  # type: ignore[attr-defined]
    return chart


def unsqueezed(chart: Any) -> Any:
    """The chart with a size that is that of its plot: else a page takes room for labels and legend out of the plot itself."""
    chart.autosize = alt.AutoSizeParams(type="pad")
    return chart


def sentence_of(figure: alt.TopLevelMixin) -> str:
    """The sentence a figure was given, for `alt=` and for screen readers; empty where it has none."""
    sentence = getattr(figure, "description", "")
    return sentence if isinstance(sentence, str) else ""


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


def haloed(words: alt.Chart, dark: bool) -> tuple[alt.Chart, alt.Chart]:
    """Words that can be read on a line of their own colour: under them the same words, wider, in the colour of the ground."""
    under: Any = words.copy(deep=True)
    for name, value in {"fill": GROUND[dark], "stroke": GROUND[dark], "strokeWidth": 4, "strokeJoin": "round", "opacity": 1}.items():
        under.mark[name] = value
    under.mark["aria"], under.mark["color"], under.encoding.color = False, alt.Undefined, alt.Undefined
    return under, words


def end_labels(
    frame: pd.DataFrame,
    styles: dict[str, tuple[str, list[int]]],
    scale: tuple[float, float],
    height: int,
    dark: bool,
    x: alt.X | None = None,
) -> tuple[alt.Chart, alt.Chart]:
    """The name of each series at the right end of its line; `frame` has position, value, series."""
    last = frame[frame["value"].notna()].groupby("series", sort=False).last().reset_index()
    gap = 15 / height * (scale[1] - scale[0])
    last["value"] = spread([float(v) for v in last["value"]], gap, scale[0] + 0.4 * gap)  # none over the letters of the axis
    words = alt.Chart(last).mark_text(align="left", dx=6, fontSize=12, fontWeight=600)
    words = words.encode(x=x or alt.X("position:Q"), y=alt.Y("value:Q"), text=alt.Text("series:N"), color=colours(styles))
    return haloed(words, dark)


def colours(styles: dict[str, tuple[str, list[int]]]) -> alt.Color:
    """A colour for each series, without a legend."""
    return alt.Color("series:N", legend=None, scale=alt.Scale(domain=list(styles), range=[c for c, _ in styles.values()]))


def dashes(styles: dict[str, tuple[str, list[int]]]) -> alt.StrokeDash:
    """A dash for each series, without a legend."""
    return alt.StrokeDash("series:N", legend=None, scale=alt.Scale(domain=list(styles), range=[d for _, d in styles.values()]))


def rule_at(value: float, dark: bool) -> alt.Chart:
    """A faint level line."""
    return alt.Chart(pd.DataFrame({"value": [value]})).mark_rule(color=ink(dark, faint=True), strokeDash=[2, 3]).encode(y=alt.Y("value:Q"))


def break_rules(breaks: Iterable[int | float], axis: str, dark: bool) -> alt.Chart:
    """Upright lines on an axis of steps where the state was reset or changed."""
    frame = pd.DataFrame({axis: list(map(float, breaks))})
    return alt.Chart(frame).mark_rule(color=ink(dark), strokeWidth=1.5).encode(x=alt.X(f"{axis}:Q"))
