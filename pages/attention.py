"""Where does the decoder look when it writes this word, and does it matter? Alignment of translators, to look at and to change."""

import streamlit as st

from pages._attention import attention_tests, beam, compare, export, matrix, model_card, own_model, replace, state, steps
from pages._ui.layout import through_app
from pages._ui.progress import guard

PANELS = {
    "Step through": steps.panel,
    "Replace a word": replace.panel,
    "Beam": beam.panel,
    "Compare": compare.panel,
    "Is it real?": attention_tests.panel,
    "Your own network": own_model.OWN.panel,
    "Export and link": export.panel,
    "The network": model_card.panel,
}

through_app()
st.title("Where does the decoder look when it writes this word, and does it matter?", anchor=False)
with guard():
    state.restore()
    about = state.card()
if not about:
    st.info("There is no trained translator in `checkpoints/`. Train one: `python -m models train en-fr-additive`.")
    st.stop()
with guard():
    sentence = st.empty()
    view = state.pick(about)
    view, shown = matrix.panel(view, about)
    sentence.markdown(matrix.sentence(view, about, shown))
    if shown:
        attention_tests.strip(view, about)
    if not state.write_link(view, about):
        st.caption("This text is too long for a link; the link restores everything but the text.")
    name = st.segmented_control("More", list(PANELS), key="attention.panel", bind="query-params", label_visibility="collapsed")
    if name and shown:
        PANELS[name](view, about, shown)
    elif name:
        st.caption(f"*{name}* needs a sentence.")
with st.expander("How to read this page"):
    st.markdown(matrix.HOW_TO_READ)
