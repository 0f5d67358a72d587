"""Panel "Intervene": hold units from the cursor on, put the state of one text into another, or nudge a unit once."""

import streamlit as st

from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import nudge, states, steer, transplant
from pages._hidden_states.compute import View
from pages._ui.layout import select_named

KEY = "hidden_states.intervene"
WHAT = {"steer": "hold units from the cursor on", "transplant": "put a state into another text", "nudge": "nudge the unit once"}
SECTIONS = {"steer": steer.section, "transplant": transplant.section, "nudge": nudge.section}


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """Choose what is done to the state, and see what the network predicts and writes then."""
    if not run.predicts:
        st.info(states.why_no_predictions(network))
        return
    what = select_named("What to do", WHAT, KEY, 260, label_visibility="visible")
    SECTIONS[what](view, about, network, run)
