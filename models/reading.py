"""An exact pass over a long text that keeps little: states at the borders of windows, costs, likely next characters."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from explorer.errors import ExplorerError

if TYPE_CHECKING:
    from models.checkpoint import Loaded

CHUNK = 1_000  # characters at once: logits of a chunk stay small, and progress is told often
UNICODE = 1_114_112
TOP = 5


class ReadingError(ExplorerError):
    """A text that cannot be read."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What a network made of a text, without its states.

    Args:
        ids: Number of each character, [time].
        bits: What each character cost given all before it, [time]: -log2 p(character); an unknown character costs the
            unknown mark plus its choice among all code points outside the vocabulary.
        top: Numbers of the five likeliest next characters after each, [time, 5]. top_p: their probabilities.
        states: The recurrent state before each window.
        window: Characters in a window.
        unknown: How many characters were outside the vocabulary.
    """

    ids: np.ndarray
    bits: np.ndarray
    top: np.ndarray
    top_p: np.ndarray
    states: tuple[Any, ...]
    window: int
    unknown: int


def unknown_cost(vocab_size: int) -> float:
    """Nats to name one code point outside the vocabulary, on top of the unknown mark's own cost."""
    return math.log(UNICODE - vocab_size)


def read(
    loaded: "Loaded",
    text: str,
    window: int = 10_000,
    progress: Callable[[int, int], None] = lambda done, total: None,
    before: str = "",
) -> Reading:
    """Run a character network over a text of any length; the state runs through all of it.

    Args:
        loaded: The network.
        text: What to read, at least one character.
        window: States are kept before every `window` characters, so that any window can be recorded later.
        progress: Called with (done, total) characters; may raise to stop.
        before: Read first, from the zero state, and left out of the result.

    Raises:
        ReadingError: the text is empty.
    """
    if not text:
        raise ReadingError("The text is empty; expected at least one character.")
    pass_ = _Pass(loaded, before)
    ids = torch.tensor(loaded.vocab.encode(text))
    with torch.inference_mode():
        for start in range(0, len(text), window):
            pass_.states.append(pass_.state)
            for at in range(start, min(start + window, len(text)), CHUNK):
                progress(at, len(text))
                pass_.read(ids[at : min(at + CHUNK, start + window)])
    progress(len(text), len(text))
    numbers = ids.numpy().astype(np.int32)
    nats = np.concatenate(pass_.nats) + np.where(numbers == 0, unknown_cost(len(loaded.vocab)), 0)
    bits = (nats / math.log(2)).astype(np.float32)
    top, top_p = np.concatenate(pass_.top), np.concatenate(pass_.top_p)
    return Reading(numbers, bits, top, top_p, tuple(pass_.states), window, int((numbers == 0).sum()))


def window_input(reading: Reading, number: int) -> tuple[Tensor, Any]:
    """What to give the network to go through one window again: ids [1, time] and the state before it."""
    ids = reading.ids[number * reading.window : (number + 1) * reading.window]
    return torch.from_numpy(ids.astype(np.int64))[None], reading.states[number]


class _Pass:
    """The running state of a pass: recurrent state, and log-probabilities of the character to come."""

    def __init__(self, loaded: "Loaded", before: str):
        from models.char_lm import first_logits

        self.module, self.state, self.states = loaded.module, None, []
        self.nats: list[np.ndarray] = []
        self.top: list[np.ndarray] = []
        self.top_p: list[np.ndarray] = []
        with torch.inference_mode():
            self.expected = first_logits(loaded.module).log_softmax(-1)
            if before:
                logits, self.state = self.module(torch.tensor([loaded.vocab.encode(before)]))
                self.expected = logits[0, -1].log_softmax(-1)

    def read(self, ids: Tensor) -> None:
        logits, self.state = self.module(ids[None], self.state)
        logs = logits[0].double().log_softmax(-1)
        foreseen = torch.cat([self.expected[None].double(), logs[:-1]])
        self.nats.append(-foreseen.gather(1, ids[:, None])[:, 0].numpy())
        likely = logs.topk(min(TOP, logs.shape[1]), dim=-1)
        self.top.append(likely.indices.numpy().astype(np.int32))
        self.top_p.append(likely.values.exp().numpy().astype(np.float32))
        self.expected = logs[-1]
