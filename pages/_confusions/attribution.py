"""Panel "What it depends on": which letters of a name its predicted language depends on, by several methods."""

import streamlit as st

from explorer.errors import ExplorerError
from models.names.experiments import Confusions
from models.names.romanise import spelling
from pages._confusions import compute
from pages._confusions.compute import View
from pages._ui import attribution, uploads
from pages._ui.layout import select
from pages._ui.text import plain

KEY = "confusions.attribution"
PREDICTED = "the predicted language"


def panel(view: View, about: dict, counted: Confusions | None) -> None:
    """Which language is explained; then the rows."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = select("Explain", [PREDICTED, *about["labels"]], f"{KEY}.label", 240, label_visibility="visible")
        baseline = attribution.baseline(KEY)
    chosen = None if label == PREDICTED else label
    if not spelling(view.text):
        st.info("There is no letter yet.")
        return
    try:
        compared = compute.attributed(view.model, view.text, chosen, baseline)
    except ExplorerError as error:
        st.info(plain(error))
        return
    st.markdown(
        f"**Which letters does this prediction depend on?** The network gives {plain(compared.predicted)} the probability "
        f"**{compared.p:.2f}** for “{plain(view.text)}”."
    )
    measured = attribution.of_many(str(about["data"]["corpus"]), view.model)
    attribution.rows(compared, KEY, "letter", notebook(view, chosen, baseline), 0, measured)


def notebook(view: View, label: str | None, baseline: str) -> str:
    """Python that computes what the panel shows, without Streamlit."""
    source, load = uploads.in_lines(view.model)
    return f"""{source}
from models.names.experiments.attribution import comparison

compared = comparison({load}, {view.text!r}, {label!r}, {baseline!r})
print(compared.deleted, compared.agreements())
"""
