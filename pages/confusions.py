"""Confusions page: classifiers of names letter by letter, as a confusion matrix, and on the visitor's own test set."""

import streamlit as st

from models.family import PROGRAM
from pages._confusions import attribution, compare, export, letters, matrix, model_card, name, own_model, scores, state
from pages._ui.attribution import PANEL
from pages._ui.glossary import terms
from pages._ui.layout import through_app
from pages._ui.missing import said
from pages._ui.progress import guard
from pages._ui.text import how_to_read

PANELS = {
    state.LETTERS_PANEL: letters.panel,
    PANEL: attribution.panel,
    "Scores": scores.panel,
    "Compare": compare.panel,
    state.OWN_PANEL: own_model.panel,
    state.OWN_TEXTS: own_model.panel,
    "Export and link": export.panel,
    "The network": model_card.panel,
}

through_app()
title = st.container()
with guard():
    state.restore()
    about = state.card()
    called = state.called(about)
    with title:
        if called.of_names:
            st.title("Which languages get confused, and at which letter?", anchor=False)
        else:
            st.title(f"Which classes get confused, and at which {called.token}?", anchor=False)
if not about:
    st.info(f"There is no trained classifier in `checkpoints/`. Train one: `{PROGRAM} train names-gru`.")
    st.stop()
with guard(), said("confusions"):
    sentence = st.empty()
    with matrix.pairs_first():
        left, right = st.columns([1, 1], gap="medium")
        with left:
            view = state.pick(about)
            name.panel(view, about)
        sentence.markdown(name.sentence(view, about))
        with right, st.container(key="confusions-matrix-part"):
            view, counted = matrix.panel(view, about)
        if counted is not None:
            matrix.errors(view, about, counted)
    state.write_link(view, about)
    with st.container(horizontal=True, vertical_alignment="center"):
        names = state.panels(view, PANELS)
        panel = st.segmented_control("More", names, key=state.PANEL, bind="query-params", label_visibility="collapsed")
        terms("confusion matrix", "accuracy", "recall", "F1", "macro average", "Wilson interval", "probability p", "held-out")
    if panel:
        PANELS[panel](view, about, counted)
how_to_read(name.HOW_TO_READ, "this page")
