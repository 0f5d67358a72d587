"""One pass over a long text that stores little: states at window borders, surprise, and likely next characters."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from explorer.errors import ExplorerError
from models.corpora import DataError, read_text
from models.vocabulary.characters import unknown_cost

if TYPE_CHECKING:
    from models.checkpoint import Loaded

CHUNK = 1_000  # characters per chunk; small enough that logits stay small and progress is reported often
TOP = 5


class ReadingError(ExplorerError):
    """The text cannot be read by a character network."""


@dataclass(frozen=True, eq=False)
class Reading:
    """A network's predictions for a text, with its states at window borders only.

    Args:
        text: The text.
        ids: Id of each character, [time].
        bits: Surprise of each character given the preceding text, -log2 p(character), [time]; for an unknown character that of
            the unknown mark plus a uniform choice among all code points outside the vocabulary; for a network without that mark,
            which cannot predict such a character, the choice alone.
        top: Ids of the five most likely next characters after each character, [time, 5].
        top_p: Their probabilities, [time, 5].
        states: The recurrent state before each window.
        window: Characters per window.
        unknown: Number of characters outside the vocabulary.
        end: The recurrent state and the log probabilities after the last character, from which `read` continues.
        tokens: What was read, [time]: the characters, or the words for a network of words.

    A network that predicts nothing has no surprise and no likely characters: `bits`, `top` and `top_p` are empty.
    """

    text: str
    ids: np.ndarray
    bits: np.ndarray
    top: np.ndarray
    top_p: np.ndarray
    states: tuple[Any, ...]
    window: int
    unknown: int
    end: tuple[Any, Tensor]
    tokens: tuple[str, ...]

    @property
    def predicts(self) -> bool:
        """Whether the network predicts the next character."""
        return len(self.bits) > 0


def read(
    loaded: "Loaded",
    text: str,
    window: int = 10_000,
    progress: Callable[[int, int], None] = lambda done, total: None,
    before: str = "",
    after: Reading | None = None,
) -> Reading:
    """Reads a text of any length with a character network; the state is carried through the whole text.

    A network that reads from the end too carries no state from window to window: each window is a text of its own.

    Args:
        loaded: The network.
        text: Text to read, at least one character.
        window: States are stored every `window` characters, so that any window can be recorded later.
        progress: Called with (done, total) characters; may raise to stop.
        before: Preceding text, read from the zero state and not part of the result.
        after: The same network's reading of some whole windows at the beginning of this text; only the rest is read.

    Raises:
        ReadingError: the text is empty.
    """
    if not text:
        raise ReadingError("The text is empty; expected at least one character.")
    tokens = tuple(loaded.vocab.split(text))
    if not tokens:
        raise ReadingError("The text has no word; expected at least one.")
    ids, stream = torch.tensor(loaded.vocab.encode(text)), Stream(loaded, "" if after else before)
    states, bits, top, top_p = [], [], [], []
    if after:
        stream.state, stream.expected = after.end
        states, bits, top, top_p = [*after.states], [after.bits], [after.top], [after.top_p]
    for at in _starts(len(after.ids) if after else 0, len(ids), window):
        if at % window == 0:
            states.append(stream.state)
        progress(at, len(ids))
        cost, logs = stream.read(ids[at : min(at + CHUNK, at - at % window + window)])
        likely = logs.topk(min(TOP, logs.shape[1]), dim=-1)
        bits.append(_bits(loaded, cost.numpy(), ids[at : at + len(cost)].numpy()).astype(np.float32))
        top.append(likely.indices.numpy().astype(np.int32))
        top_p.append(likely.values.exp().numpy().astype(np.float32))
    progress(len(ids), len(ids))
    numbers = ids.numpy().astype(np.int32)
    costs, ranked, shares = (np.concatenate(part) for part in (bits, top, top_p))
    unknown, end = int((numbers == 0).sum()), (stream.state, stream.expected)
    return Reading(text, numbers, costs, ranked, shares, tuple(states), window, unknown, end, tokens)


def _bits(loaded: "Loaded", nats: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Surprise in bits, [time], of characters with these nats and ids.

    An unknown character costs the unknown mark and a choice among all that are unknown; where a network has no such mark, the
    choice alone. Nobody knows how many words are unknown: one costs the unknown mark, or else a choice among all known words.
    """
    mark = nats if loaded.vocab.has_unknown else 0.0
    if loaded.vocab.is_of_characters:
        unknown = mark + unknown_cost(len(loaded.vocab))
    else:
        unknown = mark if loaded.vocab.has_unknown else math.log(len(loaded.vocab))
    return np.where(ids == 0, unknown, nats) / math.log(2)


