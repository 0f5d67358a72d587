"""View of the page "Hidden states": the first row of widgets, the text, the edit of the text, the link."""

import streamlit as st

from explorer.analysis import ordering, quantities
from explorer.analysis.tracks import CONCEPTS
from models.char_lm.experiments.held import ELSEWHERE, MEAN, ZERO
from pages._components.state_view import LOOKS as ALL_LOOKS
from pages._components.state_view import state_choice
from pages._hidden_states import compute
from pages._hidden_states.compute import View
from pages._hidden_states.examples import EXAMPLES, Example, disturbed
from pages._ui import attribution, earlier, networks, uploads
from pages._ui.layout import bound, select, select_named, text_form
from pages._ui.link import (
    TEXT_CHARACTERS,
    clean,
    is_unread,
    link,
    link_text,
    linked,
    linked_choices,
    linked_range,
    linked_text,
    linked_whole,
    of_range,
)
from pages._ui.text import code

PAGE = "hidden_states"
EMITS = ("trace", "any_text")  # what a network must give for this page: its states on any text; not all networks predict
MODEL, LAYER, QUANTITY, ORDER = (f"{PAGE}.{name}" for name in ("model", "layer", "quantity", "order"))
TEXT, BEFORE, UNIT, PART = (f"{PAGE}.{name}" for name in ("text", "before", "unit", "part"))
CURSOR, LOOKS, MAP, PREVIOUS = (f"{PAGE}.{name}" for name in ("cursor", "looks", "map", "previous"))
SELECTION = f"{PAGE}.selection"
SCALE, PART_BOX, PANEL = f"{PAGE}.scale", f"{PAGE}.part_box", f"{PAGE}.panel"
SILENCE = f"{PAGE}.unit.silence"  # the switch of the panel that shows what silencing does, and its name in links
INSTEAD = f"{PAGE}.unit.instead"  # what a silenced unit is held at
SILENCED = f"{PAGE}.is_silenced"  # the same on every panel: a switch that is not on the page has no value
DIRECTION = f"{PAGE}.direction"
DIRECTIONS = {"forwards": "from the beginning", "backwards": "from the end"}
PATHS = {"forwards": "rnn", "backwards": "rnn[reverse]"}
HELD_AT = {ZERO: "0", MEAN: "its mean on this text", ELSEWHERE: "values that it has at other places"}  # in links -> on screen
UNIT_PANEL, TRACE_PANEL, INTERVENE_PANEL = "This unit", "Trace back", "Intervene"
EXPLAINS = (TRACE_PANEL, attribution.PANEL, INTERVENE_PANEL)  # panels about the prediction at the cursor
WIDE = 220  # pixels of a widget in a popover
QUANTITIES = {
    "lstm": (quantities.TANH_CELL, quantities.CELL, quantities.HIDDEN, "input", "forget", "candidate", "output"),
    "gru": (quantities.HIDDEN, "reset", "update", "candidate"),
    "rnn": (quantities.HIDDEN,),
}
STATES = (quantities.TANH_CELL, quantities.CELL, quantities.HIDDEN)  # whose sign has a colour
FIXED, STRETCHED = "fixed scale", "this text's scale"  # in links
SCALES = {FIXED: "same for all texts", STRETCHED: "scaled to this text"}
LAYER_NAME, ROWS_BY = "layer {}", "rows by {}"
ORDERS = (ordering.MEMORY_TIME, ordering.SIMILARITY, ordering.VARIANCE, ordering.INDEX)

