"""Panel "Intervene": hold units from the cursor on, or put the state of one text into another, and see what changes."""

import streamlit as st

from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import states, steer, transplant
from pages._hidden_states.compute import View
from pages._ui.layout import select_named

KEY = "hidden_states.intervene"
STEER, TRANSPLANT = "steer", "transplant"
WHAT = {STEER: "hold units from the cursor on", TRANSPLANT: "put a state into another text"}


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """Choose what is done to the state, and see what the network predicts and writes then."""
    if not run.predicts:
        st.info(states.why_no_predictions(network))
        return
    what = select_named("What to do", WHAT, KEY, 260, label_visibility="visible")
    (steer if what == STEER else transplant).section(view, about, network, run)
