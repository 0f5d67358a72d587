"""Panel "Generate": let the network continue the text, and look at its states on what it generated."""

from typing import NamedTuple

import streamlit as st

from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import compute, state, states
from pages._hidden_states.compute import HEAVY, LIGHT, View
from pages._ui.glossary import terms
from pages._ui.progress import Progress, turn
from pages._ui.text import how_to_read

KEY = "hidden_states.generate"
REDRAWN = 5  # characters generated between two drawings
READ = """
The network reads the text, samples the next character from its predicted probabilities, reads that character, and so on.

- **Temperature** divides the logits before the softmax: p = softmax(logits / temperature). Below 1, likely characters become
  more likely; above 1, unlikely ones become more likely. At 0 the most likely character is always taken (greedy decoding).
- **Top k** samples only from the k most likely characters; 0 allows all.
- The same **seed** gives the same text.
"""


class Asked(NamedTuple):
    """The settings of one generated text: network, text before it, and how it is sampled."""

    model: str
    text: str
    temperature: float
    top_k: int
    seed: int
    length: int


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """Continue the text with temperature, top k and seed; then offer the result as the text of the page."""
    if not run.predicts:
        st.info(states.why_no_predictions(network))
        return
    named = compute.tokens_of(view.model)
    st.markdown(f"The network continues the text: it samples a {named[:-1]}, reads it, and samples the next one.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        temperature = st.number_input("Temperature", 0.0, 2.0, 0.7, 0.1, key=f"{KEY}.temperature", bind="query-params", width=120)
        top_k = st.number_input("Top k (0: all)", 0, 100, 0, key=f"{KEY}.top_k", bind="query-params", width=120)
        seed = st.number_input("Seed", 0, 10_000, 1, key=f"{KEY}.seed", bind="query-params", width=120)
        length = st.number_input(named.capitalize(), 10, 2_000, 300, 10, key=f"{KEY}.length", bind="query-params", width=120)
        start = st.button("**Generate**", key=f"{KEY}.start", icon=":material/edit_note:")
    asked = Asked(view.model, view.text, temperature, top_k, seed, length)
    if start:
        _write(asked, network, view.warm_up)
    answered, written = st.session_state.get(KEY, (None, ""))
    if written and answered == asked:  # a text generated under other settings is not shown under these
        if not start:
            st.code(written, language=None, wrap_lines=True)
        st.button("Show the states on this text", key=f"{KEY}.read", on_click=state.set_text, args=(view.text + written,))
    how_to_read(READ)
    terms("temperature", "top k", "softmax", "logit", "seed")


def _write(asked: Asked, network: Loaded, warm_up: str) -> None:
    from models.char_lm.generate import sample

    shown, stop = st.empty(), st.empty()
    stop.button("Stop", key=f"{KEY}.stop")
    written = ""
    options = {"temperature": asked.temperature, "top_k": asked.top_k or None, "seed": asked.seed}
    cost = HEAVY if len(asked.text) + asked.length > LIGHT else None
    progress = Progress("Generating", f"{KEY}.cancel", lambda: None)
    with turn(progress, cost):
        progress.frame.empty()
        tokens = sample(network, warm_up + asked.text, **options)
        for count in range(1, asked.length + 1):
            written += f" {next(tokens)}" if network.vocab.noun == "word" else next(tokens)
            if count % REDRAWN == 0 or count == asked.length:
                shown.code(written, language=None, wrap_lines=True)
                st.session_state[KEY] = (asked, written)  # what was generated before a stop is kept
    stop.empty()
