"""Panel "What training sees": the gradient of the summed loss, which shows neither decay nor memory."""

from functools import partial

import streamlit as st

from explorer.figures import gradient_decay as figures
from explorer.figures.gradient_decay import Curve
from pages._gradient_flow import compute, state
from pages._gradient_flow.compute import View
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.show import is_dark, show
from pages._ui.text import how_to_read

READ = """
Training adds up the losses of all characters, and each loss has a large gradient at the states just before it. The sum is
therefore about equally large everywhere, in a network that remembers and in one that does not: **no decay is visible, and none
can be read off**. That is why this figure has no axis of distance. Gradients of the weights are sums over time too, and
say just as little about memory.
"""


def panel(view: View, drawn: list[Curve]) -> None:
    """The same networks and text, with the loss at every character."""
    st.markdown("**What training sees**: the gradient of the summed loss with respect to every state")
    series = {}
    for network in view.networks:
        about = state.cards()[network.name]["arguments"]
        if view.layer < about["layers"]:
            series[state.title(network)] = compute.summed(view, network).state_log10[:, view.layer]
    figure = made(figures.summed, series, view.tokens, view.start, is_dark())
    show(figure, "gradient_flow.summed", "summed", partial(figures.summed_table, series, view.tokens), stretch=True)
    terms("gradient", "loss", "norm")
    how_to_read(READ)
