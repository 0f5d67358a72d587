"""Steering: from one token of a text on, the states of some units are held, and the network goes on; with and without are compared.

Two continuations are compared fairly only if they share their random numbers: each token is the one with the largest
logit / temperature + g, with Gumbel noise g that both use. As long as what is held changes nothing, both are the same text.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

import explorer
from models.char_lm.experiments.held import ELSEWHERE, Held
from models.char_lm.experiments.window import Window, state_before, window_input
from models.checkpoint import Loaded

AHEAD = 200  # tokens of the text that are read on


@dataclass(frozen=True, eq=False)
class ReadOn:
    """What the network predicts from one token of a text on.

    Args:
        p: Probability of each token of the vocabulary right after it, [vocab].
        follows: The tokens of the text that follow, [time].
        bits: Surprise of each of them, [time].
        likeliest: The most likely token in the place of each, [time].
    """

    p: np.ndarray
    follows: tuple[str, ...]
    bits: np.ndarray
    likeliest: tuple[str, ...]


@dataclass(frozen=True)
class Sampling:
    """How continuations are sampled.

    Args:
        count: Number of continuations.
        length: Tokens of each.
        temperature: p = softmax(logits / temperature); at 0 the most likely token is always taken, so that all are the same.
        seed: Of the random numbers.
    """

    count: int = 3
    length: int = 120
    temperature: float = 0.7
    seed: int = 1


def read_on(loaded: Loaded, window: Window, at: int, held: Held | None = None) -> ReadOn:
    """Read a text from one token on, with units held or as the network is.

    Args:
        loaded: The network, which predicts.
        window: The recorded window.
        at: Index in the window of the first token whose state is held; the prediction after it is the first that changes.
        held: The units, and what they are held at; None: nothing is held.

    Raises:
        InterventionError: there is no such layer or unit, or the network cannot be run with a state held.
    """
    ids = window_input(window.reading, window.part)[0][:, at : at + AHEAD + 1]
    with _with(loaded, window, held, ids.shape[1]) as module, torch.inference_mode():
        logits, _ = module(ids, state_before(loaded, window, at))
    logs, following = logits[0].double().log_softmax(-1), ids[0, 1:]
    nats = -logs[:-1].gather(1, following[:, None])[:, 0]
    likeliest = tuple(loaded.vocab.tokens[int(id_)] for id_ in logs[:-1].argmax(-1))
    follows = tuple(window.trace.tokens[at + 1 : at + ids.shape[1]])
    return ReadOn(logs[0].exp().numpy(), follows, nats.numpy() / np.log(2), likeliest)


def continuations(loaded: Loaded, window: Window, at: int, sampling: Sampling, held: Held | None = None) -> list[tuple[str, ...]]:
    """Sampled continuations of the text up to one token, with units held from that token on or as the network is.

    The n-th continuation uses the same random numbers whatever is held. What the text itself says after the token is not read.

    Args:
        loaded, window, at, held: As for `read_on`.
        sampling: How many, how long, how random.

    Raises:
        InterventionError: as `read_on`.

    Source of the noise: Gumbel, "Statistical Theory of Extreme Values", 1954; Maddison et al., "A* Sampling", 2014, section 2.
    """
    generator = torch.Generator().manual_seed(sampling.seed)
    size = (sampling.length, sampling.count, len(loaded.vocab))
    noise = -torch.log(-torch.log(torch.rand(size, generator=generator, dtype=torch.float64)))
    token = window_input(window.reading, window.part)[0][:, at].expand(sampling.count)
    with _with(loaded, window, held, sampling.length + 1) as module, torch.inference_mode():
        written = _sampled(module, token, _rows(state_before(loaded, window, at), sampling.count), noise, sampling.temperature)
    return [tuple(loaded.vocab.tokens[int(id_)] for id_ in row) for row in written]


def _sampled(module: Any, token: Tensor, state: Any, noise: Tensor, temperature: float) -> Tensor:
    """Token ids [continuation, time] after a first token of each, [continuation]; noise [time, continuation, vocab]."""
    written = []
    for step in noise:
        logits, state = module(token[:, None], state)
        scores = logits[:, -1].double()
        scores[:, 0] = -torch.inf  # the unknown mark is no character that could be read next
        token = (scores / temperature + step if temperature else scores).argmax(-1)
        written.append(token)
    return torch.stack(written, 1)


def _with(loaded: Loaded, window: Window, held: Held | None, steps: int) -> AbstractContextManager[Any]:
    """The network for so many steps, with the units held at each of them."""
    if held is None:
        return nullcontext(loaded.module)
    values = held.values(window.trace, steps).repeat(1 if held.at == ELSEWHERE else steps, axis=0)
    return explorer.intervene(loaded.module, "rnn", held.layer, units=held.units, value=values, steps=range(steps))


def _rows(state: Any, count: int) -> Any:
    """A recurrent state for so many rows of a batch; None, the zero state, stays None."""
    if state is None or isinstance(state, Tensor):
        return state if state is None else state.expand(-1, count, -1).contiguous()
    return tuple(_rows(part, count) for part in state)
