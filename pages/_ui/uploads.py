"""Uploaded checkpoints: kept until the server stops, each under a name with a hash of its content."""

import hashlib
import re
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import streamlit as st

from explorer.errors import CheckpointError
from models.checkpoint import load
from models.files import temporary_folder, write_atomically
from pages._ui import cards

MOST = 20  # files kept; the oldest goes first
KEY = "uploads.names"


@st.cache_resource
def _folder() -> Path:
    return temporary_folder("recurrent-explorer-")


def path_of(name: str) -> Path | None:
    """The file of an uploaded network; None if there is none of this name."""
    path = _folder() / f"{name}.safetensors"
    return path if re.fullmatch(r"[\w-]+", name) and path.is_file() else None


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
        CheckpointError: the file is not a checkpoint, is damaged, or is of another kind; nothing is kept.
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
        trial.replace(_folder() / f"{name}.safetensors")
    except CheckpointError as error:
        raise CheckpointError(str(error).replace(str(trial), repr(file_name[:100]))) from None
    finally:
        trial.unlink(missing_ok=True)
    _drop_oldest()
    return name


def _drop_oldest() -> None:
    """Keep the newest files. Another visitor's upload may remove some of them meanwhile."""
    ages = {}
    for file in _folder().glob("*.safetensors"):
        with suppress(FileNotFoundError):
            ages[file] = file.stat().st_mtime
    for old in sorted(ages, key=lambda file: ages[file])[:-MOST]:
        old.unlink(missing_ok=True)


def remember(name: str) -> None:
    """Add an uploaded network to this visitor's choices; an unknown name is ignored."""
    if path_of(name):
        known = st.session_state.get(KEY, ())
        st.session_state[KEY] = [*(other for other in known if other != name), name]


@st.cache_data(show_spinner=False, max_entries=MOST)
def card_of(name: str) -> dict[str, Any]:
    """The card of an uploaded network; empty if the file is gone."""
    path = path_of(name)
    if not path:
        return {}
    loaded = load(path)
    return cards.of_module(loaded.card, loaded.module) or {}
