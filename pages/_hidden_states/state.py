"""What is looked at on the page of hidden states: the widgets of the first row, the text, the gesture, the link."""

from collections.abc import Sequence

import streamlit as st

from explorer.analysis import quantities, units
from models.family import emitting
from pages._components.state_view import LOOKS as ALL_LOOKS
from pages._components.state_view import state_choice
from pages._hidden_states import compute
from pages._hidden_states.compute import View
from pages._hidden_states.examples import EXAMPLES, Example, disturbed
from pages._ui import networks, uploads
from pages._ui.layout import folding
from pages._ui.link import LINK_CHARACTERS, TEXT_CHARACTERS, link, linked, packed, unpacked
from pages._ui.progress import guard

PAGE = "hidden_states"
MODEL, LAYER, QUANTITY, ORDER = (f"{PAGE}.{name}" for name in ("model", "layer", "quantity", "order"))
TEXT, BEFORE, UNIT, PART = (f"{PAGE}.{name}" for name in ("text", "before", "unit", "part"))
CURSOR, LOOKS, MAP, PREVIOUS = (f"{PAGE}.{name}" for name in ("cursor", "looks", "map", "previous"))
SCALE, PART_BOX = f"{PAGE}.scale", f"{PAGE}.part_box"
QUANTITIES = {
    "lstm": (quantities.TANH_CELL, quantities.CELL, quantities.HIDDEN, "input", "forget", "candidate", "output"),
    "gru": (quantities.HIDDEN, "reset", "update", "candidate"),
    "rnn": (quantities.HIDDEN,),
}
SCALES = ("fixed scale", "this text's scale")
LAYER_NAME, ROWS_BY = "layer {}", "rows by {}"
ORDERS = (units.MEMORY_TIME, units.SIMILARITY, units.VARIANCE, units.INDEX)

UNCLEAR = "a unit that does nothing clear"
# Concept -> what to look for, with the colour that means "on" for the unit; the first that a card holds opens the page.
WATCH = {
    "inside [[ ]]": "{unit} turns {colour} at the second `[` and lets go at `]]`.",
    "comment": "{unit} is {colour} from `/*` to `*/`.",
    "speaker's name": "{unit} turns {colour} while a speaker is named, before the colon.",
    "since the line began": "{unit} grows more {colour} the longer the line runs, and starts anew after `⏎`.",
    "position in line": "{unit} grows more {colour} the longer the line runs, and starts anew after `⏎`.",
    "inside <ref>": "{unit} is {colour} inside a footnote, from `<ref` to `</ref>` (here written `&lt;ref`).",
    "URL": "{unit} turns {colour} inside a web address and lets go where it ends.",
    "quotes": "{unit} is {colour} between two quotation marks.",
    "inside {{ }}": "{unit} is {colour} inside a template, from `{{{{` to `}}}}`.",
    "indentation": "{unit} grows more {colour} the deeper the line is indented.",
    "nesting depth": "{unit} grows more {colour} the more brackets are open.",
    UNCLEAR: "{unit} moves a great deal, and follows nothing that we could name. Most units are like this one.",
}
CLEAR = 5  # guided units at most, beside the honest one
CHIPS = {UNCLEAR: "nothing clear"}


def kinds() -> tuple[str, ...]:
    """The kinds of checkpoints that the page shows: what reads any text and says what it expects next."""
    return emitting("trace", "next_token")


def restore() -> None:
    """Take text and unit out of the link, once for each visitor."""
    if TEXT in st.session_state:
        return
    state = st.session_state
    state[TEXT], state[BEFORE] = None, None
    state[UNIT], state[CURSOR] = _number(UNIT), _number(CURSOR)
    state[PART] = _number(PART) or 0
    state[LOOKS] = tuple(look for look in ALL_LOOKS if look in linked(LOOKS, "").split(","))
    if code := linked(TEXT, ""):
        with guard(stop=False):
            state[TEXT] = unpacked(code)
    uploads.remember(linked(MODEL, ""))
    shown = example(card()) if card() else None
    if shown and state[TEXT] == disturbed(shown.text, shown):
        state[BEFORE] = shown.text


