"""Panel "Compare": two networks on one text, or one network on two texts."""

import numpy as np
import pandas as pd
import streamlit as st

from explorer.analysis.divergence import unit_changes
from explorer.figures.bits import bits as bits_figure
from explorer.figures.characters import noun
from models import Loaded
from models.char_lm.experiments.window import WindowRun
from pages._hidden_states import compute, state, states
from pages._hidden_states.compute import View
from pages._ui import networks, uploads
from pages._ui.glossary import terms
from pages._ui.made import made
from pages._ui.progress import patiently
from pages._ui.show import is_dark, show
from pages._ui.state_link import linked_state_view
from pages._ui.text import grid, plain

KEY = "hidden_states.compare"
TWINS = "Both networks have the same cells, sizes and tokens. If they are checkpoints of one run, this is the same unit in both."


def panel(view: View, about: dict, network: Loaded, run: WindowRun) -> None:
    """The states of the second network or text, the units that changed, and the surprise in both networks and an n-gram model."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        way = st.selectbox("Compare with", ["another network", "another text"], key=f"{KEY}.way", bind="query-params", width=180)
        if way == "another network":
            others = _others(view)
            other = _of_model(view, st.selectbox("Network", others, key=f"{KEY}.model", bind="query-params", width=190))
        else:
            text = st.text_input("Text", "A [[tower that guides ships at night.", key=f"{KEY}.text", max_chars=2_000, bind="query-params")
            other = view.of(text=text or " ", part=0)
        is_twin = way == "another network" and is_alike(view.model, other.model)
        if is_twin:
            unit, other = view.unit, other.of(unit=view.unit, layer=view.layer)
        else:
            most = networks.emitting(*state.EMITS)[other.model]["arguments"]["units"] - 1
            unit = st.number_input("Unit", 0, most, min(other.unit, most), key=f"{KEY}.unit", bind="query-params", width=110)
    if way == "another network":
        st.caption(
            TWINS if is_twin else "Unit numbers and signs are not comparable between networks. Use *flip sign* for units of opposite sign."
        )
        if uploads.path_of(view.model) and not is_twin:
            st.caption("To compare two checkpoints of one run, open the file of the other epoch on *Your model* too.")
    read = lambda report: compute.window(other, networks.loaded(other.model), report)  # noqa: E731
    what = compute.tokens_of(other.model)
    other_run = patiently(f"{other.model} is reading the text, {what}", f"{KEY}.cancel", state.close_panel, read, compute.cost(other))
    linked_state_view(states.figure(other.of(unit=unit), other_run), f"{KEY}.map", f"{KEY}.map")
    if is_twin and other_run.values.shape == run.values.shape:
        _changes(view, other, run, other_run)
    if other.text == view.text and run.predicts and other_run.predicts:
        if other_run.trace.tokens == run.trace.tokens:
            _costs(view, about, run, {other.model: other_run.bits})
        else:
            st.caption("The two networks read different tokens, so their bits per token cannot be compared.")
    terms("bits", "n-gram")


def _others(view: View) -> list[str]:
    """The networks to compare with: first those that may be another checkpoint of the same run."""
    others = [name for name in networks.emitting(*state.EMITS) if name != view.model]
    return sorted(others, key=lambda name: not is_alike(view.model, name)) or [view.model]


def is_alike(one: str, other: str) -> bool:
    """Whether two networks of visitors have the same cells, sizes and tokens, as two checkpoints of one run have."""
    both = [networks.emitting(*state.EMITS)[name] for name in (one, other)]
    if one == other or both[0]["kind"] != both[1]["kind"] or not (uploads.path_of(one) and uploads.path_of(other)):
        return False
    sizes = [{key: card["arguments"].get(key) for key in ("cell", "layers", "units", "directions")} for card in both]
    return sizes[0] == sizes[1] and networks.loaded(one).vocab == networks.loaded(other).vocab


def _of_model(view: View, name: str) -> View:
    about = networks.emitting(*state.EMITS)[name]
    kind, guide = about["arguments"]["cell"], (state.guides(about) or [{}])[0]
    quantity = view.quantity if view.quantity in state.QUANTITIES[kind] else state.QUANTITIES[kind][0]
    order = view.order if kind != "rnn" or view.order != state.ORDERS[0] else state.ORDERS[1]
    layer = min(guide.get("layer", 0), about["arguments"]["layers"] - 1)
    path = view.path if about["arguments"].get("directions") == 2 else "rnn"
    return view.of(model=name, quantity=quantity, order=order, layer=layer, unit=guide.get("unit", 0), path=path)


def _changes(view: View, other: View, run: WindowRun, other_run: WindowRun) -> None:
    """The units whose states differ most between two checkpoints; a click on a row shows its unit in both."""
    changes = made(unit_changes, other_run.values, run.values)
    units = [int(unit) for unit in changes.order]
    table = pd.DataFrame({"unit": units, "difference": changes.difference[changes.order], "correlation": changes.r[changes.order]})
    st.markdown(f"**Units that differ most** between {plain(view.model)} and {plain(other.model)} in {view.quantity}, on this text")
    numbers = {name: st.column_config.NumberColumn(format="%.3f") for name in ("difference", "correlation")}
    event = grid(table, f"{KEY}.changes", on_select="rerun", selection_mode="single-row", height=250, column_config=numbers)
    st.caption("Difference: root mean square over the text. Correlation: of the two states; near 1, the unit does the same as before.")
    rows = event["selection"]["rows"]
    if rows and rows[0] < len(units):
        unit = units[rows[0]]
        st.button(f"Show unit {unit} in both", key=f"{KEY}.show", on_click=state.look_at, args=(view.layer, unit))


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
    st.markdown(f"**Surprise on this text**, mean bits per {noun(run.trace.tokens)[:-1]}: {means}")
    tokens = run.trace.tokens
    figure = made(bits_figure, bits, tokens, start=run.start, dark=is_dark())
    show(figure, f"{KEY}.bits", "bits", lambda: pd.DataFrame({noun(tokens)[:-1]: tokens} | bits), stretch=True)
