"""Attribution: the same tokens in one row for each method, coloured by their scores, with the effect of really deleting them on top."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from explorer.analysis.attribution import RECENCY, Attribution, Comparison
from explorer.figures.characters import columns_of, counted, shown
from explorer.figures.characters import name as said
from explorer.figures.readout import two
from explorer.figures.scales import SEQUENTIAL, Scale, css, ramp
from explorer.figures.scales import ink as on
from explorer.figures.theme import ink, themed, unsqueezed

CELL, TITLE, GAP = 26, 18, 8  # pixels: height of a row, of the words above it, of the room below it
NARROW, WIDE, FEW = 15, 34, 24  # width of a character; of one of few
MARK, SMALL = 3, 0.1  # pixels of the bar that shows a sign; a smaller share of the largest score has none
NAMES = {"gradient x input": "gradient × input", RECENCY: "recency alone (the nearer, the more)"}
DELETED = "deleted, and the rest read again"
SIGNED = {dark: ramp(("#2166ac", "#1e1e24" if dark else "#f7f7f7", "#b35806")) for dark in (False, True)}


@dataclass(frozen=True, eq=False)
class Row:
    """One row: its name, what stands behind it, its scores [time], nan where there is none, and whether they have a sign."""

    name: str
    more: str
    scores: np.ndarray
    is_signed: bool

    def shares(self) -> np.ndarray:
        """The scores as shares of the largest, -1..1, [time]."""
        scores = np.nan_to_num(self.scores)
        largest = np.abs(scores).max(initial=0)
        return scores / largest if largest else np.zeros(len(scores))


def in_words(method: str) -> str:
    """A method as it is called on screen."""
    return NAMES.get(method, method)


def correlation(value: float | None) -> str:
    """A rank correlation in two digits; a dash where there is none, because all scores or all effects are the same."""
    return "–" if value is None or math.isnan(value) else two(value)


def rows(comparison: Comparison, start: int = 0, dark: bool = False) -> alt.TopLevelMixin:
    """Deletion in the first row, each method in one below it; every row is scaled to its own largest score.

    Args:
        comparison: What is drawn.
        start: Position of the first token in the whole text.
        dark: Colours for a dark ground.
    """
    agreements = comparison.agreements()
    drawn = [Row(DELETED, f"largest effect {two(_largest(comparison.deleted))} nats", comparison.deleted, True)]
    for one in comparison.attributions:
        more = f"rank correlation with deletion {correlation(agreements[one.method].size)}"
        drawn.append(Row(in_words(one.method), more, one.scores, one.is_signed))
    return token_rows(comparison.tokens, drawn, start, sentence(comparison, start), dark)


def row(attribution: Attribution, start: int = 0, dark: bool = False) -> alt.TopLevelMixin:
    """The tokens coloured by the scores of one method.

    Args:
        attribution: What is drawn.
        start: Position of the first token in the whole text.
        dark: Colours for a dark ground.
    """
    largest = int(np.abs(attribution.scores).argmax()) if len(attribution.scores) else 0
    against = f", baseline {attribution.baseline}" if attribution.baseline else ""
    more = f"largest score {two(_largest(attribution.scores))}{against}"
    drawn = Row(in_words(attribution.method), more, attribution.scores, attribution.is_signed)
    description = f"Scores of {counted(attribution.tokens)} by {drawn.name}{against}."
    description += f" The largest, {two(_largest(attribution.scores))}, is that of {_named(attribution.tokens, largest, start)}."
    return token_rows(attribution.tokens, [drawn], start, description, dark)


def sentence(comparison: Comparison, start: int = 0) -> str:
    """The text alternative: which deletion costs most, and how far each method agrees with deletion."""
    most = comparison.most
    parts = [f"{in_words(method)} {correlation(agreement.size)}" for method, agreement in comparison.agreements().items()]
    return (
        f"Prediction of {said(comparison.predicted) or comparison.predicted}, probability {comparison.p:.2f}, from "
        f"{counted(comparison.tokens)}. Deletion has the largest effect at {_named(comparison.tokens, most, start)}: "
        f"{two(float(comparison.deleted[most]))} nats. Rank correlation with deletion: {', '.join(parts)}."
    )


def table(comparison: Comparison, start: int = 0) -> pd.DataFrame:
    """Every score, a row for each token; deletion in nats.

    Args:
        comparison: What is drawn.
        start: Position of the first token in the whole text.
    """
    positions = np.arange(start + 1, start + 1 + len(comparison.tokens))
    frame = pd.DataFrame({"position": positions, "token": comparison.tokens, DELETED: comparison.deleted})
    return frame.assign(**{in_words(one.method): one.scores for one in comparison.attributions})


def _largest(scores: np.ndarray) -> float:
    return float(scores[np.abs(scores).argmax()]) if len(scores) else 0.0


def _named(tokens: Sequence[str], index: int, start: int) -> str:
    """A token in words, with its position counted from 1."""
    if not tokens:
        return "none"
    return f"{said(tokens[index]) or shown(tokens[index])} at position {start + index + 1}"


def is_long(tokens: Sequence[str]) -> bool:
    """Whether rows of these tokens are wider than a narrow screen; what is predicted follows the last one, so they are read from there."""
    return len(tokens) > FEW


def _edges(tokens: Sequence[str]) -> np.ndarray:
    """Left edge of each token and the right edge of the last, pixels, [time + 1]: words have their own width."""
    one = NARROW if is_long(tokens) else WIDE
    widths = [one if len(token) < 2 else max(one, 8 + 8 * columns_of(shown(token))) for token in tokens]
    return np.concatenate([[0], np.cumsum(widths)])


def token_rows(
    tokens: Sequence[str], drawn: Sequence[Row], start: int, description: str, dark: bool, from_end: bool = True
) -> alt.TopLevelMixin:
    """The same tokens once for each row, coloured by its scores.

    Args:
        tokens: What was read, [time].
        drawn: The rows from top to bottom.
        start: Position of the first token in the whole text.
        description: The text alternative.
        dark: Colours for a dark ground.
        from_end: Whether rows that are wider than a narrow screen are read from their end, and are named there.
    """
    edges, pitch = _edges(tokens), TITLE + CELL + GAP
    frame = pd.concat([_cells(tokens, one, edges, (index * pitch + TITLE, start), dark) for index, one in enumerate(drawn)])
    width, height = max(float(edges[-1]), 420.0), float(len(drawn) * pitch)
    across, down = (alt.Scale(domain=domain, nice=False, zero=False) for domain in ([0, width], [height, 0]))
    x, y = alt.X("left:Q", scale=across, axis=None), alt.Y("top:Q", scale=down, axis=None)
    tooltip = ["token", "position", alt.Tooltip("method", title="row"), alt.Tooltip("score", format=".3g")]
    cells = (
        alt.Chart(frame).mark_rect().encode(x=x, x2="right:Q", y=y, y2="bottom:Q", color=alt.Color("colour:N", scale=None), tooltip=tooltip)
    )
    letters = alt.Chart(frame).mark_text(font="monospace", fontSize=14, baseline="middle", tooltip=None)
    letters = letters.encode(
        x=alt.X("middle:Q", scale=across, axis=None),
        y=alt.Y("centre:Q", scale=down, axis=None),
        text="sign:N",
        color=alt.Color("ink:N", scale=None),
    )
    is_wide = is_long(tokens) and from_end
    titles = pd.DataFrame({"left": width if is_wide else 0.0, "top": [index * pitch + TITLE - 5.0 for index in range(len(drawn))]})
    titles["words"] = [f"{one.name}: {one.more}" for one in drawn]
    words = alt.Chart(titles).mark_text(
        align="right" if is_wide else "left", baseline="bottom", fontSize=12, fontWeight=600, color=ink(dark)
    )
    layers = [cells, letters, words.encode(x=x, y=y, text="words:N")]
    marked = frame[frame["mark"] > 0]
    if len(marked):
        bars = alt.Chart(marked).mark_rect(tooltip=None, color=ink(dark))
        bars = bars.encode(x=x, x2="right:Q", y=alt.Y("bar:Q", scale=down, axis=None), y2="bar_end:Q")
        layers.insert(1, bars)
    return themed(unsqueezed(alt.layer(*layers).properties(width=width, height=height)), description, dark)


def _cells(tokens: Sequence[str], one: Row, edges: np.ndarray, at: tuple[int, int], dark: bool) -> pd.DataFrame:
    """One row of cells as a table; `at`: its top in pixels, and the position of its first token."""
    top, start = at
    shares = one.shares()
    palette = SIGNED[dark] if one.is_signed else Scale(SEQUENTIAL, 0.0, 1.0).colours(dark)
    fractions = (shares + 1) / 2 if one.is_signed else shares
    colours = palette[np.rint(fractions * 255).astype(int)]
    is_marked = (np.abs(shares) >= SMALL) & one.is_signed
    bar = np.where(shares > 0, top, top + CELL - MARK)
    return pd.DataFrame(
        {
            "left": edges[:-1].astype(float),
            "right": edges[1:] - 1.0,
            "middle": (edges[:-1] + edges[1:] - 1) / 2,
            "top": float(top),
            "bottom": float(top + CELL),
            "centre": top + CELL / 2,
            "bar": bar.astype(float),
            "bar_end": bar + float(MARK),
            "mark": is_marked.astype(int),
            "colour": ["transparent" if np.isnan(score) else css(colour) for score, colour in zip(one.scores, colours, strict=True)],
            "ink": [on([int(part) for part in colour]) for colour in colours],
            "sign": ["" if np.isnan(score) else shown(token) for score, token in zip(one.scores, tokens, strict=True)],
            "token": [said(token) or token for token in tokens],
            "position": np.arange(start + 1, start + 1 + len(tokens)),
            "method": one.name,
            "score": one.scores,
        }
    )
