"""One step page: a single step of a recurrent network number by number, in a textbook example and in trained LSTMs and GRUs."""

import streamlit as st

from pages._one_step import cell, hello, lessons, shapes, state
from pages._ui.layout import through_app
from pages._ui.missing import said
from pages._ui.progress import guard

VIEWS = {hello.TITLE: hello.panel, cell.TITLE: cell.panel, shapes.TITLE: shapes.panel}

NAMES = {hello.TITLE: "“hello”, as in the lecture"}  # on screen, where it is not what links hold

through_app()
st.title("What exactly happens in one step?", anchor=False)
with guard(), said("one_step"):
    state.restore()
    lessons.restore()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        view = state.pick_view(VIEWS, NAMES)
        st.button("A lesson in eight steps", key="one_step.lesson_button", icon=":material/menu_book:", on_click=lessons.go, args=(0,))
    lessons.panel()
    VIEWS[view]()
    state.write_link()
    lessons.write_link()
