"""Beam search as a tree: the hypotheses kept and dropped at each step, and the chosen sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from explorer.errors import AnalysisError
from explorer.figures.characters import sign
from explorer.figures.theme import LAYERS, ink, themed

ROW, COLUMN = 22, 86  # pixels of a branch and of a step


@dataclass(frozen=True, eq=False)
class Branches:
    """All hypotheses of a beam search, one entry per word.

    Args:
        parents: Index of the previous word, -1 for none, [node]; parents come before their children.
        words: The word at each node, [node].
        scores: Log probability from the first word to here, divided by length, [node].
        kept: False where the hypothesis was dropped here, [node].
    """

    parents: Sequence[int]
    words: Sequence[str]
    scores: Sequence[float]
    kept: Sequence[bool]


def tree(branches: Branches, chosen: int, pruned: bool = False, dark: bool = False) -> alt.TopLevelMixin:
    """The tree from left to right, one column per step; the branch that ends at `chosen` is highlighted.

    A click on a word selects it: selection "node" with the field node.

    Args:
        branches: The search.
        chosen: Index of the last word of the highlighted sentence.
        pruned: Whether dropped hypotheses are drawn too, faintly.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is no such word.
    """
    count = len(branches.words)
    if not 0 <= chosen < count:
        raise AnalysisError(f"There is no word {chosen} in the tree; expected 0 to {count - 1}.")
    frame = _placed(branches, _path(branches, chosen), pruned)
    wide, tall = max(frame["x"].tolist()), max(frame["y"].tolist())
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-1.2, wide + 0.6]))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[-0.7, tall + 0.7], reverse=True))
    faint = alt.Opacity("strength:Q", scale=None, legend=None)
    strong = LAYERS[dark][0]
    colour = alt.condition("datum.on_path", alt.value(strong), alt.value(ink(dark)))
    lines = alt.Chart(frame).mark_rule().encode(
        x=alt.X("from_x:Q", axis=None), x2=alt.X2("x:Q"), y=alt.Y("from_y:Q", axis=None), y2=alt.Y2("y:Q"), opacity=faint,
        color=alt.condition("datum.on_path", alt.value(strong), alt.value(ink(dark, faint=True))),
        strokeWidth=alt.condition("datum.on_path", alt.value(2.5), alt.value(1)),
    )  # fmt: skip
    click = alt.selection_point(name="node", fields=["node"], on="click", empty=False, clear=False)
    tooltip = ["word", alt.Tooltip("score", format=".2f", title="log probability / length"), "state"]
    # A word stands on a broad outline of itself in the ground's colour, so that no line runs through it.
    ground = {"color": (paper := "#141418" if dark else "#ffffff"), "stroke": paper, "strokeWidth": 7}
    under = alt.Chart(frame).mark_text(fontSize=12, **ground).encode(x=x, y=y, text=alt.Text("word:N"))
    words = alt.Chart(frame).mark_text(fontSize=12).encode(x=x, y=y, text=alt.Text("word:N"), color=colour, opacity=faint, tooltip=tooltip)
    chart = alt.layer(lines, under, words.add_params(click)).properties(width=COLUMN * (wide + 1.8), height=ROW * max(2.0, tall + 1))
    return themed(chart, _in_words(branches, chosen), dark)


def _path(branches: Branches, chosen: int) -> list[int]:
    path = []
    while chosen >= 0:
        path.append(chosen)
        chosen = branches.parents[chosen]
    return path[::-1]


def _in_words(branches: Branches, chosen: int) -> str:
    words = " ".join(branches.words[node] for node in _path(branches, chosen))
    kept = int(np.sum(branches.kept))
    return (
        f"Beam search: {kept} words kept, {len(branches.words) - kept} dropped. Highlighted: {words}, score {branches.scores[chosen]:.2f}."
    )


def _placed(branches: Branches, path: list[int], pruned: bool) -> pd.DataFrame:
    """Nodes with their coordinates: leaves below each other, a parent in the middle of its children."""
    shown = [node for node, kept in enumerate(branches.kept) if kept or pruned]
    children: dict[int, list[int]] = {}
    for node in shown:
        children.setdefault(branches.parents[node], []).append(node)
    y, depth, leaf = {}, {-1: -1}, 0
    for node in shown:
        depth[node] = depth[branches.parents[node]] + 1
    waiting = list(reversed(children.get(-1, [])))
    while waiting:  # from the top: a node is placed once its children are
        node = waiting[-1]
        below = children.get(node, [])
        if below and below[0] not in y:
            waiting += reversed(below)
            continue
        waiting.pop()
        if below:
            y[node] = sum(y[child] for child in below) / len(below)
        else:
            y[node], leaf = float(leaf), leaf + 1
    root = sum(y[child] for child in children.get(-1, [])) / max(1, len(children.get(-1, [])))
    rows = []
    for node in shown:
        parent = branches.parents[node]
        rows.append(
            {
                "node": node, "word": "".join(map(sign, branches.words[node])) or sign(""), "score": branches.scores[node],
                "x": depth[node], "y": y[node], "from_x": depth[parent], "from_y": y.get(parent, root), "on_path": node in path,
                "state": "kept" if branches.kept[node] else "dropped", "strength": 1.0 if branches.kept[node] else 0.45,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
