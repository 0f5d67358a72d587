"""How fast the lines fall, here and at many other places: local factors, and a half-life only where one number tells it."""

import pandas as pd
import streamlit as st

from explorer.figures.gradient_decay import Curve
from pages._gradient_flow import compute, curves, state
from pages._gradient_flow.compute import View
from pages._ui.glossary import terms
from pages._ui.text import table


def panel(view: View, drawn: list[Curve]) -> None:
    """Two tables: of the figure above, and of many places."""
    st.markdown("**Here**: what each step multiplies the gradient with, on average over a band of distances")
    table(curves.factors(drawn), "gradient_flow.here", "gradient-here")
    st.caption(
        "A half-life is given only where all bands fall at the same rate, −ln of the factor, within 20 %. Where they do not, "
        "the line is no exponential, and no one number tells how far it reaches."
    )
    terms("half-life", "gradient")
    measured = compute.measured(st.session_state[state.CORPUS])
    rows = [_row(name, run, layers[-1]) for name, about in measured.items() for run, layers in about["runs"].items()]
    if not rows:
        st.caption("How it is at many other places has not been measured for these networks: `python -m models measure NAME gradients`.")
        return
    losses = next(iter(measured.values()))["losses"]
    st.markdown(
        f"**At {losses} other places** of text that no network was trained on: after how many characters the gradient falls below …, "
        "and what each step multiplies it with"
    )
    table(pd.DataFrame(rows), "gradient_flow.many", "gradient-elsewhere")
    st.caption(
        "Last layer, gradient to the state: the median, and in brackets the lags that 1 and 9 of 10 places lie below. "
        "“–”: it never falls so far within 200."
    )


def _row(name: str, run: str, layer: dict) -> dict:
    def in_words(lags: list) -> str:
        low, median, high = ("–" if lag is None else str(lag) for lag in lags)
        return f"{median} ({low} to {high})"

    factors = {band.replace("-", " to "): factor for band, factor in layer["factors"].items()}
    return {"network": f"{name}, {run}"} | {share: in_words(lags) for share, lags in layer["lags"].items()} | factors
