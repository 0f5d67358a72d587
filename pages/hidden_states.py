"""Page "Hidden states": the value of every unit of a character network at every character of a text."""

import streamlit as st

from models.family import PROGRAM
from pages._hidden_states import (
    attribution,
    compare,
    export,
    find,
    generate,
    intervene,
    model_card,
    own_model,
    saturation,
    state,
    states,
    trace_back,
    unit,
)
from pages._ui import networks
from pages._ui.attribution import PANEL
from pages._ui.glossary import terms
from pages._ui.layout import through_app
from pages._ui.missing import said
from pages._ui.progress import guard
from pages._ui.text import how_to_read

PANELS = {
    "Find a unit": find.panel,
    state.UNIT_PANEL: unit.panel,
    state.TRACE_PANEL: trace_back.panel,
    PANEL: attribution.panel,
    "All units": saturation.panel,
    "Generate": generate.panel,
    state.INTERVENE_PANEL: intervene.panel,
    "Compare": compare.panel,
    "Export and link": export.panel,
    "The network": model_card.panel,
    "Your own network": own_model.OWN.panel,
}
# The terms of a kind of cell.
GATES = {
    "rnn": ("RNN",),
    "gru": ("GRU", "gate", "reset gate", "update gate", "candidate", "memory time"),
    "lstm": ("LSTM", "cell state", "tanh(cell)", "gate", "input gate", "forget gate", "candidate", "output gate", "memory time"),
}

through_app()
st.title("What does each neuron remember?", anchor=False)
with guard():
    state.restore()
    about = state.card()
if not about:
    st.info(f"There is no trained network in `checkpoints/`. Train one: `{PROGRAM} train wiki-lstm`.")
    st.stop()
with guard(), said("hidden_states"):
    sentence = st.container()  # not st.empty(), which is empty for a moment at each run, so that the buttons below would jump
    view = state.pick(about)
    network = networks.loaded(view.model)
    view, run = states.panel(view, about, network)
    sentence.markdown(states.sentence(view, about, run) + states.without(view, network, run))
    if not run.predicts and not state.is_silenced():
        st.caption(states.why_no_predictions(network))
    fits = state.write_link(view, about)
    if not fits:
        st.caption(
            "This text is too long for the link, which restores everything else. The view file under *Export and link* keeps the text too."
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        panel = st.segmented_control("More", list(PANELS), key="hidden_states.panel", bind="query-params", label_visibility="collapsed")
        states.save(view, run)
        terms("unit", "layer", "hidden state", *GATES[about["arguments"]["cell"]], "variance", "bits", "silencing")
    if panel:
        PANELS[panel](view, about, network, run)
how_to_read(states.HOW_TO_READ, "this page")
