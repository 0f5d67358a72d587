"""What else could have been said: the hypotheses of the beam and captions drawn by chance, each with its own maps."""

import pandas as pd
import streamlit as st

from models.decoding import Hypothesis
from pages._captions import compute, multiples
from pages._captions.compute import Told, View
from pages._ui import networks

KEY = "captions.alternatives"


def panel(view: View, about: dict, told: Told) -> None:
    """Width and temperature, the captions, and the maps of the chosen one."""
    with st.container(horizontal=True, vertical_alignment="center"):
        width = st.segmented_control("Beam", [1, 3, 5, 8], default=5, key=f"{KEY}.width", bind="query-params", required=True)
        temperature = st.slider("Temperature of samples", 0.2, 2.0, 1.0, 0.1, key=f"{KEY}.temperature", bind="query-params", width=220)
        seed = st.number_input("Seed", 0, 999, 0, key=f"{KEY}.seed", bind="query-params", width=120)
    plain = view.of(hidden=(), width=width)
    found: list[tuple[str, Hypothesis]] = [("beam", each) for each in compute.caption(plain).hypotheses]
    found += [("sample", each) for each in compute.samples(plain, temperature, 5, seed)]
    decode = networks.loaded(view.model).vocab.decode
    rows = [
        {"from": name, "caption": decode(each.tokens), "log p": each.log_probabilities.sum(), "score": each.score} for name, each in found
    ]
    table = pd.DataFrame(rows).round(2)
    st.dataframe(table, hide_index=True, key=f"{KEY}.table")
    st.caption(
        "Score: log p divided by the number of words, the end mark too. A beam keeps the likeliest beginnings; a sample draws each word."
    )
    names = {place: f"{row['from']}: {row['caption']}" for place, row in enumerate(rows)}
    chosen = st.selectbox("Maps of", list(names), format_func=names.__getitem__, key=f"{KEY}.chosen.{len(rows)}")
    multiples.draw_words(plain, compute.told_of(plain, found[chosen][1]), KEY)
