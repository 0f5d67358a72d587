"""What is looked at on the page of hidden states: the widgets of the first row, the text, the gesture, the link."""

import streamlit as st

from explorer.analysis import quantities, units
from pages._shared import runs
from pages._shared.examples import EXAMPLES, Example, disturbed
from pages._shared.link import LINK_CHARACTERS, TEXT_CHARACTERS, link, linked, packed, unpacked
from pages._shared.runs import View

PAGE = "hidden_states"
MODEL, LAYER, QUANTITY, ORDER = (f"{PAGE}.{name}" for name in ("model", "layer", "quantity", "order"))
TEXT, BEFORE, UNIT, PART = (f"{PAGE}.{name}" for name in ("text", "before", "unit", "part"))
QUANTITIES = {
    "lstm": (quantities.TANH_CELL, quantities.CELL, quantities.HIDDEN, "input", "forget", "candidate", "output"),
    "gru": (quantities.HIDDEN, "reset", "update", "candidate"),
    "rnn": (quantities.HIDDEN,),
}
ORDERS = (units.MEMORY_TIME, units.SIMILARITY, units.VARIANCE, units.INDEX)


def restore() -> None:
    """Take text and unit out of the link, once for each visitor."""
    if TEXT in st.session_state:
        return
    state = st.session_state
    state[TEXT], state[BEFORE], state[UNIT], state[PART] = None, None, None, 0
    unit, part = linked(UNIT, ""), linked(PART, "")
    state[UNIT] = int(unit) if unit.isdecimal() and len(unit) < 6 else None
    state[PART] = int(part) if part.isdecimal() and len(part) < 4 else 0
    if code := linked(TEXT, ""):
        state[TEXT] = unpacked(code)


def card() -> dict:
    """The card of the chosen network."""
    cards = runs.cards()
    name = st.session_state.get(MODEL) or linked(MODEL, "")
    return cards.get(name, next(iter(cards.values()))) if cards else {}


def example(about: dict) -> Example:
    """The text to open with, in the manner of what the network was trained on."""
    return EXAMPLES.get(about["data"]["corpus"], EXAMPLES["wiki"])


def guides(about: dict) -> list[dict]:
    """The units that were measured when the checkpoint was made, best first; see the card."""
    return about.get("units") or []


def forget_model() -> None:
    """Another network numbers its units anew: open it as its card says."""
    st.session_state[UNIT] = None
    for key in (LAYER, QUANTITY):
        st.session_state.pop(key, None)


def look_at(layer: int, unit: int, quantity: str | None = None) -> None:
    """Show another unit; for buttons and lists."""
    st.session_state[UNIT], st.session_state[LAYER] = unit, str(layer + 1)
    if quantity:
        st.session_state[QUANTITY] = quantity


def set_text(text: str | None) -> None:
    """Read another text; None goes back to the example."""
    st.session_state[TEXT] = None if text is None else text[:TEXT_CHARACTERS]
    st.session_state[BEFORE], st.session_state[PART] = None, 0


def text_of(about: dict) -> str:
    """The text being read."""
    chosen = st.session_state[TEXT]
    return example(about).text if chosen is None else chosen


def gesture(about: dict) -> None:
    """Take the needle away, or give it back."""
    state = st.session_state
    if state[BEFORE] is not None:
        state[TEXT], state[BEFORE] = state[BEFORE], None
    else:
        state[BEFORE] = text_of(about)
        state[TEXT] = disturbed(state[BEFORE], example(about))
    if state[TEXT] == example(about).text:
        state[TEXT] = None


def pick(about: dict) -> View:
    """The first row of widgets, and what they choose."""
    kind, guide = about["arguments"]["cell"], (guides(about) or [{}])[0]
    names = list(runs.cards())
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        model = st.selectbox("Network", names, key=MODEL, bind="query-params", on_change=forget_model, width=190)
        layers = [str(n + 1) for n in range(about["arguments"]["layers"])]
        if st.session_state.get(LAYER) not in layers:
            st.session_state.pop(LAYER, None)
        layer = st.selectbox("Layer", layers, guide.get("layer", 0), key=LAYER, bind="query-params", width=90)
        if st.session_state.get(QUANTITY) not in QUANTITIES[kind]:
            st.session_state.pop(QUANTITY, None)
        quantity = st.selectbox("Quantity", QUANTITIES[kind], key=QUANTITY, bind="query-params", width=150)
        orders = ORDERS if kind != "rnn" else ORDERS[1:]
        if st.session_state.get(ORDER) not in orders:
            st.session_state.pop(ORDER, None)
        order = st.selectbox("Order of the map", orders, key=ORDER, bind="query-params", width=160)
        _text_popover(about)
    unit = st.session_state[UNIT]
    unit = guide.get("unit", 0) if unit is None else unit
    unit = min(unit, about["arguments"]["units"] - 1)
    text = text_of(about)
    part = min(st.session_state[PART], max(0, len(text) - 1) // runs.WINDOW)
    return View(model, text, example(about).warm_up, int(layer) - 1, quantity, order, unit, part)


def _text_popover(about: dict) -> None:
    with st.popover("Your own text", icon=":material/edit:", width="content"):
        key = f"{PAGE}.draft"
        with st.form(f"{PAGE}.text_form", border=False):
            # Filled anew at each run: what is being read may have changed by the gesture or by a generated text.
            st.session_state[key] = text_of(about)
            st.text_area("Type or paste anything, up to 100,000 characters", key=key, height=220, max_chars=TEXT_CHARACTERS)
            st.form_submit_button("Read it", type="primary", on_click=lambda: set_text(st.session_state[key]))
        st.button("Back to the example", key=f"{PAGE}.example", on_click=set_text, args=(None,))
        st.caption(
            "100 characters of plain text are read first and not shown, so that the start of yours is no artefact of the empty state."
        )


def write_link(view: View, about: dict) -> bool:
    """Put text, unit and part into the link; False where the text is too long for one."""
    guide = (guides(about) or [{}])[0]
    link(UNIT, str(view.unit), str(guide.get("unit", 0)))
    link(PART, str(view.part), "0")
    code = packed(view.text) if view.text != example(about).text else ""
    fits = len(code) <= LINK_CHARACTERS
    link(TEXT, code if fits else "", "")
    return fits
