"""What do the words mean? Every technical term on screen in two sentences, with a view that shows it."""

import streamlit as st

from pages._glossary.search import in_markdown, matches
from pages._ui.glossary import SEARCH, entries
from pages._ui.layout import through_app
from pages._ui.text import plain

LONGEST = 60  # characters of a search
WIDE = 720  # pixels: lines that are easy to read
STYLE = "<style>.st-key-glossary-entries h2 { font-size: 1.25rem; padding: 0.25rem 0; }</style>"

through_app()
st.title("What do the words mean?", anchor=False)
known = entries()
wanted = st.text_input("Search", key=SEARCH, bind="query-params", max_chars=LONGEST, icon=":material/search:", width=360, live=True)
shown = matches(wanted or "", known)
if shown:
    st.caption(f"{len(shown)} of {len(known)} terms.")
else:
    st.info(f"No entry contains “{plain(wanted or '')}”. Clear the search to see all {len(known)} terms.", icon=":material/search_off:")
if shown:  # as one element: a message for each entry would make every letter of a search slow
    with st.container(key="glossary-entries", width=WIDE):
        st.markdown("\n\n".join(map(in_markdown, shown)))
st.html(STYLE)
