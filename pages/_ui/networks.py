"""The trained networks that the pages open, each once for all visitors. Torch comes in with the first, not before."""

import gc
import os
from typing import Any

import streamlit as st

import models
from models import checkpoint, family
from pages._ui import uploads
from pages._ui.cards import believed
from pages._ui.link import linked


@st.cache_resource
def _freeze() -> None:
    """Take what imports left out of the garbage collector's sight: Streamlit collects after every run, 60 ms each."""
    if "EXPLORER_NO_FREEZE" not in os.environ:  # the benchmark of many sessions measures both ways
        gc.collect()
        gc.freeze()


def emitting(*names: str) -> dict[str, dict]:
    """Cards of the networks whose runs give all of some things, by name: those of the folder, then those this visitor brought.

    Args:
        names: Keys of models.family.EMITS.
    """
    kinds = family.emitting(*names)
    brought = {name: uploads.card_of(name) for name in st.session_state.get(uploads.KEY, ())}
    return _shipped(kinds) | {name: card for name, card in brought.items() if card and card["kind"] in kinds}


def chosen(cards: dict[str, dict], key: str) -> dict[str, Any]:
    """The card of the network that the widget of a key, or the link, names; the first where neither does, empty where there is none."""
    name = st.session_state.get(key) or linked(key, "")
    return cards.get(name, next(iter(cards.values()))) if cards else {}


@st.cache_data(show_spinner=False, ttl=30)
def _shipped(kinds: tuple[str, ...]) -> dict[str, dict]:
    checked = {name: believed(card) for name, card in models.available().items() if card["kind"] in kinds}
    return {name: card for name, card in checked.items() if card}


@st.cache_data(show_spinner=False, ttl=30)
def damaged() -> dict[str, str]:
    """A sentence for each file of the folder that looks like a checkpoint and is none."""
    return models.damaged()


@st.cache_resource(show_spinner="Opening the network ...", max_entries=12)
def loaded(name: str) -> Any:
    """A trained network, opened once for all."""
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
    from models.char_lm.experiments.gradients import fingerprint as of

    return of(loaded(name))
