"""Uploaded checkpoints: kept until the server stops, each under a name with a hash of its content; a few for each visitor."""

import hashlib
import re
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import streamlit as st

from explorer.errors import CheckpointError
from models.checkpoint import load
from models.files import temporary_folder, write_atomically
from pages._ui import cards
from pages._ui.visitors import is_here, visitor

OWN_MOST = 5  # files kept for a visitor; the oldest goes first
MOST = 40  # files kept on the server; only those that nobody uses may go
KEY = "uploads.names"
NAME = re.compile(r"[\w-]{1,30}-[0-9a-f]{8}")
REMOVED = (
    f"An uploaded network is removed when the server restarts, when its visitor has uploaded {OWN_MOST} others, or when room is needed and "
    "nobody uses it. Upload the file again under *Your own network*."
)


class Shelf:
    """Which visitors use which uploaded networks: those they brought, and those whose link they opened."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.brought: dict[str, list[str]] = {}  # visitor -> names, oldest first
        self.users: dict[str, set[str]] = {}  # name -> visitors

    def take_out(self, who: str, name: str) -> bool:
        """Note that a visitor no longer uses a network; True if nobody else who is here does."""
        self.brought[who].remove(name)
        self.users[name].discard(who)
        return not self.is_used(name)

    def is_used(self, name: str) -> bool:
        """Whether a visitor who is here uses a network."""
        return any(is_here(who) for who in self.users.get(name, ()))


@st.cache_resource
def _shelf() -> Shelf:
    return Shelf()


@st.cache_resource
def _folder() -> Path:
    return temporary_folder("recurrent-explorer-")


def path_of(name: str) -> Path | None:
    """The file of an uploaded network; None if there is none of this name."""
    path = _folder() / f"{name}.safetensors"
    return path if re.fullmatch(r"[\w-]{1,60}", name) and path.is_file() else None


def in_lines(name: str) -> tuple[str, str]:
    """The two lines of Python that open a network: the import and the call."""
    if path_of(name):
        return "from models import checkpoint", "checkpoint.load('your file.safetensors')"
    return "import models", f"models.load({name!r})"


def keep(file_name: str, content: bytes, *kinds: str) -> str:
    """Check an uploaded checkpoint, keep it, and return the name that opens it.

    Args:
        file_name: Name of the visitor's file.
        content: Bytes of the file; parsed, never unpickled.
        kinds: Kinds of networks that the page can show.

    Raises:
        CheckpointError: the file is not a checkpoint, is damaged, or is of another kind, or the server has no room; nothing is kept.
    """
    stem = re.sub(r"[^\w-]+", "-", Path(file_name).stem)[:30].strip("-") or "network"
    name = f"{stem}-{hashlib.sha256(content).hexdigest()[:8]}"
    trial = _folder() / f"{uuid4().hex}.trial"  # two visitors may bring the same file at the same moment
    try:
        write_atomically(trial, content)
        kind = load(trial).card["kind"]
        if kind not in kinds:
            raise CheckpointError(
                f"{trial} is of kind {kind!r}; this page opens {' and '.join(map(repr, kinds))}. Another page may open it."
            )
        with _shelf().lock:
            _make_room(_shelf(), name)
            trial.replace(_folder() / f"{name}.safetensors")
    except CheckpointError as error:
        raise CheckpointError(str(error).replace(str(trial), repr(file_name[:100]))) from None
    finally:
        trial.unlink(missing_ok=True)
    return name


def _make_room(shelf: Shelf, name: str) -> None:
    """Drop this visitor's oldest networks, then those that nobody uses, so that there is room for one more.

    Raises:
        CheckpointError: every network on the server is in use.
    """
    own = shelf.brought.setdefault(visitor(), [])
    own[:] = [*(other for other in own if other != name), name]
    shelf.users.setdefault(name, set()).add(visitor())
    for old in own[:-OWN_MOST]:
        if shelf.take_out(visitor(), old):
            (_folder() / f"{old}.safetensors").unlink(missing_ok=True)
    others = _oldest_first(name)
    for old in others[: max(0, len(others) + 1 - MOST)]:
        if shelf.is_used(old.stem):
            shelf.take_out(visitor(), name)
            raise CheckpointError(f"This server keeps {MOST} networks of visitors, and all of them are in use. Try again later.")
        old.unlink(missing_ok=True)


def _oldest_first(name: str) -> list[Path]:
    """All files but that of one network: first those that nobody uses, the oldest first."""
    ages = {}
    for file in _folder().glob("*.safetensors"):
        with suppress(FileNotFoundError):
            ages[file] = (_shelf().is_used(file.stem), file.stat().st_mtime)
    return sorted((file for file in ages if file.stem != name), key=ages.__getitem__)


def remember(name: str) -> None:
    """Add an uploaded network to this visitor's choices; an unknown name is ignored."""
    if path_of(name):
        known = st.session_state.get(KEY, ())
        st.session_state[KEY] = [*(other for other in known if other != name), name]
        with _shelf().lock:
            _shelf().users.setdefault(name, set()).add(visitor())


def remember_linked(page: str, prefix: str = "") -> None:
    """Add every uploaded network that the link of a page names to this visitor's choices, in whichever parameter it is named.

    Args:
        page: Prefix of its parameters.
        prefix: What may stand before the name of a network.
    """
    for parameter in st.query_params:
        if parameter.startswith(f"{page}."):
            for value in st.query_params.get_all(parameter):
                remember(value.removeprefix(prefix))


def is_lost(name: str) -> bool:
    """Whether this is the name of an uploaded network that is not on the server."""
    return bool(NAME.fullmatch(name)) and path_of(name) is None


def card_of(name: str) -> dict[str, Any]:
    """The card of an uploaded network; empty if the file is gone."""
    return _card_of(name) if path_of(name) else {}


@st.cache_data(show_spinner=False, max_entries=MOST)
def _card_of(name: str) -> dict[str, Any]:
    path = path_of(name)
    if not path:
        return {}
    loaded = load(path)
    return cards.of_module(loaded.card, loaded.module) or {}
