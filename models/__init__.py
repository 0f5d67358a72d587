"""Trained networks: list them and load one by name. Importing this module does not import torch; `load` does."""

import os
from pathlib import Path
from typing import Any

from explorer.errors import CheckpointError
from models import checkpoint
from models.checkpoint import Loaded
from models.family import HOME, IS_PROJECT, PROGRAM, kinds, recipes
from models.files import write_atomically

__all__ = ["Loaded", "available", "damaged", "load"]

FOLDER = HOME / "checkpoints"  # of the project, or of the installed package


def folder_of_checkpoints() -> Path:
    """The folder that checkpoints are written to: EXPLORER_CHECKPOINTS if set, else `checkpoints/` of the project.

    If the app is installed, nothing is written into the package: the folder is the user's own, ~/.recurrent-explorer/checkpoints.
    """
    if named := os.environ.get("EXPLORER_CHECKPOINTS"):
        return Path(named)
    return FOLDER if IS_PROJECT else Path.home() / ".recurrent-explorer" / "checkpoints"


def file_of(file_name: str) -> Path:
    """The checkpoint or table with this name; if there is none, the path at which it would be written."""
    paths = [folder / file_name for folder in _folders()]
    return next((path for path in paths if path.exists()), paths[0])


def own_copy(file: Path) -> Path:
    """The file whose card may be changed: the given one; for a network of the installed package, a copy in the user's folder."""
    if file.parent != FOLDER or folder_of_checkpoints() == FOLDER:
        return file
    copy = folder_of_checkpoints() / file.name
    if not copy.exists():
        write_atomically(copy, file.read_bytes())
    return copy


def _folders() -> list[Path]:
    """Where networks are looked for; the first one is written to, and its files hide those of the same name in the next."""
    own = folder_of_checkpoints()
    return [own] if IS_PROJECT or os.environ.get("EXPLORER_CHECKPOINTS") else [own, FOLDER]


def _files(folder: str | os.PathLike | None) -> list[Path]:
    order = {name: index for index, name in enumerate(recipes())}
    folders = [Path(folder)] if folder else _folders()
    files = {file.stem: file for searched in reversed(folders) for file in searched.glob("*.safetensors")}
    return sorted(files.values(), key=lambda file: (order.get(file.stem, len(order)), file.stem))


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
        folder: Folder of checkpoints; default: those of `available()`.

    Raises:
        CheckpointError: there is no network of that name, or its file is damaged.
    """
    files = {file.stem: file for file in _files(folder)}
    if name not in files:
        names = ", ".join(available(folder)) or f"none; train one with `{PROGRAM} train`"
        raise CheckpointError(f"No checkpoint is called {name!r}. Available: {names}.")
    return checkpoint.load(files[name])
