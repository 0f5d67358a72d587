"""Attention over the regions of an image without the image: one small map for each word."""

import altair as alt
import numpy as np
import pandas as pd

from explorer.errors import AnalysisError
from explorer.figures.characters import shown
from explorer.figures.theme import themed
from explorer.records import Alignment

COLOURS = {False: ("#ffffff", "#08519c"), True: ("#1e1e24", "#6baed6")}
SIDE, ACROSS = 110, 5  # pixels of a map; maps in a row


def maps(alignment: Alignment, dark: bool = False) -> alt.TopLevelMixin:
    """Weights of the regions when each word was chosen, on one scale for all words, from 0 to the largest weight.

    Args:
        alignment: What to show; its source is a grid of image regions.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: the source is not a grid, or no word was written.
    """
    if alignment.grid is None or not alignment.target:
        raise AnalysisError("This alignment has no grid of image regions, or no words: there is no map to draw.")
    (rows, columns), words = alignment.grid, len(alignment.target)
    frame = pd.DataFrame({"word": np.repeat(np.arange(words), rows * columns), "weight": alignment.weights.ravel()})
    frame["row"] = np.tile(np.repeat(np.arange(rows), columns), words)
    frame["column"] = np.tile(np.arange(columns), rows * words)
    frame["name"] = np.repeat([shown(word) for word in alignment.target], rows * columns)
    top = float(alignment.weights.max())
    scale = alt.Scale(domain=[0, top], range=list(COLOURS[dark]), interpolate="rgb")
    colour = alt.Color("weight:Q", scale=scale, legend=alt.Legend(format=".2f"))
    panels = []
    for word in range(words):
        cells = alt.Chart(frame[frame["word"] == word]).mark_rect()
        cells = cells.encode(x=alt.X("column:O", axis=None), y=alt.Y("row:O", axis=None), color=colour)
        cells = cells.encode(tooltip=["name", "row", "column", alt.Tooltip("weight", format=".3f")])
        panels.append(cells.properties(width=SIDE, height=SIDE, title=shown(alignment.target[word])))
    best = alignment.weights.argmax(1)
    most = [f"{word} row {at // columns}, column {at % columns}" for word, at in zip(alignment.target, best, strict=True)]
    return themed(alt.concat(*panels, columns=ACROSS), f"Region with the largest weight for each word: {'; '.join(most)}.", dark)
