"""Let the network go on writing, character by character, and look at the states of what it wrote."""

from typing import NamedTuple

import streamlit as st

from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import state
from pages._hidden_states.compute import View

KEY = "hidden_states.generate"
REDRAWN = 5  # characters written between two pictures of them


class Asked(NamedTuple):
    """What is to be written: by which network, after what text, and how it is drawn."""

    model: str
    text: str
    temperature: float
    top_k: int
    seed: int
    length: int


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
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
    asked = Asked(view.model, view.text, temperature, top_k, seed, length)
    if start:
        _write(asked, network, view.warm_up)
    answered, written = st.session_state.get(KEY, (None, ""))
    if written and answered == asked:  # what was written under other settings is not shown as if it were under these
        if not start:
            st.code(written, language=None, wrap_lines=True)
        st.button("Show the states of what it wrote", key=f"{KEY}.read", on_click=state.set_text, args=(view.text + written,))


def _write(asked: Asked, network: Loaded, warm_up: str) -> None:
    from models.char_lm.generate import sample

    shown, stop = st.empty(), st.empty()
    stop.button("Stop", key=f"{KEY}.stop")
    written = ""
    options = {"temperature": asked.temperature, "top_k": asked.top_k or None, "seed": asked.seed}
    tokens = sample(network, warm_up + asked.text, **options)
    for count in range(1, asked.length + 1):
        written += next(tokens)
        if count % REDRAWN == 0 or count == asked.length:
            shown.code(written, language=None, wrap_lines=True)
            st.session_state[KEY] = (asked, written)  # a stop keeps what there is
    stop.empty()
