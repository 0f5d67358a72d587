"""Predictions letter by letter: the probability of each class after each letter, and the effect of each letter."""

import json
from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from explorer.analysis.prediction_path import leading, settled, slots
from explorer.axes import Float
from explorer.errors import AnalysisError
from explorer.figures.characters import name, sign
from explorer.figures.theme import LAYERS, colours, dashes, end_labels, ink, kind_style, themed, unsqueezed

LINES, OTHER = 4, "other"
DASHES = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3])
COLUMN, HEIGHT = 34, 190  # pixels
FEW = 10  # letters; up to so many the figure fills the width that it is given


def lines(
    probabilities: Float[np.ndarray, "letter n"], letters: Sequence[str], labels: Sequence[str], dark: bool = False
) -> alt.TopLevelMixin:
    """A line for each of the four leading classes and one for all others, over the letters.

    A class keeps its colour and dash while letters are added or deleted, see analysis.prediction_path.slots.

    Args:
        probabilities: Prediction if the name ended there, [letter, class].
        letters: In the order of reading, [letter].
        labels: The classes, [class].
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is no letter.
    """
    frame = _frame(probabilities, letters, labels)
    series = list(dict.fromkeys(frame["series"]))
    places = slots(probabilities, LINES)
    styles = {labels[index]: (LAYERS[dark][slot], DASHES[slot]) for index, slot in places.items()}
    if len(series) > len(styles):
        styles[OTHER] = (kind_style("n-gram", dark)[0], [3, 3])
    scale = alt.Scale(domain=[0, 1])
    y = alt.Y("value:Q", title="probability", scale=scale, axis=alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".2~f"))
    tooltip = [
        alt.Tooltip("read", title="after"),
        alt.Tooltip("series", title="class"),
        alt.Tooltip("value", format=".3f", title="probability"),
    ]
    base = alt.Chart(frame).encode(x=_across(letters), y=y, color=colours(styles), tooltip=tooltip)
    drawn = [base.mark_line(strokeWidth=2).encode(strokeDash=dashes(styles)), base.mark_point(filled=True, size=28, opacity=1)]
    # The same axis on every layer: merged with a default one, it would leave out every second letter.
    last = end_labels(frame, styles, (0.0, 1.0), HEIGHT, dark, _across(letters))
    wide = fills(letters)
    chart = alt.layer(*drawn, *last).properties(width=560 if wide else COLUMN * len(letters), height=HEIGHT)
    if wide:
        chart.autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    return themed(chart if wide else unsqueezed(chart), in_words(probabilities, letters, labels), dark)


def fills(letters: Sequence[str]) -> bool:
    """Whether the figure fills the width that it is given; with more letters, each letter keeps its column width."""
    return len(letters) <= FEW


def table(probabilities: Float[np.ndarray, "letter n"], letters: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
    """The CSV: every probability, one row per letter.

    Args:
        probabilities: Prediction after each letter, [letter, class].
        letters: In the order of reading, [letter].
        labels: The classes, [class].
    """
    frame = pd.DataFrame(probabilities, columns=list(labels))
    frame.insert(0, "letter", list(letters))
    return frame


def in_words(probabilities: Float[np.ndarray, "letter n"], letters: Sequence[str], labels: Sequence[str]) -> str:
    """The text alternative of the lines: the most likely class after each letter, and from which letter on it stays.

    Args:
        probabilities: Prediction after each letter, [letter, class].
        letters: In the order of reading, [letter].
        labels: The classes, [class].
    """
    steps = [f"{_said(letter)} {labels[row.argmax()]} {row.max():.2f}" for letter, row in zip(letters, probabilities, strict=True)]
    at = settled(probabilities)
    decided = f"{labels[probabilities[-1].argmax()]} is the most likely from letter {at + 1} on"
    return f"Probability of each class after each letter. Most likely: {', '.join(steps)}. {decided}."


def effects(
    before: float, without: Float[np.ndarray, "letter"], changed: Float[np.ndarray, "letter"], names: Sequence[tuple[str, str]], dark=False
) -> alt.TopLevelMixin:
    """Probability of the prediction with each letter deleted, and with it replaced by the most damaging other letter.

    Args:
        before: Probability for the whole name.
        without: Probability without each letter, [letter]; nan if no letter would be left.
        changed: Probability with the other letter in its place, [letter].
        names: Each letter and the other one.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is no letter.
    """
    if not len(names):
        raise AnalysisError("There is no letter; expected a name.")
    letters = [letter for letter, _ in names]
    rows = [{"position": n, "p": float(p), "kind": "deleted", "sign": ""} for n, p in enumerate(without) if not np.isnan(p)]
    rows += [{"position": n, "p": float(p), "kind": "replaced", "sign": sign(names[n][1])} for n, p in enumerate(changed)]
    frame = pd.DataFrame(rows)
    frame["letter"] = [_said(letters[n]) for n in frame["position"]]
    y = alt.Y("p:Q", title="probability of the prediction", scale=alt.Scale(domain=[0, 1]))
    tooltip = ["letter", alt.Tooltip("kind", title="change"), alt.Tooltip("sign", title="by")]
    tooltip.append(alt.Tooltip("p", format=".3f", title="probability"))
    base = alt.Chart(frame).encode(x=_across(letters), y=y, tooltip=tooltip)
    gone = base.transform_filter("datum.kind == 'deleted'").mark_bar(
        size=COLUMN * 0.6, fill=LAYERS[dark][0], fillOpacity=0.25, stroke=LAYERS[dark][0]
    )
    other = base.transform_filter("datum.kind == 'replaced'")
    points = other.mark_tick(color=ink(dark), thickness=3, size=COLUMN * 0.8, orient="horizontal")
    texts = other.mark_text(color=ink(dark), dy=-8, fontSize=12, fontWeight=600).encode(text=alt.Text("sign:N"))
    level = alt.Chart(pd.DataFrame({"p": [before]})).mark_rule(color=ink(dark), strokeDash=[4, 3]).encode(y=alt.Y("p:Q"))
    weakest = int(np.nan_to_num(np.asarray(without), nan=2.0).argmin())
    description = (
        f"Probability of the prediction: {before:.2f} for the whole name. Without letter {weakest + 1}, {_said(letters[weakest])}, "
    )
    description += f"it is {float(without[weakest]):.2f}; with one letter replaced it is {float(np.min(changed)):.2f} or more."
    chart = alt.layer(gone, points, texts, level).properties(width=COLUMN * len(letters), height=HEIGHT - 40)
    return themed(unsqueezed(chart), description, dark)


def _frame(probabilities: np.ndarray, letters: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
    chosen = leading(probabilities, LINES)
    columns = {labels[index]: probabilities[:, index] for index in chosen}
    if len(labels) > len(chosen):
        columns[OTHER] = 1 - probabilities[:, chosen].sum(1)
    read = ["".join(letters[: n + 1]) for n in range(len(letters))]
    parts = [
        pd.DataFrame({"position": np.arange(len(letters)), "read": read, "series": label, "value": np.clip(values, 0, 1)})
        for label, values in columns.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _across(letters: Sequence[str]) -> alt.X:
    named = f"{json.dumps([sign(letter) for letter in letters], ensure_ascii=False)}[datum.value]"
    places = list(range(len(letters)))
    axis = alt.Axis(
        values=places, labelExpr=named, labelFontSize=15, labelOverlap=False, orient="bottom", grid=True, ticks=False, labelAngle=0
    )
    return alt.X("position:Q", title=None, axis=axis, scale=alt.Scale(domain=[-0.5, len(letters) - 0.5], nice=False))


def _said(letter: str) -> str:
    return name(letter) or letter
