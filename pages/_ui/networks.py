"""The trained networks, each opened once for all visitors. Torch is imported with the first one, not before."""

import gc
import os
from pathlib import Path
from typing import Any

import streamlit as st

import models
from models import checkpoint, family
from pages._ui import uploads
from pages._ui.cards import believed
from pages._ui.link import is_reopened, linked
from pages._ui.text import plain


@st.cache_resource
def _freeze() -> None:
    """Keep imported objects out of garbage collection: Streamlit collects after every run, which would cost 60 ms each."""
    if "EXPLORER_NO_FREEZE" not in os.environ:  # the benchmark of many sessions measures both ways
        gc.collect()
        gc.freeze()


def emitting(*names: str) -> dict[str, dict]:
    """Cards of the networks whose runs give everything in `names`, by name: first those of the folder, then this visitor's uploads.

    Args:
        names: Keys of models.family.EMITS.
    """
    kinds = family.emitting(*names)
    brought = {name: uploads.card_of(name) for name in st.session_state.get(uploads.KEY, ())}
    return _shipped(kinds, models.folder_of_checkpoints()) | {
        name: card for name, card in brought.items() if card and card["kind"] in kinds
    }


def chosen(cards: dict[str, dict], key: str) -> dict[str, Any]:
    """The card of the network chosen in the widget with this key, or else in the link, or else the first; empty if there is none.

    If that is an uploaded network which the server no longer has, the page says so and shows nothing in its place.
    """
    name = (not is_reopened() and st.session_state.get(key)) or linked(key, "")
    if name not in cards:
        _say_if_lost(name, key, cards)
    return cards.get(name, next(iter(cards.values()))) if cards else {}


def _say_if_lost(name: str, key: str, cards: dict[str, dict]) -> None:
    if not uploads.is_lost(name):
        return
    st.error(f"The network “{plain(name)}” is not on this server. {uploads.REMOVED}", icon=":material/cloud_off:")
    if cards:
        other = next(iter(cards))
        st.button(f"Open {plain(other)} instead", key=f"{key}.other", on_click=st.session_state.__setitem__, args=(key, other))
    st.stop()


@st.cache_resource(show_spinner=False, ttl=30)  # shared, not copied at each call: nobody changes a card
def _shipped(kinds: tuple[str, ...], folder: Path) -> dict[str, dict]:
    checked = {name: believed(card) for name, card in models.available().items() if card["kind"] in kinds}
    return {name: card for name, card in checked.items() if card}


@st.cache_data(show_spinner=False, ttl=30)
def damaged() -> dict[str, str]:
    """A sentence for each file in the folder that should be a checkpoint but cannot be opened."""
    return models.damaged()


@st.cache_resource(show_spinner="Opening the network ...", max_entries=12)
def loaded(name: str) -> Any:
    """A trained network, opened once for all visitors."""
    brought = uploads.path_of(name)
    model = checkpoint.load(brought) if brought else models.load(name)
    import explorer
    from models.checkpoint import one_thread

    one_thread()
    _ = explorer.record  # imported here, so that the freeze covers it
    _freeze()
    return model


@st.cache_data(show_spinner=False, max_entries=64)
def fingerprint(name: str) -> str:
    """A checksum of a network's weights, 16 hexadecimal digits: it changes when the network is trained anew."""
    return checkpoint.fingerprint(loaded(name))
