"""Two confusion matrices side by side with their difference: two networks, or training names and held-out names."""

from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from explorer.analysis.confusion import accuracy, class_scores, order
from explorer.figures import confusion as figures
from explorer.records import ConfusionMatrix
from models.names.experiments import Confusions
from pages._confusions import matrix
from pages._confusions.compute import DEV, EMITS, TRAIN, View
from pages._ui import networks
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.show import draw, is_dark, save, scrolling
from pages._ui.text import plain

KEY = "confusions.compare"
NETWORKS, SIDES = "another network", "training and held-out names"


def panel(view: View, about: dict, counted: Confusions | None) -> None:
    """What to compare with, both matrices in the same order, and their difference."""
    cards = networks.emitting(*EMITS)
    others = [name for name, card in cards.items() if name != view.model and card["labels"] == about["labels"]]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        ways = [NETWORKS, SIDES] if others else [SIDES]
        way = st.selectbox("Compare with", ways, key=f"{KEY}.way", bind="query-params", width=260)
        if way == NETWORKS:
            other = view.of(model=st.selectbox("Network", others, key=f"{KEY}.model", bind="query-params", width=190))
            pair = {view.model: (view, about), other.model: (other, cards[other.model])}
        else:
            pair = {"training names": (view.of(part=TRAIN), about), "held-out names": (view.of(part=DEV), about)}
    sides = {name: matrix.confusions(*side) for name, side in pair.items()}
    if way == SIDES:
        st.caption("The confusion matrix of the PyTorch tutorial is counted on training names. The difference shows what that hides.")
    _matrices(view, sides)
    terms("accuracy", "macro average", "F1", "held-out")


def _matrices(view: View, counted: dict[str, Confusions | None]) -> None:
    both = [counts for counts in counted.values() if counts is not None]
    if len(both) < 2:
        st.info("There are no counts for one of the two.")
        return
    places, names = order(both[1].matrix, view.order), tuple(counted)
    (first, second, last), drawn = st.columns(3), []
    by = "count" if view.by == "count" else "whole share"  # two matrices on one scale
    for column, name, counts in zip((first, second), names, both, strict=True):
        scores = class_scores(counts.matrix)
        with column:
            st.markdown(f"**{plain(name)}**  \naccuracy {accuracy(counts.matrix):.3f}, macro F1 {scores.macro_f1:.3f}")
            drawn.append(_draw(made(_matrix, counts.matrix, counts.shared, places, by, is_dark()), name))
    with last:
        st.markdown(f"**{plain(names[0])}** minus **{plain(names[1])}**  \ndifference of row shares")
        drawn.append(_draw(made(_difference, both[0].matrix, both[1].matrix, places, is_dark()), "difference"))
        save(drawn, KEY, "difference", partial(figures.differences, both[0].matrix, both[1].matrix, names))


def _matrix(counts: ConfusionMatrix, shared: ConfusionMatrix | None, places: np.ndarray, by: str, dark: bool) -> Any:
    return figures.small(figures.matrix(counts, places, shared, by, dark=dark), len(places))


def _difference(one: ConfusionMatrix, other: ConfusionMatrix, places: np.ndarray, dark: bool) -> Any:
    return figures.small(figures.difference(one, other, places, dark), len(places))


def _draw(figure: Any, name: str) -> Any:
    """Draw a matrix; gives it."""
    with scrolling(f"confusions-compare-{name.replace(' ', '-')}"):
        draw(figure, f"{KEY}.{name}")
    return figure
