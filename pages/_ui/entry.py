"""Every visit goes through app.py, also one that begins with a link to a page."""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager


def through_app() -> None:
    """Run app.py instead, where a page was opened without it.

    Until `st.navigation` has been called once in a server, Streamlit takes a folder called pages for an app of its older
    kind, and opens a linked page alone: in a narrow column, beside a list of file names.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
