"""Trained networks: list them, load one by name. Importing this costs no torch; `load` brings it in."""

import os
from pathlib import Path
from typing import Any

from explorer.errors import CheckpointError
from models import checkpoint
from models.checkpoint import Loaded
from models.family import kinds, recipes

__all__ = ["Loaded", "available", "damaged", "load"]

FOLDER = Path(__file__).parent.parent / "checkpoints"


def folder_of_checkpoints() -> Path:
    """Where checkpoints lie: the folder named by EXPLORER_CHECKPOINTS, else `checkpoints/` of the project."""
    return Path(os.environ.get("EXPLORER_CHECKPOINTS") or FOLDER)


def _files(folder: str | os.PathLike | None) -> list[Path]:
    order = {name: index for index, name in enumerate(recipes())}
    files = Path(folder or folder_of_checkpoints()).glob("*.safetensors")
    return sorted(files, key=lambda file: (order.get(file.stem, len(order)), file.stem))


def available(folder: str | os.PathLike | None = None) -> dict[str, dict[str, Any]]:
    """The card of every network that can be loaded, by name: those with a recipe first, in its order.

    A damaged file is left out here and stands in `damaged`; n-gram tables are no networks.
    """
    known, cards = list(kinds()), {}
    for file in _files(folder):
        try:
            card = checkpoint.read_card(file)
        except CheckpointError:
            continue
        if card.get("kind") in known:  # a damaged card may hold anything there
            cards[file.stem] = card
    return cards


def damaged(folder: str | os.PathLike | None = None) -> dict[str, str]:
    """A sentence for every file that looks like a checkpoint and is none, by name."""
    problems = {}
    for file in _files(folder):
        try:
            checkpoint.read_card(file)
        except CheckpointError as error:
            problems[file.stem] = str(error)
    return problems


def load(name: str, folder: str | os.PathLike | None = None) -> Loaded:
    """A trained network by name: module (eval mode, no gradients), vocabulary and card.

    Args:
        name: One of `available()`. A file elsewhere is opened with `models.checkpoint.load(path)`.

    Raises:
        CheckpointError: there is no such name, or its file is damaged.
    """
    files = {file.stem: file for file in _files(folder)}
    if name not in files:
        names = ", ".join(available(folder)) or "none; train one with `python -m models train`"
        raise CheckpointError(f"No checkpoint is called {name!r}. Available: {names}.")
    return checkpoint.load(files[name])
