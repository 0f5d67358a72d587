"""What does each neuron remember? Every unit of a character network over a text, chosen in the browser without a rerun."""

import streamlit as st

from pages._panels.hidden_states import choice, compare, export, find, generate, model_card, own, saturation, states, unit
from pages._shared.entry import through_app
from pages._shared.guard import guard

PANELS = {
    "Find a unit": find.panel,
    "This unit": unit.panel,
    "All units": saturation.panel,
    "Generate": generate.panel,
    "Compare": compare.panel,
    "Export and link": export.panel,
    "The network": model_card.panel,
    "Your own network": own.panel,
}

through_app()
st.title("What does each neuron remember?", anchor=False)
with guard():
    choice.restore()
    about = choice.card()
if not about:
    st.info("There is no trained network in `checkpoints/`. Train one: `python -m models train wiki-lstm`.")
    st.stop()
with guard():
    sentence = st.container()  # not st.empty(), which is empty for a moment at each run: the buttons below would jump
    view = choice.pick(about)
    view, choice_made = states.panel(view, about)
    sentence.markdown(states.sentence(view, about))
    fits = choice.write_link(view, about)
    if not fits:
        st.caption(
            "This text is too long for a link: the link restores everything but the text. *Export and link* has a small file that holds it."
        )
    name = st.segmented_control("More", list(PANELS), key="hidden_states.panel", bind="query-params", label_visibility="collapsed")
    if name:
        PANELS[name](view, about, choice_made)
with st.expander("How to read this page"):
    st.markdown(states.HOW_TO_READ)
