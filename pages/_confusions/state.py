"""State of the Confusions page: the widgets of the first row, the name, the selected cell, and the link."""

from collections.abc import Iterable
from typing import Any

import streamlit as st

from explorer.analysis.confusion import ORDERS
from models.names.romanise import is_of_names
from models.names.table import LONGEST, LONGEST_TEXT, Labelled
from pages._components.as_typed import send_as_typed
from pages._confusions.compute import DEV, EMITS, OWN, TRAIN, View, letters
from pages._confusions.words import NAMES, Words, words
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
LONGEST_OF = {True: LONGEST, False: LONGEST_TEXT}  # characters of a name, and of another text
BYS = {"row shares": "share", "row shares, 0 to 1": "whole share", "counts": "count"}
ORDER_BY = "order by {}"
LETTERS_PANEL = "Letter by letter"
OWN_PANEL, OWN_TEXTS = "Your own names", "Your own texts"
FALLBACK = "Romanov"  # if a card holds no example


def restore() -> None:
    """Read name, cell and an uploaded network from the link, once per visit."""
    state = st.session_state
    if not is_unread(TEXT):
        return
    uploads.remember_linked(PAGE)
    text = linked(TEXT, "")
    state[TEXT] = text[: _longest()] if text else None
    state[CELL], state[OPENED] = _cell(linked(CELL, "")), linked(OPENED, "") or None
    state.setdefault(ROWS, None)


def _cell(code: str) -> tuple[str, str] | None:
    true, mark, predicted = code.partition(">")
    return (true, predicted) if mark and true and predicted else None


def card() -> dict[str, Any]:
    """The card of the chosen network."""
    return networks.chosen(networks.emitting(*EMITS), MODEL)


def called(about: dict[str, Any]) -> Words:
    """The nouns of the chosen network."""
    return words(_model(networks.emitting(*EMITS))) if about else NAMES


def panels(view: View, known: Iterable[str]) -> list[str]:
    """Those of the panels that this network has: its own test set holds names, or other texts."""
    other = OWN_TEXTS if words(view.model).of_names else OWN_PANEL
    return [panel for panel in known if panel != other]


def example(about: dict) -> dict[str, Any]:
    """The name to open with: of all held-out names the one whose last letter changes most, see the card."""
    return about["examples"][0] if about["examples"] else {"name": FALLBACK}


def opening(about: dict) -> str:
    """The example with a capital letter; for a network of a visitor, the first text of the test set."""
    if not about["examples"] and (rows := own_rows()):
        return rows[0].texts[0]
    return example(about)["name"].title()


def set_text(text: str | None) -> None:
    """Read another name; None returns to the example."""
    st.session_state[TEXT] = None if text is None else clean(text, _longest())


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
        nouns = words(_model(cards))
        st.text_input(
            nouns.text.capitalize(),
            key=DRAFT,
            max_chars=LONGEST_OF[nouns.of_names],
            label_visibility="collapsed",
            width=240 if nouns.of_names else 420,
            placeholder=f"Type a {nouns.text}",
            on_change=_typed,
        )
        if nouns.of_names:
            _gesture_button(about, text)
        with folding(PAGE):
            model = st.selectbox("Network", list(cards), width=160, on_change=open_cell, args=(None, None), **bound(MODEL))
            if about["examples"]:
                try_another(PAGE, [(row["name"].title(), _why(row)) for row in about["examples"]], set_text)
    send_as_typed(DRAFT)
    return View(model, text, cell=_known_cell(cards[model]))


def _model(cards: dict[str, dict]) -> str:
    """Name of the chosen network, before its menu is drawn."""
    about = card()
    return next(name for name, other in cards.items() if other is about or other == about)


def _known_cell(about: dict) -> tuple[str, str] | None:
    cell = st.session_state[CELL]
    return cell if cell and all(label in about["labels"] for label in cell) else None


def _longest() -> int:
    """Most characters of a text of the chosen network."""
    about = card()
    return LONGEST_OF[not about or is_of_names(about)]


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
    has_lists = words(view.model).of_names
    parts = [word for word, part in PARTS.items() if (own_rows() if part == OWN else has_lists)]
    if not parts:  # a network of a visitor without a test set
        return view.of(part=OWN)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        part = select("Names", parts, PART, 170) if has_lists else parts[0]
        by = select("Colour", list(BYS), BY, 150)
        order = select("Order", [ORDER_BY.format(name) for name in ORDERS], ORDER, 180)
    return view.of(part=PARTS[part], by=BYS[by], order=order.removeprefix(ORDER_BY.format("")))


def write_link(view: View, about: dict) -> None:
    """Write name and cell into the link."""
    link(TEXT, view.text, opening(about))
    link(CELL, ">".join(view.cell or ()), "")
    link(OPENED, st.session_state[OPENED] if st.session_state.get(IS_OPEN) else "", "")


def is_readable(model: str, text: str) -> bool:
    """Whether a text has anything that the network reads: for a name, a letter that can be romanised."""
    return bool(letters(model, text))
