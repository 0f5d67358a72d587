"""Long work as a page does it: a bar, and a Cancel that gives the previous text back. Other visitors may keep the pool busy."""

import time

import streamlit as st

from pages._ui.jobs import Background, Visitor
from pages._ui.pool import PLACES, Cost, pool
from pages._ui.progress import patiently

state = st.session_state
state.setdefault("text", "old")


def back() -> None:
    state["text"] = "old"


def work(report) -> None:
    for step in range(1200):
        report(step, 1200)
        time.sleep(0.05)


def busy() -> None:
    """Other visitors take every place."""
    for index in range(PLACES):
        Background(work, pool(), Visitor(f"other {index}"), Cost(megabytes=1))


def leave() -> None:
    """The other visitors leave."""
    for job in list(pool().alive):
        job.cancel()


@st.fragment  # as every page is in the app: its gestures do not end a run by themselves
def page() -> None:
    st.button("Read a long text", on_click=lambda: state.update(text="new", cost=None))
    st.button("Read it in turn", on_click=lambda: state.update(text="new", cost=Cost(megabytes=1)))
    st.button("Others come", on_click=busy)
    st.button("Others leave", on_click=leave)
    if state["text"] == "new":
        patiently("The network reads", "cancel", back, work, state["cost"])
    st.write(f"This is the {state['text']} text.")


page()
