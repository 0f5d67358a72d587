"""One step page: a single step of a recurrent network number by number, in a textbook example and in trained LSTMs and GRUs."""

import streamlit as st

from pages._one_step import cell, hello, lessons, shapes, state
from pages._ui.layout import through_app
from pages._ui.missing import said
from pages._ui.progress import guard

VIEWS = {hello.TITLE: hello.panel, cell.TITLE: cell.panel, shapes.TITLE: shapes.panel}

through_app()
st.title("What exactly happens in one step?", anchor=False)
with guard(), said("one_step"):
    state.restore()
    lessons.restore()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        usual = state.usual(state.VIEW, hello.TITLE)
        view = st.segmented_control("View", list(VIEWS), default=usual, key=state.VIEW, bind="query-params", label_visibility="collapsed")
        st.button("A lesson in eight steps", key="one_step.lesson_button", icon=":material/menu_book:", on_click=lessons.go, args=(0,))
    lessons.panel()
    VIEWS[view or hello.TITLE]()
    state.write_link()
    lessons.write_link()