def _number(name: str) -> int | None:
    """A whole number of the link, if it is one."""
    value = linked(name, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 7 else None


def take_choice() -> None:
    """Keep what the visitor chose in the browser."""
    if chosen := state_choice(MAP):
        st.session_state[UNIT], st.session_state[CURSOR], st.session_state[LOOKS] = chosen.unit, chosen.cursor, chosen.looks


def card() -> dict:
    """The card of the chosen network."""
    cards = networks.cards(*kinds())
    name = st.session_state.get(MODEL) or linked(MODEL, "")
    return cards.get(name, next(iter(cards.values()))) if cards else {}


def example(about: dict) -> Example:
    """The text to open with, in the manner of what the network was trained on."""
    return EXAMPLES.get(about["data"]["corpus"], EXAMPLES["wiki"])


def guides(about: dict) -> list[dict]:
    """Measured units to begin with, in the order of `WATCH`: those that clear all baselines, and the honest one; see the card."""
    units = {unit["concept"]: unit for unit in about.get("units") or [] if unit["clears_all"] or unit["concept"] == UNCLEAR}
    clear = [units[concept] for concept in WATCH if concept in units and concept != UNCLEAR]
    return clear[:CLEAR] + ([units[UNCLEAR]] if UNCLEAR in units else [])


def verdict(guide: dict) -> str:
    """What was measured of a guided unit, in words; layers counted from 1 as everywhere on screen."""
    counted_from_1 = guide.get("verdict", "").replace(f"of layer {guide['layer']}", f"of layer {guide['layer'] + 1}")
    return counted_from_1.replace("follows it", f"follows “{guide['concept']}”")


def forget_model() -> None:
    """Another network numbers its units anew: open it as its card says."""
    st.session_state[UNIT] = None
    for key in (LAYER, QUANTITY):
        if key in st.session_state:
            st.session_state[key] = None


def look_at(layer: int, unit: int, quantity: str | None = None) -> None:
    """Show another unit; for buttons and lists."""
    st.session_state[UNIT], st.session_state[LAYER] = unit, LAYER_NAME.format(layer + 1)
    if quantity:
        st.session_state[QUANTITY] = quantity


def set_text(text: str | None) -> None:
    """Read another text; None goes back to the example."""
    state = st.session_state
    state[PREVIOUS] = state.get(TEXT)
    # Half of a surrogate pair is no text that can travel; a view file or a paste may hold one.
    state[TEXT] = None if text is None else text[:TEXT_CHARACTERS].encode("utf-8", "replace").decode()
    state[BEFORE], state[PART], state[CURSOR] = None, 0, 0


def undo_text() -> None:
    """Read again what was read before, where a long text was stopped."""
    set_text(st.session_state.get(PREVIOUS))


def turn() -> None:
    """Go to the part of the text that the box names."""
    st.session_state[PART] = st.session_state[PART_BOX] - 1
    st.session_state[CURSOR] = st.session_state[PART] * compute.WINDOW


def cursor_within(start: int, length: int) -> int | None:
    """The cursor of the link or the browser, where it lies in a window; None where it does not."""
    cursor = st.session_state[CURSOR]
    return cursor if cursor is not None and start <= cursor < start + length else None


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
    layers = [LAYER_NAME.format(n + 1) for n in range(about["arguments"]["layers"])]
    orders = [ROWS_BY.format(name) for name in (ORDERS if kind != "rnn" else ORDERS[1:])]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _gesture_button(about)
        with folding(PAGE):
            model = st.selectbox("Network", list(networks.cards(*kinds())), on_change=forget_model, width=160, **_bound(MODEL))
            layer = _select("Layer", layers, guide.get("layer", 0), LAYER, 103)
            quantity = _select("Quantity", QUANTITIES[kind], 0, QUANTITY, 137)
            scale = _select("Colours", SCALES, 0, SCALE, 145)
            order = _select("Order of the map", orders, 0, ORDER, 180)
            _text_popover(about)
    unit = st.session_state[UNIT]
    unit = guide.get("unit", 0) if unit is None else unit
    unit = min(unit, about["arguments"]["units"] - 1)
    text = text_of(about)
    part = min(st.session_state[PART], max(0, len(text) - 1) // compute.WINDOW)
    order = order.removeprefix(ROWS_BY.format(""))
    return View(model, text, example(about).warm_up, layers.index(layer), quantity, order, unit, part, scale == SCALES[1])


def _bound(key: str) -> dict:
    return {"key": key, "bind": "query-params", "label_visibility": "collapsed"}


def _select(label: str, options: Sequence[str], index: int, key: str, width: int) -> str:
    # What another network offered may not exist here: back to the default, told to the browser, which keeps what it shows.
    if key in st.session_state and st.session_state[key] not in options:
        st.session_state[key], index = options[index], 0
    return st.selectbox(label, options, index, width=width, **_bound(key))


def _gesture_button(about: dict) -> None:
    shown, taken = example(about), st.session_state[BEFORE] is not None
    label = shown.close_label if taken else shown.open_label
    possible = taken or shown.needle in text_of(about)
    # Bold, not of the primary type: its white letters would stand on the light primary colour that dark mode needs.
    icon = ":material/lock:" if taken else ":material/lock_open:"
    st.button(f"**{label}**", key=f"{PAGE}.gesture", icon=icon, on_click=gesture, args=(about,), disabled=not possible)


def _text_popover(about: dict) -> None:
    with st.popover("Your own text", icon=":material/edit:", width="content"):
        key = f"{PAGE}.draft"
        with st.form(f"{PAGE}.text_form", border=False):
            # Filled anew at each run: what is being read may have changed by the gesture or by a generated text.
            st.session_state[key] = text_of(about)
            st.text_area("Type or paste anything, up to 100,000 characters", key=key, height=220, max_chars=TEXT_CHARACTERS)
            st.form_submit_button("Read it", on_click=lambda: set_text(st.session_state[key]))
        st.button("Back to the example", key=f"{PAGE}.example", on_click=set_text, args=(None,))
        st.caption(
            "100 characters of plain text are read first and not shown, so that the start of yours is no artefact of the empty state."
        )


def write_link(view: View, about: dict) -> bool:
    """Put text, unit and part into the link; False where the text is too long for one."""
    guide, state = (guides(about) or [{}])[0], st.session_state
    link(UNIT, str(view.unit), str(guide.get("unit", 0)))
    link(PART, str(view.part), "0")
    link(CURSOR, str(state[CURSOR] or 0), "0")
    link(LOOKS, ",".join(state[LOOKS]), "")
    code = packed(view.text) if view.text != example(about).text else ""
    fits = len(code) <= LINK_CHARACTERS
    link(TEXT, code if fits else "", "")
    return fits
