"""Panel "What it depends on": which letters of a name its predicted language depends on, by several methods."""

import streamlit as st

from explorer.errors import ExplorerError
from models.names.experiments import Confusions
from pages._confusions import compute
from pages._confusions.compute import View
from pages._confusions.words import words
from pages._ui import attribution, uploads
from pages._ui.layout import select
from pages._ui.text import plain

KEY = "confusions.attribution"
PREDICTED = "the predicted language"  # in links


def panel(view: View, about: dict, counted: Confusions | None) -> None:
    """Which language is explained; then the rows."""
    called = words(view.model)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = {PREDICTED: f"the predicted {called.label}"}
        options = {"format_func": lambda label: shown.get(label, label), "label_visibility": "visible"}
        label = select("Explain", [PREDICTED, *about["labels"]], f"{KEY}.label", 240, **options)
        baseline = attribution.baseline(KEY)
    chosen = None if label == PREDICTED else label
    if not compute.letters(view.model, view.text):
        st.info(f"There is no {called.token} yet.")
        return
    try:
        compared = compute.attributed(view.model, view.text, chosen, baseline)
    except ExplorerError as error:
        st.info(plain(error))
        return
    st.markdown(
        f"**Which {called.token}s does this prediction depend on?** The network gives {plain(compared.predicted)} the probability "
        f"**{compared.p:.2f}** for “{plain(view.text)}”."
    )
    measured = attribution.of_many(str(about["data"]["corpus"]), view.model)
    attribution.rows(compared, KEY, called.token, notebook(view, chosen, baseline), 0, measured)


def notebook(view: View, label: str | None, baseline: str) -> str:
    """Python that computes what the panel shows, without Streamlit."""
    source, load = uploads.in_lines(view.model)
    return f"""{source}
from models.names.experiments.attribution import comparison

compared = comparison({load}, {view.text!r}, {label!r}, {baseline!r})
print(compared.deleted, compared.agreements())
"""
