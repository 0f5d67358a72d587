"""Let the network go on writing, character by character, and look at the states of what it wrote."""

import streamlit as st

from pages._hidden_states import state
from pages._hidden_states.compute import View
from pages._ui import networks

KEY = "hidden_states.generate"


def panel(view: View, about: dict, chosen) -> None:
    """Continue the text live with temperature, top-k and seed; then read the result as the page's text."""
    st.markdown("The network reads the text and goes on by itself: it draws a character, reads it, draws the next.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        temperature = st.number_input("Temperature", 0.0, 2.0, 0.7, 0.1, key=f"{KEY}.temperature", bind="query-params", width=120)
        top_k = st.number_input("Top k (0: all)", 0, 100, 0, key=f"{KEY}.top_k", bind="query-params", width=120)
        seed = st.number_input("Seed", 0, 10_000, 1, key=f"{KEY}.seed", bind="query-params", width=120)
        length = st.number_input("Characters", 10, 2_000, 300, 10, key=f"{KEY}.length", bind="query-params", width=120)
        start = st.button("**Write**", key=f"{KEY}.start", icon=":material/edit_note:")
    st.caption(
        "pₖ = softmax(logitsₖ / temperature): below 1 the likely becomes likelier, at 0 always the likeliest is taken. "
        "The same seed gives the same text."
    )
    asked = (view.model, view.text, temperature, top_k, seed, length)
    if start:
        _write(view, asked)
    made, written = st.session_state.get(KEY, (None, ""))
    if written and made == asked:  # what was written under other settings is not shown as if it were under these
        if not start:
            st.code(written, language=None, wrap_lines=True)
        st.button("Show the states of what it wrote", key=f"{KEY}.read", on_click=state.set_text, args=(view.text + written,))


def _write(view: View, asked: tuple) -> None:
    from models.decoding import sample

    place, stop = st.empty(), st.empty()
    stop.button("Stop", key=f"{KEY}.stop")
    written = ""
    temperature, top_k, seed, length = asked[2:]
    loaded = networks.loaded(view.model)
    tokens = sample(loaded, view.warm_up + view.text, temperature=temperature, top_k=top_k or None, seed=seed)
    for number in range(length):
        written += next(tokens)
        if number % 5 == 4 or number == length - 1:
            place.code(written, language=None, wrap_lines=True)
            st.session_state[KEY] = (asked, written)  # a stop keeps what there is
    stop.empty()
