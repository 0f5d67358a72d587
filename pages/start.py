"""Start page: what a recurrent network is, with a live line, and the ways into the app."""

import streamlit as st

from pages._start import line, ways
from pages._ui.layout import through_app
from pages._ui.show import is_dark

through_app()
st.title("Recurrent networks, opened", anchor=False)
st.markdown(
    "A recurrent network reads a sequence one step at a time and keeps what it has read in its **state**, a list of numbers that "
    "changes at every step. Below is one of these numbers, a neuron. Its network learned only to predict the next character of Wikipedia, "
    "yet this neuron turns **orange inside a web address** that begins with `http://`, and back to blue soon after it. Change the line: "
    "take out `http://`."
)
line.panel()
st.html(ways.doors())
st.header("The rooms, in the order of a course", anchor=False)
st.html(ways.rooms(is_dark()))
st.header("The map of the lectures", anchor=ways.ANCHOR)
st.markdown("Each link opens a view that is ready to be shown. Copy its address for a slide.")
st.html(ways.lecture_map())
