"""The gap: what a network does with what it remembers. The right closing mark, near its opener and far from it."""

import streamlit as st

from explorer.figures import bracket_gap as figures
from explorer.figures.gradient_decay import Curve
from pages._gradient_flow import compute, state
from pages._gradient_flow.compute import View
from pages._ui.glossary import terms
from pages._ui.show import is_dark, show

READ = """Each point is the mean probability that a model gives to the first character of the closing mark, at the places where it
does come, with its 95 % interval (bootstrap over the marks; marks of one page are alike, so it is rather too narrow). A model
that only looks at the last few characters can close a link where the word itself tells that it ends; that the link is open it
knows only as long as the opener is among them. Where the gradient above does not reach, training cannot teach a network to use what
stood there: the two figures **go together**, which does not prove that one is the cause of the other."""


def panel(view: View, drawn: list[Curve]) -> None:
    """The figure, where it was measured."""
    measured = compute.gap(st.session_state[state.CORPUS])
    if not measured:
        st.info("The gap has not been measured for these networks. With their training text at hand: `python -m models measure NAME gap`.")
        return
    mark, opener = measured["mark"], measured["opener"]
    st.markdown(
        f"**The gap**: does it still know that the `{opener}` is open? {measured['marks']} links of text that no network was trained on"
    )
    figure = figures.gap(measured["bands"], mark, is_dark())
    with st.container(key="gradient_flow.gap.frame"):
        show(figure, "gradient_flow.gap", "gap", figures.table(measured["bands"]), stretch=True)
    terms("probability p", "n-gram", "bootstrap")
    st.caption(READ)
