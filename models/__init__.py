"""Trained networks: list them and load one by name. Importing this module does not import torch; `load` does."""

import os
from pathlib import Path
from typing import Any

from explorer.errors import CheckpointError
from models import checkpoint
from models.checkpoint import Loaded
from models.family import HOME, PROGRAM, kinds, recipes

__all__ = ["Loaded", "available", "damaged", "load"]

FOLDER = HOME / "checkpoints"


def folder_of_checkpoints() -> Path:
    """The folder of checkpoints: EXPLORER_CHECKPOINTS if set, else `checkpoints/` of the project."""
    return Path(os.environ.get("EXPLORER_CHECKPOINTS") or FOLDER)


def _files(folder: str | os.PathLike | None) -> list[Path]:
    order = {name: index for index, name in enumerate(recipes())}
    files = Path(folder or folder_of_checkpoints()).glob("*.safetensors")
    return sorted(files, key=lambda file: (order.get(file.stem, len(order)), file.stem))


def available(folder: str | os.PathLike | None = None) -> dict[str, dict[str, Any]]:
    """The card of every network that can be loaded, by name; networks with a recipe come first, in the order of recipes.

    Damaged files are left out, see `damaged`; n-gram tables are not networks.
    """
    known, cards = list(kinds()), {}
    for file in _files(folder):
        try:
            card = checkpoint.read_card(file)
        except CheckpointError:
            continue
        if card.get("kind") in known:  # in a damaged card this can be any value
            cards[file.stem] = card
    return cards


def damaged(folder: str | os.PathLike | None = None) -> dict[str, str]:
    """An error sentence for every file that looks like a checkpoint but cannot be read, by name."""
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
        name: One of `available()`. To open a file elsewhere use `models.checkpoint.load(path)`.
        folder: Folder of checkpoints; default: `folder_of_checkpoints()`.

    Raises:
        CheckpointError: there is no network of that name, or its file is damaged.
    """
    files = {file.stem: file for file in _files(folder)}
    if name not in files:
        names = ", ".join(available(folder)) or f"none; train one with `{PROGRAM} train`"
        raise CheckpointError(f"No checkpoint is called {name!r}. Available: {names}.")
    return checkpoint.load(files[name])
