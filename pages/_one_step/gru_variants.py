"""Two differences between torch's GRU and that of the lectures: named for one unit at one character, and run over the text."""

import pandas as pd
import streamlit as st

from explorer.analysis.cell_step import CellStep
from explorer.figures.diagram import short
from pages._one_step import compute
from pages._one_step.compute import View

KEY = "one_step.two_grus"
TOLD = """
**Two GRUs under one name.** Both differences matter as soon as weights travel from one program to another, or a gate is read as “keeps”.

1. **Which end of z keeps.** torch and Cho et al. (2014): h = (1 − z) n + z h₋₁, **1 keeps**. Chung et al. (2014) and many lectures:
   h = z n + (1 − z) h₋₁, **1 writes**. It is the same network with the rows of z negated, for σ(−a) = 1 − σ(a).
2. **Where the reset gate stands.** torch: n = tanh(W x + b + r (U h + d)), **after** the matrix product, so that one product
   serves all gates. Cho et al.: n = tanh(W x + b + U (r h) + d), **before** it. No sign makes one of the other: these are two networks.
"""


def panel(view: View, step: CellStep) -> None:
    """What the other end of z would make of this unit, and what each form costs on the text."""
    st.markdown(TOLD)
    z, n = step.value("update"), step.value("candidate")
    other = step.held("update", 1 - z)
    st.markdown(
        f"Here z is {short(z)}: read as “1 keeps” the unit keeps {short(step.kept)} and holds **{short(step.state)}**; read as “1 writes” "
        f"it would keep {short(other.kept)} and hold **{short(other.state)}** (candidate {short(n)})."
    )
    if len(view.text) < 2:
        return
    with st.spinner("Four GRUs read the text ..."):
        bits_of = compute.gru_forms(view)
    own = next(iter(bits_of.values()))
    rows = [
        {"the same weights, read as": name, "bits a character": f"{bits:.2f}", "against torch": f"{bits - own:+.2f}"}
        for name, bits in bits_of.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key=f"{KEY}.table")
    st.caption(
        f"Over the first {min(len(view.text), compute.TWO_GRUS)} characters of the text. Each form is run with this network's weights."
    )
