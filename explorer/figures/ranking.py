"""Which units follow a track best, beside what else follows it."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from explorer.analysis.rank import LAST, Ranking
from explorer.figures.theme import ink, kind_style, themed, unsqueezed


def ranking(found: Ranking, names: Sequence[str] | None = None, top: int = 10, dark: bool = False) -> alt.TopLevelMixin:
    """The best units as bars, their r where they were not chosen, and every baseline as a rule across.

    A bar that does not pass a rule is no finding. A click selects a unit: selection "unit" with the field unit.

    Args:
        found: Result of `analysis.rank.rank`.
        names: What to call each unit, [unit]; "unit 21" if not given.
        top: How many.
        dark: Colours for a dark ground.
    """
    units = [int(u) for u in found.order[:top]]
    labels = [names[u] if names else f"unit {u}" for u in units]
    frame = pd.DataFrame({"unit": units, "name": labels, "r": [float(found.r[u]) for u in units]})
    frame["clears"] = [all(found.cleared(u).values()) for u in units]
    click = alt.selection_point(name="unit", fields=["unit"], on="click", empty=False)
    scale = alt.Scale(domain=[min(0.0, *(float(found.r[u]) for u in units)), 1])
    x = alt.X(
        "r:Q", title="correlation with the track, held out" if found.held_out else "correlation with the track, not held out", scale=scale
    )
    y = alt.Y("name:N", sort=None, title=None)
    colour, _ = kind_style("lstm", dark)
    tint = alt.condition("datum.clears", alt.value(colour), alt.value(ink(dark, faint=True)))
    bars = alt.Chart(frame).mark_bar(height={"band": 0.75}).encode(x=x, y=y, color=tint, tooltip=["name", alt.Tooltip("r", format=".2f")])
    bars = bars.encode(strokeWidth=alt.condition(click, alt.value(2), alt.value(0)), stroke=alt.value(ink(dark))).add_params(click)
    height = 24 * len(units)
    chart = alt.layer(bars, *_rules(found, scale, height, dark)).resolve_scale(y="independent").properties(width=300, height=height)
    return themed(unsqueezed(chart), f"The {len(units)} best units as bars, baselines as rules. {found.verdict()}", dark)


def _rules(found: Ranking, scale: alt.Scale, height: int, dark: bool) -> tuple[alt.Chart, alt.Chart]:
    """A rule for chance, for the untrained network and for the best table, their names in steps above the bars."""
    table = max((name for name in found.baselines if name in LAST), key=lambda name: found.baselines[name].r, default=None)
    names = [name for name in found.baselines if name not in LAST or name == table]
    names.sort(key=lambda name: found.baselines[name].r)
    frame = pd.DataFrame({"baseline": names, "r": [float(found.baselines[name].r) for name in names]})
    frame["label"] = [f"{name} {r:.2f}" for name, r in zip(names, frame["r"], strict=True)]
    frame["top"] = [-14.0 * (len(names) - i) + 6 for i in range(len(names))]  # pixels: the lowest baseline has the highest label
    frame["bottom"] = float(height)
    x, y = alt.X("r:Q", scale=scale), alt.Y("top:Q", scale=None, axis=None)
    rules = alt.Chart(frame).mark_rule(color=ink(dark), strokeDash=[4, 3]).encode(x=x, y=y, y2="bottom:Q", tooltip=["baseline", "r"])
    texts = alt.Chart(frame).mark_text(align="left", dx=4, dy=2, fontSize=11, color=ink(dark)).encode(x=x, y=y, text="label:N")
    return rules, texts
