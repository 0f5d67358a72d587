"""What did the model look at when it said a word, and would it have said it without looking? Captions of pictures, to take apart."""

import streamlit as st

from pages._captions import alternatives, compare, compute, export, gallery, mistakes, model_card, multiples, own_model, pictures, state
from pages._ui.layout import through_app
from pages._ui.progress import guard

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
st.title("What did it look at to say “dog”, and would it have said it without looking?", anchor=False)
with guard():
    state.restore()
    about = state.card()
if not about:
    st.info("There is no trained captioner in `checkpoints/`. Train one: `python -m models train scenes-soft`.")
    st.stop()
with guard():
    head = pictures.head()
    view, about, network = state.pick()
    if view.picture == gallery.OWN:
        st.info("Open a picture above: JPEG, PNG or WebP, at most 10 MB and 40 megapixels.", icon=":material/add_photo_alternate:")
        st.stop()
    view, run = pictures.read(view, about, compute.picture_input(view, network))
    head.markdown(pictures.sentence(view, about, run), width=pictures.READ)
    pictures.panel(view, run)
    with head:
        pictures.gesture(view, run)
    if credit := gallery.credit(view.picture):
        st.caption(credit)
    if not state.write_link(view, about):
        st.caption("Your own picture stays with you: no link holds it.")
    panel = st.segmented_control("More", list(PANELS), key="captions.panel", bind="query-params", label_visibility="collapsed")
    if panel:
        PANELS[panel](view, about, network, run)
with st.expander("How to read this page"):
    st.markdown(pictures.HOW_TO_READ)