UNCLEAR = "a unit that does nothing clear"  # its name in a card
WEAK = 0.3  # a smaller correlation is called weak
# Concept -> what to look for; the first concept that a card holds opens the page.
WATCH = {
    "inside [[ ]]": "{unit}, a neuron, turns {colour} inside a `[[link]]` and back at `]]`.",
    "comment": "{unit} is {colour} from `/*` to `*/`.",
    "speaker's name": "{unit} is {colour} at a speaker's name, up to the colon.",
    "since the line began": "{unit} turns more {colour} as the line gets longer, and starts again after `⏎`.",
    "position in line": "{unit} turns more {colour} as the line gets longer, and starts again after `⏎`.",
    "inside <ref>": "{unit} is {colour} inside a footnote, from `<ref` to `</ref>` (written `&lt;ref` here).",
    "URL": "{unit} turns {colour} inside a web address and back soon after its end.",
    "quotes": "{unit} is {colour} between two quotation marks.",
    "inside {{ }}": "{unit} is {colour} inside a template, from `{{{{` to `}}}}`.",
    "indentation": "{unit} turns more {colour} the deeper the line is indented.",
    "nesting depth": "{unit} turns more {colour} the more brackets are open.",
    UNCLEAR: "{unit} is active but has no clear meaning: it tracks none of our concepts. Most units are like this one.",
}
LARGEST = 1_000_000  # integers of a link are smaller
CLEAR = 5  # at most so many measured units, and one without a clear meaning
CHIPS = {UNCLEAR: "no clear meaning"}


def restore() -> None:
    """Read text and unit from the link, once per visitor."""
    if not is_unread(TEXT):
        return
    state = st.session_state
    state[TEXT], state[BEFORE] = linked_text(TEXT, TEXT_CHARACTERS), None
    state[UNIT], state[CURSOR] = linked_whole(UNIT, LARGEST), linked_whole(CURSOR, LARGEST)
    earlier.restore(PAGE, state[UNIT])
    state[PART] = linked_whole(PART, LARGEST) or 0
    state[LOOKS], state[SELECTION] = linked_choices(LOOKS, ALL_LOOKS), linked_range(SELECTION, LARGEST)
    state[SILENCE] = state[SILENCED] = linked(SILENCE, "") == "true"
    uploads.remember_linked(PAGE)
    shown = example(card()) if card() else None
    if shown and state[TEXT] == disturbed(shown.text, shown):
        state[BEFORE] = shown.text


def take_choice() -> None:
    """Store what the visitor chose in the browser."""
    if chosen := state_choice(MAP):
        state = st.session_state
        state[UNIT], state[LOOKS], state[SELECTION] = chosen.unit, chosen.looks, chosen.selection
        # The browser sends its cursor with every choice: at the start of the part nobody has moved it yet.
        if state[CURSOR] is not None or chosen.cursor != state[PART] * compute.WINDOW:
            state[CURSOR] = chosen.cursor


def card() -> dict:
    """The card of the chosen network."""
    return networks.chosen(networks.emitting(*EMITS), MODEL)


def example(about: dict) -> Example:
    """The text to open with, in the style of the training data; plain English where they are not known, as for an uploaded network."""
    return EXAMPLES.get(about["data"]["corpus"], EXAMPLES["plain"])


def guides(about: dict) -> list[dict]:
    """Units of the card to start with, in the order of `WATCH`: those that beat all baselines, and one without a clear meaning."""
    units = {unit["concept"]: unit for unit in about.get("units") or [] if unit["clears_all"] or unit["concept"] == UNCLEAR}
    clear = [units[concept] for concept in WATCH if concept in units and concept != UNCLEAR]
    return clear[:CLEAR] + ([units[UNCLEAR]] if UNCLEAR in units else [])


def verdict(guide: dict) -> str:
    """One sentence on how well a unit of the card tracks its concept."""
    size = f"correlation {guide['r']:.2f} on {'held-out text' if guide.get('held_out', True) else 'the text it was chosen on'}"
    if guide["concept"] == UNCLEAR:
        nearest = str(guide.get("nearest"))
        return f"The closest concept is “{nearest}” ({size})." if nearest in CONCEPTS else ""
    how = "weakly tracks" if guide["r"] < WEAK else "tracks"
    return f"It {how} “{guide['concept']}” better than all three baselines ({size})."


def colour_of(sign: int) -> str:
    """Name of the colour in which a unit is drawn when it is on, 1 for high values and -1 for low ones."""
    looks = st.session_state[LOOKS]
    high = "green" if "lecture" in looks else "orange"
    return high if (sign > 0) != ("flip" in looks) else "blue"


