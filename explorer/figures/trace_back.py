"""Trace back: the units that a prediction rests on as bars, and the text coloured by who wrote their states, with the check below."""

import altair as alt
import numpy as np
import pandas as pd

from explorer.analysis.trace_back import TraceBack
from explorer.figures.attribution import Row, token_rows
from explorer.figures.characters import name as said
from explorer.figures.characters import shown
from explorer.figures.readout import two
from explorer.figures.theme import ink, themed

STEP = 22  # pixels of a bar
POSITIVE, NEGATIVE = "#b35806", "#2166ac"  # as in the rows: orange for, blue against
OTHERS, BIAS = "all other units", "bias"
NO_WRITE_HELD, NO_WRITE = "without the write, gates held", "without the write, gates computed anew"


def rows(back: TraceBack, start: int = 0, dark: bool = False) -> alt.TopLevelMixin:
    """Three rows of the same tokens: what each wrote, and what the prediction loses without it, with gates held and computed anew.

    Args:
        back: What is drawn.
        start: Position of the first token in the whole text.
        dark: Colours for a dark ground.
    """
    of = "nats" if back.unit is None else f"of unit {back.unit}"
    drawn = [
        Row("written", f"up to {two(_largest(back.written))} {of}, {two(back.total)} in all", back.written, True),
        Row(NO_WRITE_HELD, f"up to {two(_largest(back.held))} nats", back.held, True),
    ]
    if not np.isnan(back.anew).all():
        drawn.append(Row(NO_WRITE, f"up to {two(_largest(back.anew))} nats", back.anew, True))
    return token_rows(back.tokens, drawn, start, sentence(back, start), dark)


def sentence(back: TraceBack, start: int = 0) -> str:
    """The text alternative."""
    token = back.tokens[back.writer]
    of = "the logit" if back.unit is None else f"the state of unit {back.unit}"
    effect = back.held[back.writer]
    return (
        f"Prediction of {said(back.predicted) or shown(back.predicted)}, probability {back.p:.2f}. The largest part of {of}, "
        f"{two(float(back.written[back.writer]))} of {two(back.total)}, was written by {said(token) or shown(token)} at position "
        f"{start + back.writer + 1}. Without that write, all gates as they were, the probability is {back.p_after(float(effect)):.2f}."
    )


def units(back: TraceBack, dark: bool = False) -> alt.TopLevelMixin:
    """The logit as a sum: the strongest units, all others together, and the bias, as bars with signs.

    Args:
        back: What is drawn.
        dark: Colours for a dark ground.
    """
    frame = units_table(back)
    frame["text"] = [two(value) for value in frame["nats"]]
    frame["end"] = np.maximum(frame["nats"], 0)
    frame["colour"] = [POSITIVE if value > 0 else NEGATIVE for value in frame["nats"]]
    y = alt.Y("part:N", sort=None, title=None, axis=alt.Axis(labelLimit=160, ticks=False, domain=False))
    bars = alt.Chart(frame).mark_bar(size=STEP - 7).encode(
        x=alt.X("nats:Q", title="nats of the logit"),
        y=y,
        color=alt.Color("colour:N", scale=None),
        tooltip=["part", alt.Tooltip("nats", format=".3f")],
    )  # fmt: skip
    words = alt.Chart(frame).mark_text(align="left", dx=4, color=ink(dark), tooltip=None).encode(x="end:Q", y=y, text="text:N")
    listed = ", ".join(f"{part} {two(value)}" for part, value in zip(frame["part"], frame["nats"], strict=True))
    token = said(back.predicted) or shown(back.predicted)
    description = f"The logit of {token}, {two(back.parts.logit)} nats compared with the mean, is the sum of {listed}."
    return themed(alt.layer(bars, words).properties(width=300, height=STEP * len(frame)), description, dark)


def units_table(back: TraceBack) -> pd.DataFrame:
    """The parts of the logit in nats: strongest units, all others, bias. They add up to it."""
    strongest = back.strongest
    others = float(back.parts.units.sum() - back.parts.units[strongest].sum())
    count = len(back.parts.units) - len(strongest)
    parts = [(f"unit {unit}", float(back.parts.units[unit])) for unit in strongest]
    parts += [(f"{count} {OTHERS.removeprefix('all ')}", others)] if count else []
    return pd.DataFrame([*parts, (BIAS, back.parts.bias)], columns=["part", "nats"])


def table(back: TraceBack, start: int = 0) -> pd.DataFrame:
    """Every number of the rows, a row for each token; effects in nats."""
    positions = np.arange(start + 1, start + 1 + len(back.tokens))
    numbers = {"written": back.written, NO_WRITE_HELD: back.held, NO_WRITE: back.anew}
    return pd.DataFrame({"position": positions, "token": back.tokens, **numbers})


def _largest(values: np.ndarray) -> float:
    return float(values[np.nanargmax(np.abs(values))])
