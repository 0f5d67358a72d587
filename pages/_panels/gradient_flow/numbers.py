"""How fast the lines fall, here and at many other places: local factors, and a half-life only where one number tells it."""

import pandas as pd
import streamlit as st

from explorer.figures.flow import Curve
from pages._panels.gradient_flow import choice, curves
from pages._shared import flows
from pages._shared.flows import View
from pages._shared.show import scrolling
from pages._shared.text import plain


def panel(view: View, drawn: list[Curve]) -> None:
    """Two tables: of the figure above, and of many places."""
    st.markdown("**Here**: what each step multiplies the gradient with, on average over a band of distances")
    with scrolling("gradient_flow-here"):
        st.markdown(_table(curves.factors(drawn)))
    st.caption(
        "A half-life is given only where all bands fall at the same rate, −ln of the factor, within 20 %. Where they do not, "
        "the line is no exponential, and no one number tells how far it reaches."
    )
    measured = flows.measured(st.session_state[choice.CORPUS])
    rows = [_row(name, run, layers[-1]) for name, about in measured.items() for run, layers in about["runs"].items()]
    if not rows:
        st.caption("How it is at many other places has not been measured for these networks: `python -m tests.measure_gradients`.")
        return
    losses = next(iter(measured.values()))["losses"]
    st.markdown(
        f"**At {losses} other places** of text that no network was trained on: after how many characters the gradient falls below …, "
        "and what each step multiplies it with"
    )
    with scrolling("gradient_flow-many"):
        st.markdown(_table(pd.DataFrame(rows)))
    st.caption(
        "Last layer, gradient to the state: the median, and in brackets the lags that 1 and 9 of 10 places lie below. "
        "“–”: it never falls so far within 200."
    )


def _row(name: str, run: str, layer: dict) -> dict:
    def told(lags: list) -> str:
        low, median, high = ("–" if lag is None else str(lag) for lag in lags)
        return f"{median} ({low} to {high})".replace(" ", "\u00a0")  # a narrow screen scrolls the table, and breaks no number

    factors = {band.replace("-", " to "): factor for band, factor in layer["factors"].items()}
    return {"network": f"{name}, {run}"} | {share: told(lags) for share, lags in layer["lags"].items()} | factors


def _table(frame: pd.DataFrame) -> str:
    """A table of words, small enough to be read aloud."""
    rows = [list(map(str, frame.columns)), ["---"] * len(frame.columns)]
    rows += [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _cell(value) -> str:
    if value is None or value != value:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else plain(str(value))
