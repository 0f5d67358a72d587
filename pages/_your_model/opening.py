"""A visitor's checkpoint of any kind: which room shows it, and the link that opens it there."""

from dataclasses import dataclass
from urllib.parse import quote

import streamlit as st

from explorer.errors import ExplorerError
from models import family
from models.bare_weights import recurrent_layers
from pages._attention import state as attention
from pages._captions import state as captions
from pages._confusions import compute as confusions
from pages._hidden_states import state as hidden_states
from pages._ui import uploads
from pages._ui.text import failure, plain

FILE, OPENED, ERROR, BARE = (f"your_model.{name}" for name in ("file", "opened", "error", "bare"))


@dataclass(frozen=True)
class Room:
    """A page that opens a visitor's own network.

    Args:
        name: Of its file and its address.
        title: What the navigation calls it.
        opens: What a network does that it opens.
        panel: Name of its panel for own networks.
        emits: What a run of a network must give, keys of models.family.EMITS.
    """

    name: str
    title: str
    opens: str
    panel: str
    emits: tuple[str, ...]

    @property
    def address(self) -> str:
        """Its panel for own networks, from any page."""
        return f"./{self.name}?{self.name}.panel={quote(self.panel)}"


OWN = "Your own network"
MOST = 3  # groups of recurrent layers of one file for which code is shown
ROOMS = (
    Room("hidden_states", "Hidden states", "predicts the next character", OWN, hidden_states.EMITS),
    Room("attention", "Attention", "translates with attention", OWN, attention.EMITS),
    Room("captions", "Captions", "describes pictures", OWN, captions.EMITS),
    Room("confusions", "Confusions", "classifies names", "Your own names", confusions.EMITS),
)


def uploader() -> None:
    """A field for a checkpoint; below it the link that opens it, or why it cannot be opened."""
    if st.file_uploader("Open your own checkpoint", type="safetensors", key=FILE, on_change=_open) is None:
        st.session_state[ERROR], st.session_state[BARE] = None, ()  # the visitor was on another page: the file is gone
    if error := st.session_state.get(ERROR):
        failure(error)
    for code, what in st.session_state.get(BARE, ()):
        st.markdown(
            "**What you can do with it now.** The file does not say which characters its inputs and outputs stand for, so no room can "
            f"show it. It holds {what}; this code looks inside:"
        )
        st.code(code, language="python")
    if opened := st.session_state.get(OPENED):
        name, kind = opened
        links = " · ".join(f"[**{room.title}**]({_address(room, name)})" for room in fitting(kind))
        st.success(f"{plain(name)} is open. See it in {links}.", icon=":material/check:")


def fitting(kind: str) -> list[Room]:
    """The rooms that show networks of a kind."""
    return [room for room in ROOMS if kind in family.emitting(*room.emits)]


def _address(room: Room, name: str) -> str:
    return f"./{room.name}?{room.name}.model={quote(name)}"


def _open() -> None:
    state = st.session_state
    file, state[ERROR], state[BARE] = state[FILE], None, ()
    if file is None:
        return
    kinds = dict.fromkeys(kind for room in ROOMS for kind in family.emitting(*room.emits))
    try:
        name = uploads.keep(file.name, file.getvalue(), *kinds)
    except ExplorerError as error:
        state[ERROR] = f"{error} Nothing was changed."
        state[BARE] = [(layers.code(file.name), layers.in_words) for layers in recurrent_layers(file.getvalue())[:MOST]]
        return
    uploads.remember(name)
    card = uploads.card_of(name)
    state[OPENED] = (name, card["kind"]) if card else None
