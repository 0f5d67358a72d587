"""Panel "Compare": two networks on one text, or one network on two texts."""

import numpy as np
import pandas as pd
import streamlit as st

from explorer.figures.bits import bits as bits_figure
from explorer.figures.characters import noun
from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import compute, state, states
from pages._hidden_states.compute import View
from pages._ui import networks
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.progress import patiently
from pages._ui.show import is_dark, show
from pages._ui.state_link import linked_state_view
from pages._ui.text import plain

KEY = "hidden_states.compare"


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """The states of the second network or text, and the surprise at each character in both networks and an n-gram model."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        way = st.selectbox("Compare with", ["another network", "another text"], key=f"{KEY}.way", bind="query-params", width=180)
        if way == "another network":
            others = [name for name in networks.emitting(*state.EMITS) if name != view.model] or [view.model]
            other = _of_model(view, st.selectbox("Network", others, key=f"{KEY}.model", bind="query-params", width=190))
        else:
            text = st.text_input("Text", "A [[tower that guides ships at night.", key=f"{KEY}.text", max_chars=2_000, bind="query-params")
            other = view.of(text=text or " ", part=0)
        most = networks.emitting(*state.EMITS)[other.model]["arguments"]["units"] - 1
        unit = st.number_input("Unit", 0, most, min(other.unit, most), key=f"{KEY}.unit", bind="query-params", width=110)
    if way == "another network":
        st.caption("Unit numbers and signs are not comparable between networks. Use *flip sign* for units of opposite sign.")
    read = lambda report: compute.window(other, networks.loaded(other.model), report)  # noqa: E731
    other_run = patiently(f"{other.model} is reading the text, characters", f"{KEY}.cancel", state.close_panel, read, compute.cost(other))
    linked_state_view(states.figure(other.of(unit=unit), other_run), f"{KEY}.map", f"{KEY}.map")
    if other.text == view.text:
        _costs(view, about, run, {other.model: other_run.bits})
    terms("bits", "n-gram")


def _of_model(view: View, name: str) -> View:
    about = networks.emitting(*state.EMITS)[name]
    kind, guide = about["arguments"]["cell"], (state.guides(about) or [{}])[0]
    quantity = view.quantity if view.quantity in state.QUANTITIES[kind] else state.QUANTITIES[kind][0]
    order = view.order if kind != "rnn" or view.order != state.ORDERS[0] else state.ORDERS[1]
    layer = min(guide.get("layer", 0), about["arguments"]["layers"] - 1)
    return view.of(model=name, quantity=quantity, order=order, layer=layer, unit=guide.get("unit", 0))


def _costs(view: View, about: dict, run: WindowRun, others: dict[str, np.ndarray]) -> None:
    """Surprise at each character of the window in the network, in others and in the n-gram model of its corpus.

    Args:
        view: Gives network and text.
        about: The network's card.
        run: Its window.
        others: Name of another network -> bits over the same window, [time].
    """
    bits, corpus = {view.model: run.bits} | others, about["data"]["corpus"]
    if (counts := compute.ngram(corpus)) is not None:
        bits[f"{counts.order}-gram"] = compute.ngram_bits(corpus, view)[run.start :][: len(run.bits)]
    means = ", ".join(f"{plain(name)} {values.mean():.2f}" for name, values in bits.items())
    st.markdown(f"**Surprise on this text**, mean bits per character: {means}")
    tokens = run.trace.tokens
    figure = made(bits_figure, bits, tokens, start=run.start, dark=is_dark())
    show(figure, f"{KEY}.bits", "bits", lambda: pd.DataFrame({noun(tokens)[:-1]: tokens} | bits), stretch=True)
