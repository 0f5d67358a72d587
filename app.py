"""The entry: the list of pages, nothing else."""

import streamlit as st

PAGES = [st.Page("pages/hidden_states.py", title="Hidden states", icon=":material/neurology:", default=True)]

st.navigation(PAGES).run()
