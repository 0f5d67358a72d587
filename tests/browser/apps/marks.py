"""Texts from outside in everything that Streamlit reads as Markdown: each in a frame of its own."""

import streamlit as st

from pages._ui.text import code, failure, plain
from tests.pages.marks import TRICKY

for index, text in enumerate(TRICKY):
    with st.container(key=f"tricky-{index}"):
        st.markdown(plain(text))
        st.caption(plain(text))
        failure(text)
        st.button(plain(text), key=f"button-{index}")
        st.radio(plain(text), [text], format_func=plain, key=f"radio-{index}")
        st.pills(plain(text), [text], format_func=plain, key=f"pills-{index}")
        st.select_slider(plain(text), [text, "other"], format_func=plain, key=f"slider-{index}")
        st.markdown(f"| {plain(text)} |\n| --- |\n| {plain(text)} |")
    with st.container(key=f"code-{index}"):
        st.markdown(code(text))
st.button("Help", key="help", help=plain(TRICKY[0]))
