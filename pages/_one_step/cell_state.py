"""State of the view of a trained cell: network, layer, unit, text and character."""

from typing import Any

import streamlit as st

from pages._hidden_states.state import example, guides
from pages._one_step.compute import View
from pages._one_step.state import PAGE
from pages._ui import earlier, networks, uploads
from pages._ui.layout import bound, text_form
from pages._ui.link import clean, is_unread, link, link_text, linked_text, linked_whole

MODEL, LAYER, UNIT, TEXT, AT, HOLD = (f"{PAGE}.{name}" for name in ("model", "layer", "unit", "text", "at", "hold"))
SLIDER, NUMBER, ROW = (f"{PAGE}.{name}" for name in ("slider", "number", "row"))
LAYER_NAME = "layer {}"
LONGEST = 2_000  # characters of a visitor's text, so that it fits into a link


def restore() -> None:
    """Read text, unit and character from the link, once per visit."""
    state = st.session_state
    if not is_unread(TEXT):
        return
    state[TEXT] = linked_text(TEXT, LONGEST) or None
    for key in (LAYER, UNIT, AT):
        state[key] = linked_whole(key, 10**6)
    earlier.restore(PAGE, state[UNIT])
    uploads.remember_linked(PAGE)


def known() -> dict[str, dict]:
    """Cards of the networks that this view can show."""
    return networks.emitting("trace", "next_token")


def card() -> dict[str, Any]:
    """The card of the chosen network; empty if there is none."""
    cards = known()
    start = first()
    return networks.chosen({name: cards[name] for name in sorted(cards, key=lambda name: name != start)}, MODEL)


def first(kind: str = "lstm") -> str:
    """The network of a kind to open with: one trained on text with [[links]] if possible; "" if there is none."""
    cards = {name: about for name, about in known().items() if about["arguments"]["cell"] == kind}
    return min(cards, key=lambda name: cards[name]["data"]["corpus"] != "wiki", default="")


def text_of(about: dict) -> str:
    """The current text."""
    chosen = st.session_state[TEXT]
    return example(about).text if chosen is None else chosen


def usual(about: dict, text: str) -> tuple[int, int, int]:
    """Layer, unit and character to open with: the first measured unit of the card, at the first link or the edit of the example."""
    guide = (guides(about) or [{"layer": 0, "unit": 0}])[0]
    opener = text.find("[[") + 1 if "[[" in text else text.find(example(about).needle)
    return guide["layer"], guide["unit"], max(0, opener)


def set_text(text: str | None) -> None:
    """Read another text; None returns to the example."""
    st.session_state[TEXT] = clean(text, LONGEST) if text else None
    st.session_state[AT] = None


def look_at(index: int) -> None:
    """Select another character, counted from 0."""
    st.session_state[AT] = index


def _forget() -> None:
    """Drop layer and unit: their numbers mean nothing in another network."""
    st.session_state[UNIT] = st.session_state[LAYER] = None


def pick(about: dict) -> View:
    """Draw the widgets for network, layer, unit and text; returns what they choose."""
    cards, state, size = known(), st.session_state, about["arguments"]
    text = text_of(about)
    layer, unit, _ = usual(about, text)
    # The default comes first: Streamlit does not allow a default index together with a value set by a button.
    names = sorted(cards, key=lambda name: name != first())
    model = st.selectbox("Network", names, width=170, on_change=_forget, **bound(MODEL))
    layers = [LAYER_NAME.format(n + 1) for n in range(size["layers"])]
    state[ROW] = layers[min(layer if state[LAYER] is None else state[LAYER], len(layers) - 1)]
    st.selectbox("Layer", layers, key=ROW, width=110, label_visibility="collapsed", on_change=_layer_chosen, args=(layers,))
    state[NUMBER] = min(unit if state[UNIT] is None else state[UNIT], size["units"] - 1)
    st.number_input("Unit", 0, size["units"] - 1, key=NUMBER, width=130, label_visibility="collapsed", on_change=_unit_chosen)
    with st.popover("Your text", icon=":material/edit:", width="content"):
        text_form(PAGE, text, LONGEST, set_text)
    return View(model, text, example(about).warm_up, layers.index(state[ROW]), state[NUMBER], _at(about, text))


def _layer_chosen(layers: list[str]) -> None:
    st.session_state[LAYER] = layers.index(st.session_state[ROW])


def _unit_chosen() -> None:
    st.session_state[UNIT] = st.session_state[NUMBER]


def _at(about: dict, text: str) -> int:
    at = st.session_state[AT]
    return min(usual(about, text)[2] if at is None else at, len(text) - 1)


def slide(view: View) -> None:
    """A slider over the text, so that arrow keys move from character to character."""
    if len(view.text) < 2:
        return
    st.session_state[SLIDER] = view.at + 1
    st.slider("Character", 1, len(view.text), key=SLIDER, format="character %d", label_visibility="collapsed", on_change=_slid)


def _slid() -> None:
    look_at(st.session_state[SLIDER] - 1)


def write_link(view: View, about: dict) -> None:
    """Write text, unit and character into the link."""
    layer, unit, at = usual(about, view.text)
    link(LAYER, str(view.layer), str(layer))
    link(UNIT, str(view.unit), str(unit))
    earlier.link_weights(PAGE, view.model, view.unit)
    link(AT, str(view.at), str(at))
    link_text(TEXT, view.text, example(about).text)
