"""What training sees: the gradient of the costs of all characters together, which shows no decay and proves no memory."""

import streamlit as st

from explorer.figures import gradient_decay as figures
from explorer.figures.gradient_decay import Curve
from pages._gradient_flow import compute, state
from pages._gradient_flow.compute import View
from pages._ui.glossary import terms
from pages._ui.show import is_dark, show

READ = """Training adds up the costs of all characters, and each has its own gradient nearby. The sum is about as large
everywhere, in a network that remembers and in one that does not: **no decay shows, and none can be read off**. So this
picture has no axis of distance. Gradients of weights sum over time as well, and prove as little."""


def panel(view: View, drawn: list[Curve]) -> None:
    """The same networks and text, with the cost of every character."""
    st.markdown("**What training sees**: the gradient of the summed cost at every state")
    series = {}
    for network in view.networks:
        about = state.cards()[network.name]["arguments"]
        if view.layer < about["layers"]:
            series[state.title(network)] = compute.summed(view, network).state_log10[:, view.layer]
    figure = figures.summed(series, view.tokens, view.start, is_dark())
    show(figure, "gradient_flow.summed", "summed", figures.summed_table(series, view.tokens), stretch=True)
    terms("gradient", "loss", "norm")
    st.caption(READ)
