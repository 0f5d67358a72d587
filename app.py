"""Entry point of the app: the list of pages; and, for a server that imports this file, the app with its headers and limits."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages._components.accessible import make_accessible
from pages._components.address import watch_address
from pages._ui.layout import ICON, body, menu, next_page, touchable
from pages._ui.paper import printable
from recurrent_explorer_app.server import lifespan, middleware


def main() -> None:
    """Draw the chosen page for a visitor."""
    start = st.Page("pages/start.py", title="Start", icon=":material/home:", default=True)
    one_step = st.Page("pages/one_step.py", title="One step", icon=":material/footprint:")
    hidden_states = st.Page("pages/hidden_states.py", title="Hidden states", icon=":material/neurology:")
    gradient_flow = st.Page("pages/gradient_flow.py", title="Gradient flow", icon=":material/trending_down:")
    attention = st.Page("pages/attention.py", title="Attention", icon=":material/compare_arrows:")
    captions = st.Page("pages/captions.py", title="Captions", icon=":material/image_search:")
    confusions = st.Page("pages/confusions.py", title="Confusions", icon=":material/grid_on:")
    your_model = st.Page("pages/your_model.py", title="Your model", icon=":material/upload_file:")
    glossary = st.Page("pages/glossary.py", title="Glossary", icon=":material/menu_book:")
    rooms = [hidden_states, gradient_flow, attention, captions, confusions]
    groups = {"": [start], "Learn": [one_step, glossary], "Look inside": rooms, "Your model": [your_model]}
    # Before st.navigation, which would else fetch the icon of the page from another server.
    st.set_page_config(page_icon=ICON, layout="wide")
    page = st.navigation(groups, position="top")
    # Hidden states was the first page: old links to its views have the address "/".
    if page is start and any(name.startswith("hidden_states.") for name in st.query_params):
        st.switch_page(hidden_states, query_params={name: st.query_params.get_all(name) for name in st.query_params})
    st.set_page_config(page_title=f"{page.title} – Recurrent Explorer")
    touchable()
    printable()
    make_accessible()
    watch_address()
    menu(groups, page)
    body(page)
    next_page([start, one_step, *rooms, your_model, glossary], page)


if get_script_run_ctx(suppress_warning=True) is None:  # imported, as `streamlit run app.py` does because it sees an App here
    app = st.App(__file__, middleware=middleware(), lifespan=lifespan)
else:
    main()
