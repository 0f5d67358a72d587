"""Captions page: a caption of a picture, the attention map and the occlusion map of each word, and regions to hide."""

import streamlit as st

from models.family import PROGRAM
from pages._captions import (
    alternatives,
    compare,
    compute,
    export,
    failures,
    first_row,
    gallery,
    mistakes,
    model_card,
    multiples,
    own_model,
    pictures,
    state,
)
from pages._ui.glossary import terms
from pages._ui.layout import through_app
from pages._ui.missing import said
from pages._ui.progress import guard
from pages._ui.text import how_to_read

PANELS = {
    "All words": multiples.panel,
    "Other captions": alternatives.panel,
    "Compare": compare.panel,
    "When it is wrong": mistakes.panel,
    "Your own network": own_model.OWN.panel,
    "Export and link": export.panel,
    "The network": model_card.panel,
}

through_app()
title = st.empty()
if not state.title(title):
    with title:
        st.title("Where did the model look for “dog”, and did it need to?", anchor=False)
with guard():
    state.restore()
    about = state.card()
if not about:
    st.info(f"There is no trained captioner in `checkpoints/`. Train one: `{PROGRAM} train scenes-soft`.")
    st.stop()
with guard(), said("captions"):
    head = pictures.head()
    view, about, network = first_row.pick()
    if view.picture == gallery.OWN:
        st.info(
            "Upload a picture above: JPEG, PNG, HEIC, WebP, GIF, TIFF or another format, at most 10 MB and 40 megapixels.",
            icon=":material/add_photo_alternate:",
        )
        st.stop()
    source = compute.picture_input(view, network)
    view, run = pictures.read(view, about, source)
    depends = compute.dependence(view, source, run, state.side(run.grid))
    state.title(title, run.words[view.word])
    head.markdown(pictures.sentence(view, about, run), width=pictures.READ)
    pictures.panel(view, run, depends)
    with head:
        pictures.gesture(view, run, depends)
    if credit := gallery.credit(view.picture):
        st.caption(credit)
    failures.row(view)
    if not state.write_link(view, about):
        st.caption("Your own picture is not part of the link.")
    with st.container(horizontal=True, vertical_alignment="center"):
        panel = st.segmented_control("More", list(PANELS), key="captions.panel", bind="query-params", label_visibility="collapsed")
        terms("attention", "soft attention", "feature map", "occlusion", "visual gate", "gain from the picture", "nats", "log probability")
    if panel:
        PANELS[panel](view, about, network, run)
how_to_read(pictures.HOW_TO_READ, "this page")
