"""Three panels for those who look for faults: a sound one, one with two faults of structure, one that only the dark ground makes faulty."""

import streamlit as st

from pages._components.address import watch_address

watch_address()
st.title("Panels")
st.html("<p>Above them stands what does not change.</p>")
panel = st.segmented_control("Panel", ["sound", "broken", "pale"], key="panel")
if panel == "sound":
    st.html('<p>Nothing is wrong. <img src="data:," alt="nothing"></p>')
if panel == "broken":
    st.html('<div style="width: 900px">Too wide, with a picture without words: <img src="data:,"></div>')
if panel == "pale":
    st.html('<p style="color: #333">Dark on dark.</p>')
