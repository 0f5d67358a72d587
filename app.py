"""Entry point of the app: the list of pages; and, for a server that imports this file, the app with its headers and limits."""

from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages._components.accessible import make_accessible
from pages._components.address import watch_address
from pages._ui.layout import menu, touchable
from pages._ui.paper import printable
from recurrent_explorer_app.server import middleware


def main() -> None:
    """Draw the chosen page for a visitor."""
    listed = [
        st.Page("pages/hidden_states.py", title="Hidden states", icon=":material/neurology:", url_path="start", default=True),
        st.Page("pages/attention.py", title="Attention", icon=":material/compare_arrows:"),
        st.Page("pages/captions.py", title="Captions", icon=":material/image_search:"),
        st.Page("pages/confusions.py", title="Confusions", icon=":material/grid_on:"),
        st.Page("pages/gradient_flow.py", title="Gradient flow", icon=":material/trending_down:"),
        st.Page("pages/one_step.py", title="One step", icon=":material/footprint:"),
        st.Page("pages/glossary.py", title="Glossary", icon=":material/menu_book:"),
    ]
    # The first page has the address "/", whatever its path; this is the address that its name suggests.
    by_name = st.Page("pages/hidden_states.py", title=listed[0].title, url_path="hidden_states", visibility="hidden")
    # Before st.navigation, which would else fetch the icon of the page from another server.
    st.set_page_config(page_icon=Path(__file__).with_name("pages") / "_ui/icon.png", layout="wide")
    page = st.navigation([*listed, by_name], position="top")
    if page is by_name:
        st.switch_page(listed[0], query_params={name: st.query_params.get_all(name) for name in st.query_params})
    st.set_page_config(page_title=f"{page.title} – Recurrent Explorer")
    touchable()
    make_accessible()
    watch_address()
    menu(listed, page)
    page.run()
    printable()


if get_script_run_ctx(suppress_warning=True) is None:  # imported, as `streamlit run app.py` does because it sees an App here
    app = st.App(__file__, middleware=middleware())
else:
    main()
