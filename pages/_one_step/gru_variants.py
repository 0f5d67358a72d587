"""Two variants are both called GRU: their differences for one unit at one character, and on the whole text."""

import pandas as pd
import streamlit as st

from explorer.analysis.cell_step import CellStep
from explorer.figures.diagram import short
from pages._one_step import compute
from pages._one_step.compute import View
from pages._ui.text import grid, how_to_read

KEY = "one_step.two_grus"
HOW_TO_READ = """
The differences matter when weights move from one program to another, or when a gate is read as “keeps”.

1. **Which end of z keeps.** torch and Cho et al. (2014): h = (1 − z) n + z h₋₁, so **z = 1 keeps**. Chung et al. (2014) and many
   lectures: h = z n + (1 − z) h₋₁, so **z = 1 writes**. Negating the rows of z turns one into the other, because σ(−a) = 1 − σ(a).
2. **Where the reset gate is applied.** torch: n = tanh(W x + b + r (U h + d)), **after** the matrix product, so that one product serves
   all gates. Cho et al.: n = tanh(W x + b + U (r h) + d), **before** it. No sign change turns one into the other: these are two
   different networks.
"""


def panel(view: View, step: CellStep) -> None:
    """The step of this unit with z read the other way, and the bits per character of each variant on the text."""
    st.markdown("**Two variants are both called GRU**")
    z, n = step.value("update"), step.value("candidate")
    other = step.held("update", 1 - z)
    st.markdown(
        f"Here z is {short(z)}. Read as “1 keeps”, the unit keeps {short(step.kept)}, and its new state is **{short(step.state)}**. "
        f"Read as “1 writes”, it would keep {short(other.kept)}, with new state **{short(other.state)}** (candidate {short(n)})."
    )
    if len(view.text) < 2:
        return
    with st.spinner("Running four variants of the GRU on the text ..."):
        bits_of = compute.gru_forms(view)
    own = next(iter(bits_of.values()))
    rows = [
        {"same weights, run as": name, "bits per character": f"{bits:.2f}", "compared with torch": f"{bits - own:+.2f}"}
        for name, bits in bits_of.items()
    ]
    grid(pd.DataFrame(rows), f"{KEY}.table")
    st.caption(f"On the first {min(len(view.text), compute.TWO_GRUS)} characters of the text, with the weights of this network.")
    how_to_read(HOW_TO_READ, "the two variants")
