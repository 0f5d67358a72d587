"""A text as a matrix of one-hot vectors: a column for each token, a row for each token of the vocabulary, a single 1 in each column."""

import json
from collections.abc import Sequence

import altair as alt
import pandas as pd

from explorer.errors import AnalysisError
from explorer.figures.characters import name, sign
from explorer.figures.theme import ink, themed, unsqueezed

COLUMN, ROW = 34, 13  # pixels of a token and of a row
EMPTY = {False: "#f4f4f7", True: "#1e1e24"}  # of a 0


def one_hot(ids: Sequence[int], vocabulary: Sequence[str], dark: bool = False) -> alt.TopLevelMixin:
    """The input of a network that reads one-hot vectors: in each column the square of the token that is read is dark.

    Args:
        ids: The tokens that are read, as indices of the vocabulary, [time].
        vocabulary: Every token that the network knows, [token].
        dark: Colours for a dark ground; the 1 is then light.

    Raises:
        AnalysisError: there is no token, or an index that the vocabulary does not have.
    """
    frame = table(ids, vocabulary).melt("token", var_name="position", value_name="value")
    names = [_name(token) for token in vocabulary]
    read = [_name(vocabulary[index]) for index in ids]
    labels = f"{json.dumps([sign(vocabulary[index]) for index in ids], ensure_ascii=False)}[datum.value - 1]"
    axis = alt.Axis(labelExpr=labels, labelFontSize=15, labelAngle=0, labelOverlap=False, orient="top", ticks=False, domain=False)
    down = alt.Axis(labelFontSize=11, labelOverlap=False, ticks=False, domain=False)
    cells = alt.Chart(frame).mark_rect(stroke=ink(dark, faint=True), strokeWidth=0.5, aria=False)
    cells = cells.encode(
        x=alt.X("position:O", title=None, axis=axis, sort=list(range(1, len(ids) + 1))),
        y=alt.Y("token:O", title=None, axis=down, sort=names),
        color=alt.Color("value:Q", scale=alt.Scale(domain=[0, 1], range=[EMPTY[dark], ink(dark)]), legend=None),
        tooltip=[alt.Tooltip("position:O", title="letter"), alt.Tooltip("token:O", title="row"), alt.Tooltip("value:Q", title="value")],
    )
    sentence = f"{len(ids)} one-hot vectors of {len(vocabulary)} numbers, side by side. The single 1 of each is in the row of its letter: "
    chart = cells.properties(width=COLUMN * len(ids), height=ROW * len(vocabulary))
    return themed(unsqueezed(chart), f"{sentence}{', '.join(read)}.", dark)


def table(ids: Sequence[int], vocabulary: Sequence[str]) -> pd.DataFrame:
    """The CSV: a row for each token of the vocabulary, a column for each position from 1, of 0 and 1.

    Args:
        ids: The tokens that are read, as indices of the vocabulary, [time].
        vocabulary: Every token that the network knows, [token].

    Raises:
        AnalysisError: there is no token, or an index that the vocabulary does not have.
    """
    if not len(ids) or min(ids) < 0 or max(ids) >= len(vocabulary):
        raise AnalysisError(f"ids holds {len(ids)} indices; expected one or more, each from 0 to {len(vocabulary) - 1}.")
    columns = {position: [int(index == row) for row in range(len(vocabulary))] for position, index in enumerate(ids, 1)}
    return pd.DataFrame({"token": [_name(token) for token in vocabulary]} | columns)


def _name(token: str) -> str:
    """What stands beside a row: the letter, or a word for a sign that cannot be read."""
    if token == "\N{REPLACEMENT CHARACTER}":
        return "unknown"
    return token if token.isalnum() else name(token).removesuffix("-minus") or sign(token)
