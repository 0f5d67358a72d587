"""State of the Confusions page: the widgets of the first row, the name, the selected cell, and the link."""

from typing import Any

import streamlit as st

from explorer.analysis.confusion import ORDERS
from models.names.romanise import spelling
from models.names.table import LONGEST, Labelled
from pages._components.as_typed import send_as_typed
from pages._confusions.compute import DEV, EMITS, OWN, TRAIN, View
from pages._ui import networks, uploads
from pages._ui.layout import bound, folding, select, try_another
from pages._ui.link import clean, is_unread, link, linked
from pages._ui.text import plain

PAGE = "confusions"
MODEL, TEXT, DRAFT, PART, BY, ORDER, CELL, OPENED, PANEL = (
    f"{PAGE}.{name}" for name in ("model", "text", "draft", "part", "by", "order", "cell", "opened", "panel")
)
IS_OPEN = f"{PAGE}.is_open"  # whether the opened name is on the page and may be in its link
ROWS = f"{PAGE}.rows"  # the visitor's own names: (Labelled, digest)
PARTS = {"held-out names": DEV, "training names": TRAIN, "your own names": OWN}
BYS = {"row shares": "share", "row shares, 0 to 1": "whole share", "counts": "count"}
ORDER_BY = "order by {}"
LETTERS_PANEL = "Letter by letter"
FALLBACK = "Romanov"  # if a card holds no example


def restore() -> None:
    """Read name, cell and an uploaded network from the link, once per visit."""
    state = st.session_state
    if not is_unread(TEXT):
        return
    uploads.remember_linked(PAGE)
    text = linked(TEXT, "")
    state[TEXT] = text[:LONGEST] if text else None
    state[CELL], state[OPENED] = _cell(linked(CELL, "")), linked(OPENED, "") or None
    state.setdefault(ROWS, None)


def _cell(code: str) -> tuple[str, str] | None:
    true, mark, predicted = code.partition(">")
    return (true, predicted) if mark and true and predicted else None


def card() -> dict[str, Any]:
    """The card of the chosen network."""
    return networks.chosen(networks.emitting(*EMITS), MODEL)


def example(about: dict) -> dict[str, Any]:
    """The name to open with: of all held-out names the one whose last letter changes most, see the card."""
    return about["examples"][0] if about["examples"] else {"name": FALLBACK}


def opening(about: dict) -> str:
    """The example with a capital letter."""
    return example(about)["name"].title()


def set_text(text: str | None) -> None:
    """Read another name; None returns to the example."""
    st.session_state[TEXT] = None if text is None else clean(text, LONGEST)


def open_name(text: str) -> None:
    """Read a name and open the panel that shows it letter by letter."""
    set_text(text)
    st.session_state[PANEL] = LETTERS_PANEL


def open_cell(true: str | None, predicted: str | None) -> None:
    """Show the names of a cell; None closes it."""
    st.session_state[CELL], st.session_state[OPENED] = (true, predicted) if true and predicted else None, None


def own_rows() -> tuple[Labelled, str] | None:
    """The visitor's own names and their checksum."""
    return st.session_state.get(ROWS)


def pick(about: dict) -> View:
    """Draw the first row of widgets; returns what they choose."""
    cards, text = networks.emitting(*EMITS), st.session_state[TEXT]
    text = opening(about) if text is None else text
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.session_state.get(DRAFT) != text:  # a button or a link has changed the name
            st.session_state[DRAFT] = text
        st.text_input(
            "Name", key=DRAFT, max_chars=LONGEST, label_visibility="collapsed", width=240, placeholder="Type a name", on_change=_typed
        )
        _gesture_button(about, text)
        with folding(PAGE):
            model = st.selectbox("Network", list(cards), width=160, on_change=open_cell, args=(None, None), **bound(MODEL))
            try_another(PAGE, [(row["name"].title(), _why(row)) for row in about["examples"]], set_text)
    send_as_typed(DRAFT)
    return View(model, text, cell=_known_cell(cards[model]))


def _known_cell(about: dict) -> tuple[str, str] | None:
    cell = st.session_state[CELL]
    return cell if cell and all(label in about["labels"] for label in cell) else None


def _typed() -> None:
    set_text(st.session_state[DRAFT])


def _gesture_button(about: dict, text: str) -> None:
    whole = opening(about)
    is_done = text == whole[:-1]
    if not is_done and len(text) < 2:
        return
    label, icon = (
        (f"Put the “{plain(whole[-1])}” back", ":material/undo:") if is_done else ("Delete the last letter", ":material/backspace:")
    )
    st.button(f"**{label}**", key=f"{PAGE}.gesture", icon=icon, on_click=set_text, args=(None if is_done else text[:-1],))


def _why(row: dict[str, Any]) -> str:
    return f"{row['before']} before the last letter, {row['after']} after it"


def pick_matrix(view: View) -> View:
    """Draw the widgets of the matrix; returns the view with what they choose."""
    parts = [word for word, part in PARTS.items() if part != OWN or own_rows()]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        part = select("Names", parts, PART, 170)
        by = select("Colour", list(BYS), BY, 150)
        order = select("Order", [ORDER_BY.format(name) for name in ORDERS], ORDER, 180)
    return view.of(part=PARTS[part], by=BYS[by], order=order.removeprefix(ORDER_BY.format("")))


def write_link(view: View, about: dict) -> None:
    """Write name and cell into the link."""
    link(TEXT, view.text, opening(about))
    link(CELL, ">".join(view.cell or ()), "")
    link(OPENED, st.session_state[OPENED] if st.session_state.get(IS_OPEN) else "", "")


def is_readable(text: str) -> bool:
    """Whether the name has a letter that can be romanised."""
    return bool(spelling(text))
