"""What a linear probe reads from the units of a layer, against the truth; and what its scores say."""

import altair as alt
import numpy as np
import pandas as pd

from explorer.analysis.linear_probe import LinearProbe
from explorer.axes import Float
from explorer.figures.theme import ink, kind_style, themed

SIZE = 320
MOST = 2_000  # points that are drawn
SAME_RHYTHM = "a series of the same rhythm with random phases"


def agreement(probe: LinearProbe, truth: Float[np.ndarray, "time"], name: str, dark: bool = False) -> alt.TopLevelMixin:
    """The held-out predictions over the truth: on the diagonal they are right.

    Args:
        probe: What was found.
        truth: The quantity, [time]; nan where it is missing.
        name: Of the quantity.
        dark: Colours for a dark ground.
    """
    known = np.flatnonzero(np.isfinite(probe.predicted))
    shown = table(probe, truth).iloc[known[np.unique(np.linspace(0, len(known) - 1, MOST).astype(int))]]
    ends = [float(truth[known].min()), float(truth[known].max())]
    scale = alt.Scale(domain=ends, nice=True, zero=False)
    x = alt.X("truth:Q", title=f"{name}, truth", scale=scale)
    y = alt.Y("prediction:Q", title="held-out prediction", scale=alt.Scale(zero=False, nice=True))
    tooltip = ["step", alt.Tooltip("truth", format=".4g"), alt.Tooltip("prediction", format=".4g")]
    points = alt.Chart(shown).mark_circle(size=12, opacity=0.45, color=kind_style("lstm", dark)[0]).encode(x=x, y=y, tooltip=tooltip)
    line = pd.DataFrame({"truth": ends, "prediction": ends})
    diagonal = alt.Chart(line).mark_line(strokeWidth=1.2, strokeDash=[4, 3], color=ink(dark)).encode(x=x, y=y)
    chart = alt.layer(points, diagonal).properties(width=SIZE, height=SIZE)
    return themed(chart, f"Held-out predictions of {name} over its true values, and the diagonal. R² is {_two(probe.r2)}.", dark)


def table(probe: LinearProbe, truth: Float[np.ndarray, "time"]) -> pd.DataFrame:
    """Truth [time] and held-out prediction at each step."""
    return pd.DataFrame({"step": np.arange(1, len(truth) + 1), "truth": truth, "prediction": probe.predicted})


def in_words(probe: LinearProbe, name: str, control: str = SAME_RHYTHM) -> str:
    """The scores in sentences, each beside what it must be compared with.

    Args:
        probe: What was found.
        name: Of the quantity.
        control: What the control is.
    """
    chance = max(0.0, probe.chance)
    is_there = "can be read from the units" if probe.r2 > max(0.1, chance + 0.05) else "cannot be read from the units better than by chance"
    parts = [
        f"{name} {is_there}: R² is {_two(probe.r2)} on steps that the probe was not fitted on.",
        f"Shifted in time, 95 % of {len(probe.shuffled)} shifts stay below {_two(probe.chance)}.",
        f"The control, {control}, reaches {_two(probe.control)}, so the selectivity is {_two(probe.selectivity)}.",
    ]
    return " ".join([*parts, *(f"Read from {other}, R² is {_two(score)}." for other, score in probe.baselines.items())])


def _two(value: float) -> str:
    return f"{value:.2f}".replace("-", "\u2212") if value > -10 else "far below 0"
