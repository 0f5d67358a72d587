"""Page "Gradient flow": the gradient of one loss on its way back through time, in several networks."""

import streamlit as st

from models.family import PROGRAM
from pages._gradient_flow import clipping, curves, gap, laboratory, learn, multiply, numbers, state, summed
from pages._ui.glossary import terms
from pages._ui.layout import still, through_app
from pages._ui.missing import said
from pages._ui.progress import guard
from pages._ui.text import how_to_read

PANELS = {
    "In numbers": numbers.panel,
    "What training sees": summed.panel,
    "The gap": gap.panel,
    "Multiply": multiply.panel,
    "Laboratory": laboratory.panel,
    "Clipping": clipping.panel,
    "Does it learn?": learn.panel,
}
TERMS = (
    "loss", "gradient", "vanishing gradient", "gradient × input", "layer", "hidden state", "cell state", "LSTM",
    "forget bias", "untrained network",
)  # fmt: skip

through_app()
st.title("How far back does learning reach?", anchor=False)
with guard():
    state.restore()
    known = state.corpora()
if not known:
    st.info(f"There is no trained network in `checkpoints/`. Train one: `{PROGRAM} train wiki-lstm`.")
    st.stop()
with guard(), said("gradient_flow"):
    sentence = still("gradient_flow-sentence", 26, 52)
    view = state.pick()
    state.write_link(view)
    if len(view.text) < 2:
        st.info("Nothing to show yet: the text needs two characters or more.", icon=":material/edit:")
        st.stop()
    drawn = curves.panel(view)
    sentence.markdown(curves.sentence(view, drawn))
    with st.container(horizontal=True, vertical_alignment="center"):
        panel = st.segmented_control("More", list(PANELS), key="gradient_flow.panel", bind="query-params", label_visibility="collapsed")
        terms(*TERMS)
    if panel:
        PANELS[panel](view, drawn)
how_to_read(curves.HOW_TO_READ, "this page")
