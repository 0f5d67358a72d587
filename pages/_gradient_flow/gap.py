"""Panel "The gap": the probability of the correct closing mark, near its opening mark and far from it."""

from functools import partial
from typing import Any

import streamlit as st

from explorer.figures import bracket_gap as figures
from explorer.figures.gradient_decay import Curve
from models.family import PROGRAM
from pages._gradient_flow import compute, lossy_summary, state
from pages._gradient_flow.compute import View
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.show import is_dark, show
from pages._ui.text import code, how_to_read, plain

READ = """
Each point is the mean probability of the first character of the closing mark, at the places where the closing mark is correct, with
a 95 % interval (bootstrap over the marks; marks of the same page are alike, so the true interval is somewhat wider).

- A model that sees only the last few characters can close a link where the linked word itself shows its end. It knows
  that a link is open only while the opening mark is among those characters.
- Where the gradient does not reach, training cannot teach a network to use what stood there. The two figures **agree**; that
  does not prove that one causes the other.
"""


def panel(view: View, drawn: list[Curve]) -> None:
    """Two figures, each if it was measured for these networks: the closing marks, and what a probe finds of the past."""
    corpus = st.session_state[state.CORPUS]
    measured, probed = compute.gap(corpus), compute.probe(corpus)
    if not measured:
        st.info(f"The gap has not been measured for these networks. If you have their training text, run `{PROGRAM} measure NAME gap`.")
    else:
        _gap(measured)
    if probed:
        lossy_summary.section(probed)


def _gap(measured: dict[str, Any]) -> None:
    mark, opener = measured["mark"], measured["opener"]
    st.markdown(
        f"**The gap**: does the network still know that a {code(opener)} is open? {plain(measured['marks'])} links in held-out text"
    )
    figure = made(figures.gap, measured["bands"], mark, is_dark())
    with st.container(key="gradient_flow.gap.frame"):
        show(figure, "gradient_flow.gap", "gap", partial(figures.table, measured["bands"]), stretch=True)
    terms("probability p", "n-gram", "bootstrap")
    how_to_read(READ)