def _starts(first: int, length: int, window: int) -> list[int]:
    """Start positions of the chunks from the window that begins at `first`: every CHUNK characters of each window."""
    return [at for start in range(first, length, window) for at in range(start, min(start + window, length), CHUNK)]


class Stream:
    """A network reading a text in parts: its `state`, and the log probabilities of the next character.

    Args:
        loaded: The network.
        before: Preceding text, read from the zero state.
    """

    def __init__(self, loaded: "Loaded", before: str = ""):
        from models.char_lm.network import first_logits

        self.module: Any = loaded.module
        self.state: Any = None
        self.predicts = getattr(self.module, "predicts", True)
        with torch.no_grad():
            self.expected = first_logits(self.module).double().log_softmax(-1) if self.predicts else torch.zeros(0)
        ids = torch.tensor(loaded.vocab.encode(before))
        for at in range(0, len(ids), CHUNK):
            self.read(ids[at : at + CHUNK])

    def read(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Reads characters `ids` [time]; returns the nats of each [time] and the log probabilities after each [time, vocab].

        Both are empty where the network predicts nothing, and the state stays None where it reads from the end too.
        """
        if getattr(self.module, "reads_from_the_end_too", False):
            return torch.zeros(0), torch.zeros(0, 0)
        with torch.inference_mode():
            logits, state = self.module(ids[None], self.state)
            if not self.predicts:
                self.state = tuple(part.clone() for part in state) if isinstance(state, tuple) else state.clone()
                return torch.zeros(0), torch.zeros(0, 0)
            logs = logits[0].double().log_softmax(-1)
            predicted = torch.cat([self.expected[None], logs[:-1]])
            nats = -predicted.gather(1, ids[:, None])[:, 0]
        # Clones made outside inference mode are ordinary tensors that later calls can use, also with gradients.
        self.state = tuple(part.clone() for part in state) if isinstance(state, tuple) else state.clone()
        self.expected = logs[-1].clone()
        return nats, logs


def numbers(loaded: "Loaded", text: str) -> Tensor:
    """Ids of the characters of a text, [time]."""
    return torch.tensor(loaded.vocab.encode(text), dtype=torch.long)


def score(loaded: "Loaded", text: str, progress: Callable[[int, int], None] = lambda done, total: None) -> dict[str, float | int]:
    """Cross-entropy of a text under a character network.

    The first character, predicted from the zero state, counts too; the state is carried through the whole text. An unknown
    character costs the unknown mark plus a uniform choice among all code points outside the vocabulary, so that a small
    vocabulary is no advantage. A network without that mark, such as one found in a file, pays for the choice alone: where a text has
    unknown characters, its score is lower than that of a network with the mark, and cannot be compared with it.

    Args:
        loaded: The network.
        text: Text to score, at least one character.
        progress: Called with (done, total) characters; may raise to stop.

    Returns:
        nats_per_character, bits_per_character, characters, unknown.

    Raises:
        DataError: the text is empty.
    """
    if not text:
        raise DataError("The text is empty; expected at least one character.")
    ids = torch.tensor(loaded.vocab.encode(text))
    stream, bits = Stream(loaded), 0.0
    for at in range(0, len(ids), CHUNK):
        progress(at, len(ids))
        part = ids[at : at + CHUNK]
        bits += float(_bits(loaded, stream.read(part)[0].numpy(), part.numpy()).sum())
    progress(len(ids), len(ids))
    bits, unknown = bits / len(ids), int((ids == 0).sum())
    return {"nats_per_character": bits * math.log(2), "bits_per_character": bits, "characters": len(ids), "unknown": unknown}


def evaluate(loaded: "Loaded", path: str | os.PathLike, progress: Callable[[int, int], None] = lambda done, total: None) -> dict:
    """Cross-entropy of a text file under a character network; see `score`.

    Raises:
        DataError: the file is missing, empty or not UTF-8.
    """
    return score(loaded, read_text(path), progress)
