"""What is looked at on the page of hidden states: the widgets of the first row, the text, the gesture, the link."""

import streamlit as st

from explorer.analysis import ordering, quantities
from pages._components.state_view import LOOKS as ALL_LOOKS
from pages._components.state_view import state_choice
from pages._hidden_states import compute
from pages._hidden_states.compute import View
from pages._hidden_states.examples import EXAMPLES, Example, disturbed
from pages._ui import earlier, networks, uploads
from pages._ui.layout import bound, folding, select, text_form
from pages._ui.link import TEXT_CHARACTERS, clean, link, link_text, linked, linked_choices, linked_text, linked_whole

PAGE = "hidden_states"
EMITS = ("trace", "next_token")  # what a network gives that this page can show: it reads any text and says what it expects next
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
ORDERS = (ordering.MEMORY_TIME, ordering.SIMILARITY, ordering.VARIANCE, ordering.INDEX)

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
LARGEST = 1_000_000  # the whole numbers of a link are smaller
CLEAR = 5  # guided units at most, beside the honest one
CHIPS = {UNCLEAR: "nothing clear"}


def restore() -> None:
    """Take text and unit out of the link, once for each visitor."""
    if TEXT in st.session_state:
        return
    state = st.session_state
    state[TEXT], state[BEFORE] = linked_text(TEXT, TEXT_CHARACTERS), None
    state[UNIT], state[CURSOR] = linked_whole(UNIT, LARGEST), linked_whole(CURSOR, LARGEST)
    earlier.restore(PAGE, state[UNIT])
    state[PART] = linked_whole(PART, LARGEST) or 0
    state[LOOKS] = linked_choices(LOOKS, ALL_LOOKS)
    uploads.remember(linked(MODEL, ""))
    shown = example(card()) if card() else None
    if shown and state[TEXT] == disturbed(shown.text, shown):
        state[BEFORE] = shown.text


def take_choice() -> None:
    """Keep what the visitor chose in the browser."""
    if chosen := state_choice(MAP):
        st.session_state[UNIT], st.session_state[CURSOR], st.session_state[LOOKS] = chosen.unit, chosen.cursor, chosen.looks


def card() -> dict:
    """The card of the chosen network."""
    return networks.chosen(networks.emitting(*EMITS), MODEL)


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
    state[TEXT] = None if text is None else clean(text, TEXT_CHARACTERS)
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
            model = st.selectbox("Network", list(networks.emitting(*EMITS)), on_change=forget_model, width=160, **bound(MODEL))
            layer = select("Layer", layers, LAYER, 103, guide.get("layer", 0))
            quantity = select("Quantity", QUANTITIES[kind], QUANTITY, 137)
            scale = select("Colours", SCALES, SCALE, 145)
            order = select("Order of the map", orders, ORDER, 180)
            _text_popover(about)
    unit = st.session_state[UNIT]
    unit = guide.get("unit", 0) if unit is None else unit
    unit = min(unit, about["arguments"]["units"] - 1)
    text = text_of(about)
    part = min(st.session_state[PART], max(0, len(text) - 1) // compute.WINDOW)
    order = order.removeprefix(ROWS_BY.format(""))
    return View(model, text, example(about).warm_up, layers.index(layer), quantity, order, unit, part, scale == SCALES[1])


def _gesture_button(about: dict) -> None:
    shown, taken = example(about), st.session_state[BEFORE] is not None
    label = shown.close_label if taken else shown.open_label
    possible = taken or shown.needle in text_of(about)
    # Bold, not of the primary type: its white letters would stand on the light primary colour that dark mode needs.
    icon = ":material/lock:" if taken else ":material/lock_open:"
    st.button(f"**{label}**", key=f"{PAGE}.gesture", icon=icon, on_click=gesture, args=(about,), disabled=not possible)


def _text_popover(about: dict) -> None:
    with st.popover("Your own text", icon=":material/edit:", width="content"):
        text_form(PAGE, text_of(about), TEXT_CHARACTERS, set_text, height=220)
        st.caption(
            "100 characters of plain text are read first and not shown, so that the start of yours is no artefact of the empty state."
        )


def write_link(view: View, about: dict) -> bool:
    """Put text, unit and part into the link; False where the text is too long for one."""
    guide, state = (guides(about) or [{}])[0], st.session_state
    link(UNIT, str(view.unit), str(guide.get("unit", 0)))
    earlier.link_weights(PAGE, view.model, view.unit)
    link(PART, str(view.part), "0")
    link(CURSOR, str(state[CURSOR] or 0), "0")
    link(LOOKS, ",".join(state[LOOKS]), "")
    return link_text(TEXT, view.text, example(about).text)
