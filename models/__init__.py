"""Trained networks: which there are, and one by name. Torch is imported when the first is loaded."""

import os
from pathlib import Path
from typing import Any

from explorer.errors import CheckpointError
from models.checkpoint import Loaded, load_file_named, read_card

__all__ = ["Loaded", "available", "folder", "load"]
ORDER = ("wiki-lstm", "wiki-gru", "wiki-rnn", "linux-lstm", "shakespeare-lstm")


def folder() -> Path:
    """Where checkpoints lie: `checkpoints/` beside the code, or the folder that EXPLORER_CHECKPOINTS names."""
    return Path(os.environ.get("EXPLORER_CHECKPOINTS") or Path(__file__).parent.parent / "checkpoints")


def available(where: Path | None = None) -> dict[str, dict[str, Any]]:
    """Cards of all networks by name, the shipped ones first; damaged and foreign files are passed over."""
    found = {}
    for path in (where or folder()).glob("*.safetensors"):
        try:
            found[path.stem] = read_card(path)
        except CheckpointError:
            continue
    return {name: found[name] for name in sorted(found, key=lambda n: (ORDER.index(n) if n in ORDER else len(ORDER), n))}


def load(name: str) -> Loaded:
    """A trained network by name, or by the path of a .safetensors file.

    Raises:
        CheckpointError: there is no such network (the message lists those there are), or its file is damaged.
    """
    return load_file_named(name, folder())
