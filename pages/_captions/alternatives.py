"""Other captions of the same picture: hypotheses of beam search and random samples, each with its attention maps."""

import pandas as pd
import streamlit as st

from models import Loaded
from models.captioning.experiments.captions import CaptionRun
from models.decoding import Hypothesis
from pages._captions import compute, multiples
from pages._captions.compute import View
from pages._ui.glossary import terms
from pages._ui.link import is_unread, link, linked_index
from pages._ui.text import grid

KEY = "captions.alternatives"
CHOSEN = f"{KEY}.chosen"
SAMPLES = 5


def panel(view: View, about: dict, network: Loaded, run: CaptionRun) -> None:
    """Beam width and temperature, a table of captions, and the attention maps of the chosen one."""
    with st.container(horizontal=True, vertical_alignment="center"):
        width = st.segmented_control("Beam width", [1, 3, 5, 8], default=5, key=f"{KEY}.width", bind="query-params", required=True)
        temperature = st.slider("Temperature", 0.2, 2.0, 1.0, 0.1, key=f"{KEY}.temperature", bind="query-params", width=220)
        seed = st.number_input("Seed", 0, 999, 0, key=f"{KEY}.seed", bind="query-params", width=120)
    view = view.of(width=width)
    hypotheses = list(compute.caption(view, network).hypotheses)
    ways = ["beam search"] * len(hypotheses) + ["sample"] * SAMPLES
    hypotheses += compute.samples(view, network, temperature, SAMPLES, seed)
    rows = [_row(way, hypothesis, network) for way, hypothesis in zip(ways, hypotheses, strict=True)]
    grid(pd.DataFrame(rows).round(2), f"{KEY}.table")
    st.caption("Score: log probability divided by the number of words, end mark included.")
    labels = {index: f"{row['method']}: {row['caption']}" for index, row in enumerate(rows)}
    if is_unread(key := f"{CHOSEN}.{len(rows)}"):
        st.session_state[key] = linked_index(CHOSEN, len(rows))
    chosen = st.selectbox("Attention maps of", list(labels), format_func=labels.__getitem__, key=key)
    link(CHOSEN, str(chosen), "0")
    multiples.draw_words(view, compute.other_caption(view, network, hypotheses[chosen]), KEY)
    terms("beam search", "temperature", "seed", "log probability")


def _row(way: str, hypothesis: Hypothesis, network: Loaded) -> dict:
    text, log_probability = network.vocab.decode(hypothesis.tokens), hypothesis.log_probabilities.sum()
    return {"method": way, "caption": text, "log probability": log_probability, "score": hypothesis.score}
