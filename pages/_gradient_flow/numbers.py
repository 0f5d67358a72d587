"""Panel "In numbers": how fast the gradient falls at the chosen character and at many other places."""

import pandas as pd
import streamlit as st

from explorer.figures.gradient_decay import Curve
from models.family import PROGRAM
from pages._gradient_flow import compute, curves, state
from pages._gradient_flow.compute import View
from pages._ui.glossary import terms
from pages._ui.text import plain, table


def panel(view: View, drawn: list[Curve]) -> None:
    """Two tables: one of the figure above, one of many places."""
    st.markdown("**At this character**: how many characters back the gradient falls below 1/2 to 1/1000, and its mean factor per step")
    table(curves.factors(drawn), "gradient_flow.here", "gradient-here")
    st.caption(
        "A half-life is given only if the gradient decays at the same rate (−ln of the factor, within 20 %) over all distances; otherwise "
        "the decay is not exponential."
    )
    terms("half-life", "gradient")
    measured = compute.measured(st.session_state[state.CORPUS])
    rows = [_row(name, run, layers[-1]) for name, about in measured.items() for run, layers in about["runs"].items()]
    if not rows:
        st.caption(f"Other places have not been measured for these networks: run `{PROGRAM} measure NAME gradients`.")
        return
    losses = next(iter(measured.values()))["losses"]
    st.markdown(
        f"**At {plain(losses)} other places in held-out text**: the same for the state of the last layer, "
        "as median (10th to 90th percentile)"
    )
    table(pd.DataFrame(rows), "gradient_flow.many", "gradient-elsewhere")
    st.caption("“–”: the gradient does not fall below this share within 200 characters.")


def _row(name: str, run: str, layer: dict) -> dict:
    def in_words(lags: list) -> str:
        low, median, high = ("–" if lag is None else str(lag) for lag in lags)
        return f"{median} ({low} to {high})"

    factors = {curves.FACTOR.format(band.replace("-", " to ")): factor for band, factor in layer["factors"].items()}
    falls = {curves.BELOW.format(share): in_words(lags) for share, lags in layer["lags"].items()}
    return {"network": f"{name}, {run}"} | falls | factors
