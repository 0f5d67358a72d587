"""How well a network predicts a text it has not seen, by one rule for all of them."""

import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from models.char_lm.reading import Pass, unknown_cost
from models.corpora import DataError, read_text

if TYPE_CHECKING:
    from models.checkpoint import Loaded

CHUNK = 2_000


def score(loaded: "Loaded", text: str, progress: Callable[[int, int], None] = lambda done, total: None) -> dict[str, float | int]:
    """What a text costs a character network.

    The first character counts, predicted from the zero state; the state runs through the whole text. An unknown character
    costs the unknown mark and then its choice among all code points outside the vocabulary, so that a small vocabulary is
    no advantage.

    Args:
        loaded: The network.
        text: At least one character.
        progress: Called with (done, total) characters; may raise to stop.

    Returns:
        nats_per_character, bits_per_character, characters, unknown.

    Raises:
        DataError: the text is empty.
    """
    if not text:
        raise DataError("The text is empty; expected at least one character.")
    ids = torch.tensor(loaded.vocab.encode(text))
    passing, nats = Pass(loaded), 0.0
    for at in range(0, len(ids), CHUNK):
        progress(at, len(ids))
        nats += float(passing.read(ids[at : at + CHUNK])[0].sum())
    progress(len(ids), len(ids))
    unknown = int((ids == 0).sum())
    nats = (nats + unknown * unknown_cost(len(loaded.vocab))) / len(ids)
    return {"nats_per_character": nats, "bits_per_character": nats / math.log(2), "characters": len(ids), "unknown": unknown}


def evaluate(loaded: "Loaded", path: str | os.PathLike, progress: Callable[[int, int], None] = lambda done, total: None) -> dict:
    """What a text file costs a character network; see `score`.

    Raises:
        DataError: the file is missing, empty or not UTF-8.
    """
    return score(loaded, read_text(path), progress)