def forget_model() -> None:
    """Unit numbers of one network mean nothing in another: open the new one at the unit of its card."""
    st.session_state[UNIT] = None
    for key in (LAYER, QUANTITY):
        if key in st.session_state:
            st.session_state[key] = None


def look_at(layer: int, unit: int, quantity: str | None = None) -> None:
    """Show another unit; called by buttons."""
    st.session_state[UNIT], st.session_state[LAYER] = unit, LAYER_NAME.format(layer + 1)
    if quantity:
        st.session_state[QUANTITY] = quantity


def set_text(text: str | None) -> None:
    """Read another text; None goes back to the example."""
    state = st.session_state
    state[PREVIOUS] = state.get(TEXT)
    state[TEXT] = None if text is None else clean(text, TEXT_CHARACTERS)
    state[BEFORE], state[PART], state[CURSOR], state[SELECTION] = None, 0, None, None


def undo_text() -> None:
    """Return to the previous text after a long one was cancelled."""
    set_text(st.session_state.get(PREVIOUS))


def close_panel() -> None:
    """Close the panel below the map after its work was cancelled."""
    st.session_state[PANEL] = None


def show_panel(panel: str) -> None:
    """Show a panel below the map."""
    st.session_state[PANEL] = panel


def turn() -> None:
    """Go to the chosen part of the text."""
    st.session_state[PART] = st.session_state[PART_BOX] - 1
    st.session_state[CURSOR] = None


def cursor_within(start: int, length: int) -> int | None:
    """The cursor of the link or the browser; None if nobody has moved it, or if it lies outside the window."""
    cursor = st.session_state[CURSOR]
    return cursor if cursor is not None and start <= cursor < start + length else None


def text_of(about: dict) -> str:
    """The text being read."""
    chosen = st.session_state[TEXT]
    return example(about).text if chosen is None else chosen


def gesture(about: dict) -> None:
    """Make the edit of the example, or undo it."""
    state = st.session_state
    state[SELECTION] = None
    if state[BEFORE] is not None:
        state[TEXT], state[BEFORE] = state[BEFORE], None
    else:
        state[BEFORE] = text_of(about)
        state[TEXT] = disturbed(state[BEFORE], example(about))
    if state[TEXT] == example(about).text:
        state[TEXT] = None


def is_silenced() -> bool:
    """Whether the page says what the text costs without the chosen unit."""
    return bool(st.session_state.get(SILENCED))


def instead() -> str:
    """What a silenced unit is held at, chosen in its panel or named by the link."""
    chosen = st.session_state.get(INSTEAD) or linked(INSTEAD, ZERO)
    return chosen if chosen in HELD_AT else ZERO


def silence() -> None:
    """Silence the chosen unit, or let it take part again; the panel shows the difference."""
    state = st.session_state
    state[SILENCE] = state[SILENCED] = not is_silenced()
    state[PANEL] = UNIT_PANEL


def take_switch() -> None:
    """Keep what the switch of the panel says."""
    st.session_state[SILENCED] = st.session_state[SILENCE]


