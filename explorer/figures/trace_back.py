"""Trace back: the units that a prediction rests on as bars, and the text coloured by who wrote their states, with the check below."""

import json

import altair as alt
import numpy as np
import pandas as pd

from explorer.analysis.trace_back import TraceBack
from explorer.errors import FigureError
from explorer.figures.attribution import SIGNED, Row, token_rows
from explorer.figures.characters import name as said
from explorer.figures.characters import shown
from explorer.figures.readout import two
from explorer.figures.scales import css
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


def matrix(back: TraceBack, start: int = 0, dark: bool = False) -> alt.TopLevelMixin:
    """Who wrote the state of one unit at every character: a row for each, and in it a cell for each character that wrote.

    A write fades along its column as far as the gates let it; a column that ends was forgotten, and never comes back.

    Args:
        back: What is drawn; of a single unit.
        start: Position of the first token in the whole text.
        dark: Colours for a dark ground.

    Raises:
        FigureError: it follows all units together.
    """
    if back.matrix is None:
        raise FigureError("The matrix of writes is that of one unit; this is of all units together. Choose a unit.")
    now, writer = np.nonzero(np.tri(len(back.tokens), dtype=bool))
    frame = pd.DataFrame({"now": now, "writer": writer, "written": back.matrix[now, writer]})
    frame["read"], frame["by"] = ([f"{_called(back.tokens[at])} at {start + at + 1}" for at in which] for which in (now, writer))
    most = float(np.abs(back.matrix).max()) or 1.0
    signs = json.dumps([shown(token) for token in back.tokens], ensure_ascii=False)
    axes = {"labelExpr": f"{signs}[datum.value]", "labelAngle": 0, "ticks": False, "domain": False, "labelFont": "monospace"}
    colours = [css(colour) for colour in SIGNED[dark][[0, 64, 128, 192, 255]]]
    cells = alt.Chart(frame).mark_rect().encode(
        x=alt.X("writer:O", title="written by", axis=alt.Axis(**axes)),
        y=alt.Y("now:O", title="state after", axis=alt.Axis(**axes)),
        color=alt.Color("written:Q", title=f"unit {back.unit}", scale=alt.Scale(domain=[-most, most], range=colours, interpolate="rgb")),
        tooltip=[alt.Tooltip("by", title="written by"), alt.Tooltip("read", title="state after"), alt.Tooltip("written", format=".3f")],
    )  # fmt: skip
    size = max(180, 12 * len(back.tokens))
    at = back.writer
    amount = two(float(back.matrix[-1, at]))
    description = (
        f"What each of {len(back.tokens)} tokens wrote of the state of unit {back.unit}, after every later one. The largest write that is "
        f"still there at the end is that of {_called(back.tokens[at])} at position {start + at + 1}: {amount}."
    )
    return themed(cells.properties(width=size, height=size), description, dark)


def _called(token: str) -> str:
    return said(token) or shown(token)


def matrix_table(back: TraceBack, start: int = 0) -> pd.DataFrame:
    """Every number of the matrix: position of the state, position of the writer, amount."""
    now, writer = np.nonzero(np.tri(len(back.tokens), dtype=bool))
    values = np.zeros(0) if back.matrix is None else back.matrix[now, writer]
    return pd.DataFrame({"state after": now + start + 1, "written by": writer + start + 1, "written": values})


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
