"""A toy page, beside which the pages of the app are measured: a heading, a slider, a button and a sentence."""

import gc

import streamlit as st


@st.cache_resource(show_spinner=False)
def freeze() -> None:
    """As the app does: else Streamlit's collection of garbage after each run is most of what is measured."""
    gc.collect()
    gc.freeze()


freeze()
st.title("A toy page")
value = st.slider("Value", 0, 100, 50)
st.button("Again")
st.markdown(f"The value is {value}.")
