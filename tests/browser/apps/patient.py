"""Long work as a page does it: a bar, and a Cancel that gives the previous text back."""

import time

import streamlit as st

from pages._ui.progress import patiently

state = st.session_state
state.setdefault("text", "old")


def back() -> None:
    state["text"] = "old"


def work(report) -> None:
    for step in range(1200):
        report(step, 1200)
        time.sleep(0.05)


st.button("Read a long text", on_click=lambda: state.update(text="new"))
if state["text"] == "new":
    patiently("The network reads", "cancel", back, work)
st.write(f"This is the {state['text']} text.")
