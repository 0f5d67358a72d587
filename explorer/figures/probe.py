"""What a linear probe finds of the past in the hidden state: the share of right answers by the number of characters back."""

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from explorer.errors import AnalysisError
from explorer.figures.theme import colours, dashes, end_labels, haloed, ink, kind_style, themed

HEIGHT = 260
CELL = [8, 3, 2, 3]  # dash of a cell state, which has the colour of its LSTM


def probe(shares: Mapping[str, Sequence[float]], lags: Sequence[int], chance: float, dark: bool = False) -> alt.TopLevelMixin:
    """The share of characters found by a probe, by how far back they are; the most frequent character as a grey rule.

    Args:
        shares: Name of a network -> its share at each lag.
        lags: Characters back.
        chance: Share of the most frequent character.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: no network, no lag, or a network without a share for each lag.
    """
    if not shares or not lags or any(len(of_network) != len(lags) for of_network in shares.values()):
        raise AnalysisError(f"Each network needs a share for each of the {len(lags)} lags, and there must be at least one of both.")
    frame = table(shares, lags)
    frame = frame.assign(series=frame["network"], position=frame["characters back"], value=frame["share"])
    styles = {name: _style(name, dark) for name in shares}
    x = alt.X("position:Q", title="characters back", scale=alt.Scale(domain=[min(lags), max(lags)], nice=False))
    y = alt.Y("value:Q", title="share of characters found", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    tooltip = ["network", "characters back", alt.Tooltip("share", format=".1%")]
    lines = alt.Chart(frame).mark_line(strokeWidth=2).encode(x=x, y=y, color=colours(styles), strokeDash=dashes(styles), tooltip=tooltip)
    at = pd.DataFrame({"value": [chance], "position": [max(lags)], "label": [f"most frequent character {chance:.0%}"]})
    rule = alt.Chart(at).mark_rule(color=ink(dark), strokeDash=[4, 3]).encode(y="value:Q")
    text = alt.Chart(at).mark_text(align="right", baseline="bottom", dy=-3, fontSize=11, color=ink(dark))
    named = haloed(text.encode(x="position:Q", y="value:Q", text="label:N"), dark)
    names = end_labels(frame, styles, (0.0, 1.0), HEIGHT, dark, x)
    chart = alt.layer(rule, lines, *named, *names).properties(width=760, height=HEIGHT)
    chart.autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    return themed(chart, in_words(shares, lags, chance), dark)


def _style(name: str, dark: bool) -> tuple[str, list[int]]:
    colour, dash = kind_style(name, dark)
    return colour, CELL if "cell state" in name else dash


def in_words(shares: Mapping[str, Sequence[float]], lags: Sequence[int], chance: float) -> str:
    """The text alternative: each network's share at the nearest lag and at the farthest."""
    parts = [f"{name} {values[0]:.0%} at {lags[0]} and {values[-1]:.0%} at {lags[-1]}" for name, values in shares.items()]
    return (
        f"Share of characters that a linear probe finds, by characters back: {'; '.join(parts)}; the most frequent character {chance:.0%}."
    )


def table(shares: Mapping[str, Sequence[float]], lags: Sequence[int]) -> pd.DataFrame:
    """Every number of the figure, a row for each network and lag."""
    rows = [(name, lag, share) for name, values in shares.items() for lag, share in zip(lags, values, strict=True)]
    return pd.DataFrame(rows, columns=["network", "characters back", "share"])
