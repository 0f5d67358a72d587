"""Scores per language, and the calibration of the network."""

import pandas as pd
import streamlit as st

from explorer.analysis.confusion import class_scores, intervals
from explorer.figures import confusion as figures
from models.names.experiments import Confusions
from pages._confusions.compute import View
from pages._confusions.matrix import PARTS
from pages._confusions.words import Words, words
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.show import is_dark, show
from pages._ui.text import grid

KEY = "confusions.scores"


def panel(view: View, about: dict, counted: Confusions | None) -> None:
    """A table of precision, recall and F1, and the reliability diagram next to it."""
    called = words(view.model)
    if counted is None:
        st.info(f"There are no {called.text}s to score.")
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.markdown(f"**Scores per {called.label}**, recall with its 95 % Wilson interval")
        grid(table(counted, called), f"{KEY}.classes", height=400)
    with right:
        st.markdown("**Calibration**: can the confidence be trusted?")
        if counted.reliability is None:
            st.info("The card holds no confidences for these names.")
            return
        show(
            made(figures.reliability_diagram, counted.reliability, is_dark()),
            f"{KEY}.reliability",
            "reliability",
            figures.reliability_table(counted.reliability),
        )
        perfect = about["scores"].get("calibration_error_if_perfect")
        said = f"; {perfect:.3f} if it were perfectly calibrated" if perfect is not None and view.part == "dev" else ""
        bins, names = len(counted.reliability.items), int(counted.reliability.items.sum())
        st.caption(
            f"Calibration error {counted.reliability.error:.3f} on {names:,} {called.text}s {PARTS[view.part]}, in {bins} bins{said}."
        )
    terms("precision", "recall", "F1", "Wilson interval", "calibration error", "probability p")


def table(counted: Confusions, called: Words) -> pd.DataFrame:
    """Scores per language, as a table."""
    scores, (low, high) = class_scores(counted.matrix), intervals(counted.matrix)
    columns = {called.label: counted.matrix.labels, "precision": scores.precision, "recall": scores.recall}
    columns |= {"recall from": low.diagonal(), "recall to": high.diagonal(), "F1": scores.f1, f"{called.text}s": scores.support}
    return pd.DataFrame(columns | {"predictions": scores.answers}).round(3)
