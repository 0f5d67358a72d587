"""An app in the frame of another site: a button that counts, an uploader, and who the visitor is."""

import streamlit as st

from pages._ui.visitors import visitor

if st.button("Count"):
    st.session_state["count"] = st.session_state.get("count", 0) + 1
st.write(f"Counted to {st.session_state.get('count', 0)}.")
file = st.file_uploader("A file")
st.write(f"It has {len(file.getvalue()) if file else 0} bytes.")
st.write(f"Visitor {visitor()}.")
