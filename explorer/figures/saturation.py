"""Gate saturation of all units as scatter plots: share of steps nearly shut against share nearly open."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from explorer.analysis.saturation import Saturation, open_means
from explorer.errors import AnalysisError
from explorer.figures.theme import LAYERS, ink, themed


def saturation(
    gates: Sequence[Saturation], chosen: tuple[int, int] | None = None, columns: int = 3, dark: bool = False
) -> alt.TopLevelMixin:
    """One dot is one unit: x its share of steps with the gate nearly shut, y nearly open; a panel for each gate.

    Everything lies under the line x + y = 1. A click selects a unit: selection "unit" with the fields layer and unit.

    Args:
        gates: One Saturation for each gate to show.
        chosen: (layer, unit) to ring in every panel.
        columns: Panels side by side; 1 on a narrow screen.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is no gate to show.

    Source: figure 2 (left) of Karpathy, Johnson and Fei-Fei, "Visualizing and Understanding Recurrent Networks", 2015.
    """
    if not gates:
        raise AnalysisError("There is no gate to show: a plain RNN has none.")
    click = alt.selection_point(name="unit", fields=["layer", "unit"], on="click", empty=False)
    panels = [_panel(one, click, chosen, dark) for one in gates]
    chart = alt.concat(*panels, columns=columns)
    # One selection for all panels, told where it listens: add_params would make one for each and warn. concat numbers the names.
    select = alt.PointSelectionConfig(type="point", fields=["layer", "unit"], on="click")
    chart.params = [alt.TopLevelSelectionParameter(name="unit", select=select, views=[panel.layer[1].name for panel in chart.concat])]
    shares = "; ".join(f"{one.gate}: {_share(one.shut)} of units mostly shut, {_share(one.open)} mostly open" for one in gates)
    return themed(chart, f"Gate saturation, one dot per unit, one panel per gate. {shares}.", dark)


def _share(values: np.ndarray) -> str:
    return f"{100 * (values > 0.5).mean():.0f} %"


def _panel(one: Saturation, click: alt.Parameter, chosen: tuple[int, int] | None, dark: bool) -> Any:
    layers, units = one.shut.shape
    frame = pd.DataFrame(
        {
            "layer": np.repeat(np.arange(layers), units),
            "shown": np.repeat(np.arange(layers) + 1, units),
            "unit": np.tile(np.arange(units), layers),
            "shut": one.shut.ravel().astype(float),
            "open": one.open.ravel().astype(float),
        }
    )
    frame["ringed"] = [chosen == (layer, unit) for layer, unit in zip(frame["layer"], frame["unit"], strict=True)]
    scale = alt.Scale(domain=[0, 1])
    x = alt.X("shut:Q", scale=scale, title="share of steps below 0.1 (nearly shut)", axis=alt.Axis(values=[0, 0.5, 1], format="~%"))
    y = alt.Y("open:Q", scale=scale, title="share of steps above 0.9 (nearly open)", axis=alt.Axis(values=[0, 0.5, 1], format="~%"))
    # Layers are counted from 1 on screen, as on the page; the selection keeps the record's own count.
    tint = alt.Color(
        "layer:O",
        title="layer",
        legend=alt.Legend(labelExpr="toNumber(datum.label) + 1"),
        scale=alt.Scale(domain=list(range(layers)), range=list(LAYERS[dark][:layers])),
    )
    limit = alt.Chart(pd.DataFrame({"shut": [0, 1], "open": [1, 0]})).mark_line(color=ink(dark, faint=True)).encode(x=x, y=y)
    shares = [alt.Tooltip(name, format=".2f") for name in ("shut", "open")]
    tooltip = [alt.Tooltip("shown:O", title="layer"), "unit", *shares]
    dots = (
        alt.Chart(frame, name=f"dots_{one.gate}")
        .mark_circle(size=36)
        .encode(
            x=x, y=y, color=tint, tooltip=tooltip,
            opacity=alt.condition(click, alt.value(1), alt.value(0.55)), size=alt.condition(click, alt.value(120), alt.value(36)),
        )
    )  # fmt: skip
    ring = alt.Chart(frame[frame["ringed"]]).mark_point(size=160, strokeWidth=2, color=ink(dark), filled=False).encode(x=x, y=y)
    title = alt.Title(f"{one.gate} gate", subtitle=open_means(one.gate), subtitleColor=ink(dark), subtitleFontSize=11)
    return alt.layer(limit, dots, ring).properties(width=220, height=220, title=title)