def pick(about: dict) -> View:
    """The row of widgets, and what they choose: network, unit, the two gestures; everything else is behind a button."""
    kind, guide = about["arguments"]["cell"], (guides(about) or [{}])[0]
    layers = [LAYER_NAME.format(n + 1) for n in range(about["arguments"]["layers"])]
    orders = {ROWS_BY.format(name): ordering.IN_WORDS[name] for name in (ORDERS if kind != "rnn" else ORDERS[1:])}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        model = st.selectbox("Network", list(networks.emitting(*EMITS)), on_change=forget_model, width=160, **bound(MODEL))
        units = st.container(width="content")
        _gesture_button(about)
        label, icon = ("Stop silencing", ":material/volume_up:") if is_silenced() else ("Silence this unit", ":material/volume_off:")
        st.button(f"**{label}**", key=f"{PAGE}.silence_button", icon=icon, on_click=silence)
        st.button("**Trace back**", key=f"{PAGE}.trace_back_button", icon=":material/undo:", on_click=show_panel, args=(TRACE_PANEL,))
        _text_popover(about)
        with st.popover("Change", icon=":material/tune:", width="content"):
            layer = select("Layer", layers, LAYER, WIDE, guide.get("layer", 0), label_visibility="visible")
            quantity = select("Quantity", QUANTITIES[kind], QUANTITY, WIDE, label_visibility="visible")
            scale = select_named("Colour scale", SCALES, SCALE, WIDE, label_visibility="visible")
            order = select_named("Order of the units", orders, ORDER, WIDE, label_visibility="visible")
            way = "forwards"
            if about["arguments"].get("directions") == 2:
                way = select_named("Reads the text", DIRECTIONS, DIRECTION, WIDE, label_visibility="visible")
    unit = st.session_state[UNIT]
    unit = guide.get("unit", 0) if unit is None else unit
    unit = min(unit, about["arguments"]["units"] - 1)
    with units:
        _measured_units(about, layers.index(layer), unit)
    text = text_of(about)
    part = min(st.session_state[PART], max(0, len(text) - 1) // compute.WINDOW)
    order = order.removeprefix(ROWS_BY.format(""))
    drawn = {"unit": unit, "part": part, "stretched": scale == STRETCHED, "path": PATHS[way]}
    return View(model, text, example(about).warm_up, layers.index(layer), quantity, order, **drawn, instead=instead())


def _measured_units(about: dict, layer: int, unit: int) -> None:
    """The units of the card by what they track; the button names the one that is shown."""
    known = guides(about)
    if not known:
        return
    names = {(guide["layer"], guide["unit"]): str(CHIPS.get(guide["concept"], guide["concept"])) for guide in known}
    # A key for each unit: after a choice it is another popover, which is closed.
    name, key = names.get((layer, unit), f"unit {unit}"), f"{PAGE}.units.{layer}.{unit}"
    with st.popover(name, icon=":material/neurology:", key=key, on_change="rerun") as menu:
        for index, guide in enumerate(known) if menu.open else ():
            at = (guide["layer"], guide["unit"])
            icon = ":material/visibility:" if at == (layer, unit) else None
            options = {"icon": icon, "on_click": look_at, "args": (*at, guide.get("quantity")), "width": "stretch"}
            st.button(names[at], key=f"{PAGE}.chip.{index}", **options)


def _gesture_button(about: dict) -> None:
    shown, taken = example(about), st.session_state[BEFORE] is not None
    label = shown.close_label if taken else shown.open_label
    possible = taken or shown.needle in text_of(about)
    why = None if possible else f"Your text does not contain {code(shown.needle)}, the part that this button changes."
    # Bold instead of type="primary": white letters on the light primary colour of dark mode would be hard to read.
    icon = ":material/lock:" if taken else ":material/lock_open:"
    st.button(f"**{label}**", key=f"{PAGE}.gesture", icon=icon, on_click=gesture, args=(about,), disabled=not possible, help=why)


def _text_popover(about: dict) -> None:
    with st.popover("Your text", icon=":material/edit:", width="content"):
        text_form(PAGE, text_of(about), TEXT_CHARACTERS, set_text, height=220)
        if example(about).warm_up:
            st.caption("About 100 characters of neutral text are read first (not shown), so your text does not start from a blank state.")


def write_link(view: View, about: dict) -> bool:
    """Write text, unit and part into the link; False if the text is too long for it."""
    guide, state = (guides(about) or [{}])[0], st.session_state
    link(SILENCE, "true" if is_silenced() else "", "")
    link(UNIT, str(view.unit), str(guide.get("unit", 0)))
    earlier.link_weights(PAGE, view.model, view.unit)
    link(PART, str(view.part), "0")
    link(CURSOR, "" if state[CURSOR] is None else str(state[CURSOR]), "")
    link(LOOKS, ",".join(state[LOOKS]), "")
    link(SELECTION, of_range(view.selection), "")
    return link_text(TEXT, view.text, example(about).text)
