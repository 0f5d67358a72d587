"""How well each class is told, and how far its confidence can be trusted."""

import pandas as pd
import streamlit as st

from explorer.analysis.confusion import class_scores, intervals
from explorer.figures import confusion as figures
from models.names.experiments import Confusions
from pages._confusions.compute import View
from pages._ui.glossary import terms
from pages._ui.show import is_dark, show

KEY = "confusions.scores"


def panel(view: View, about: dict, counted: Confusions | None) -> None:
    """Precision, recall, F1 and support as a table; the reliability diagram beside it."""
    if counted is None:
        st.info("There is nothing to score.")
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.markdown("**Each class**; recall with its 95 % Wilson interval")
        st.dataframe(table(counted), hide_index=True, key=f"{KEY}.classes", height=400)
    with right:
        st.markdown("**Can its confidence be trusted?**")
        if counted.reliability is None:
            st.info("The card keeps no confidences of these names.")
            return
        show(
            figures.reliability_diagram(counted.reliability, is_dark()),
            f"{KEY}.reliability",
            "reliability",
            figures.reliability_table(counted.reliability),
        )
        perfect = about["scores"].get("calibration_error_if_perfect")
        said = f"; a perfectly calibrated model of dev would get {perfect:.3f}" if perfect is not None and view.part == "dev" else ""
        bins, names = len(counted.reliability.items), int(counted.reliability.items.sum())
        st.caption(f"Calibration error {counted.reliability.error:.3f} with {bins} bins over {names:,} names{said}.")
    terms("precision", "recall", "F1", "Wilson interval", "calibration error", "probability p")


def table(counted: Confusions) -> pd.DataFrame:
    """Scores of each class."""
    scores, (low, high) = class_scores(counted.matrix), intervals(counted.matrix)
    columns = {"language": counted.matrix.labels, "precision": scores.precision, "recall": scores.recall}
    columns |= {"from": low.diagonal(), "to": high.diagonal(), "F1": scores.f1, "names": scores.support, "answers": scores.answers}
    return pd.DataFrame(columns).round(3)
