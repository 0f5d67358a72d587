"""What did the model look at when it said a word, and would it have said it without looking? Captions of pictures, to take apart."""

import streamlit as st

from pages._panels.captions import alternatives, choice, compare, export, first, model_card, multiples, own, wrong
from pages._shared import gallery
from pages._shared.entry import through_app
from pages._shared.guard import guard

PANELS = {
    "All words": multiples.panel,
    "Other captions": alternatives.panel,
    "Compare": compare.panel,
    "When it is wrong": wrong.panel,
    "Your own network": own.panel,
    "Export and link": export.panel,
    "The network": model_card.panel,
}

through_app()
st.title("What did it look at to say “dog”, and would it have said it without looking?", anchor=False)
with guard():
    choice.restore()
    about = choice.card()
if not about:
    st.info("There is no trained captioner in `checkpoints/`. Train one: `python -m models train scenes-soft`.")
    st.stop()
with guard():
    head = first.head()
    view, about = choice.pick()
    if view.picture == gallery.OWN:
        st.info("Open a picture above: JPEG, PNG or WebP, at most 10 MB and 40 megapixels.", icon=":material/add_photo_alternate:")
        st.stop()
    head.markdown(first.sentence(view, about), width=first.READ)
    shown = first.panel(view, about)
    with head:
        first.gesture(view)
    if credit := gallery.credit(view.picture):
        st.caption(credit)
    if not choice.write_link(view, about):
        st.caption("Your own picture stays with you: no link holds it.")
    name = st.segmented_control("More", list(PANELS), key="captions.panel", bind="query-params", label_visibility="collapsed")
    if name:
        PANELS[name](view, about, shown)
with st.expander("How to read this page"):
    st.markdown(first.HOW_TO_READ)
