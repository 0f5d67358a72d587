"""What a nudged unit makes a network say: change of the logits of some tokens, as quantiles over places, at several horizons."""

import altair as alt
import pandas as pd

from explorer.figures.theme import kind_style, themed

REAL, LINEAR = "the real nudge", "the Jacobian times the nudge"
WIDTH, ROW = 250, 34  # pixels of a horizon, and of a token in it


def quantiles(effects: pd.DataFrame, dark: bool = False) -> alt.TopLevelMixin:
    """For each horizon its tokens, each with two bars from the 10 % to the 90 % quantile over places, and the medians as points.

    Args:
        effects: A row for each horizon, token and way, with the columns horizon (tokens later), token, way (`REAL` or `LINEAR`), and
            low, median, high: quantiles of the change of the logit.
        dark: Colours for a dark ground.
    """
    ways = [REAL, LINEAR]
    styles = [kind_style(kind, dark)[0] for kind in ("rnn", "lstm")]
    tint = alt.Color("way:N", scale=alt.Scale(domain=ways, range=styles), legend=alt.Legend(title=None, orient="top", labelLimit=260))
    shape = alt.Shape("way:N", scale=alt.Scale(domain=ways, range=["circle", "diamond"]), legend=None)
    charts = []
    for horizon, frame in effects.groupby("horizon", sort=True):
        y = alt.Y("token:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False, labelFont="monospace", labelFontSize=14))
        offset = alt.YOffset("way:N", sort=ways, scale=alt.Scale(paddingOuter=0.4))
        tooltip = ["token", "way", *(alt.Tooltip(name, format="+.3f") for name in ("low", "median", "high"))]
        x = alt.X("low:Q", title="change of the logit, nats", axis=alt.Axis(format="+~g", tickCount=4))
        base = alt.Chart(frame).encode(y=y, yOffset=offset, color=tint, tooltip=tooltip)
        points = base.mark_point(filled=True, size=45, opacity=1).encode(x="median:Q", shape=shape)
        zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(strokeDash=[2, 2], opacity=0.6).encode(x="zero:Q")
        title = "the next token" if horizon == 1 else f"{horizon} tokens later"
        size = {"width": WIDTH, "height": ROW * frame["token"].nunique()}
        charts.append(alt.layer(zero, base.mark_rule(strokeWidth=3).encode(x=x, x2="high:Q"), points, title=title).properties(**size))
    return themed(alt.hconcat(*charts, spacing=18).resolve_scale(y="independent"), in_words(effects), dark)


def in_words(effects: pd.DataFrame) -> str:
    """The text alternative."""
    parts = []
    for horizon, frame in effects[effects["way"] == REAL].groupby("horizon", sort=True):
        one = frame.iloc[0]
        when = "At the next token" if horizon == 1 else f"{horizon} tokens later"
        parts.append(
            f"{when} {one['token']} changes most: its logit by {one['low']:+.2f} to {one['high']:+.2f}, median {one['median']:+.2f}."
        )
    return f"Change of logits after the real nudge, 10 % to 90 % of the places. {' '.join(parts)}"
