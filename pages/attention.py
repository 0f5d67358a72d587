"""Attention page: a translation, the attention weights behind each word, and what happens when they are changed."""

import streamlit as st

from models.family import PROGRAM
from pages._attention import attention_tests, beam, compare, export, matrix, model_card, own_model, pairs, replace, state, steps
from pages._ui.glossary import terms
from pages._ui.layout import through_app
from pages._ui.missing import said
from pages._ui.progress import guard
from pages._ui.text import how_to_read

PANELS = {
    "Step through": steps.panel,
    "Replace a word": replace.panel,
    "Beam": beam.panel,
    "Compare": compare.panel,
    "Is it real?": attention_tests.panel,
    "Your own pairs": pairs.panel,
    "Your own network": own_model.OWN.panel,
    "Export and link": export.panel,
    "The network": model_card.panel,
}
ATTENTIONS = ("additive attention", "bilinear attention", "uniform attention")

through_app()
st.title("Where does the decoder look when it writes this word, and does it matter?", anchor=False)
with guard():
    state.restore()
    about = state.card()
if not about:
    st.info(f"There is no trained translation network in `checkpoints/`. Train one: `{PROGRAM} train en-fr-additive`.")
    st.stop()
with guard(), said("attention"):
    banner, sentence = st.container(), st.empty()
    view = state.pick(about)
    with banner:
        attention_tests.banner(view, about)
    view, shown = matrix.panel(view, about)
    sentence.markdown(matrix.sentence(view, about, shown))
    if shown:
        attention_tests.strip(view, about)
    if not state.write_link(view, about):
        st.caption("This text is too long for a link. The link restores everything else.")
    with st.container(horizontal=True, vertical_alignment="center"):
        name = st.segmented_control("More", list(PANELS), key="attention.panel", bind="query-params", label_visibility="collapsed")
        terms("attention", "weight", "encoder and decoder", *ATTENTIONS, "subword", "log probability")
    if name and shown:
        PANELS[name](view, about, shown)
    elif name:
        st.caption(f"*{name}* needs a sentence: type one above.")
how_to_read(matrix.HOW_TO_READ, "this page")
