"""Steering: at one token of a text something in the state is changed, and the network goes on; with and without are compared.

Two continuations are compared fairly only if they share their random numbers: each token is the one with the largest
logit / temperature + g, with Gumbel noise g that both use. As long as the change makes no difference, both are the same text.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

import explorer
from explorer.records import Trace
from models.char_lm.experiments.window import Window, state_before, window_input
from models.checkpoint import Loaded

AHEAD = 200  # tokens of the text that are read on


class Change(Protocol):
    """What is done to the state of a network from one token on: units are held (`Held`), or a state is put in (`Moved`)."""

    def within(self, module: Any, window: Window, steps: int) -> AbstractContextManager[Any]:
        """The changed module for so many steps, of which the first reads that token."""
        ...


@dataclass(frozen=True, eq=False)
class Moved:
    """The state after one token of a text that is put into another text, in part or whole.

    Args:
        trace: Record of the text that the state comes from.
        step: The token after which it is taken.
        layers: Which layers, counted from 0; None: all.
        units: Which units of each; None: all.
    """

    trace: Trace
    step: int
    layers: int | None = None
    units: int | None = None

    def within(self, module: Any, window: Window, steps: int) -> AbstractContextManager[Any]:
        """The module whose state after its next token is that of the other text."""
        return explorer.patched(module, self.trace, self.step, 0, self.layers, self.units)


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


def read_on(loaded: Loaded, window: Window, at: int, change: Change | None = None, tokens: Sequence[str] | None = None) -> ReadOn:
    """Read a text from one token on, with a change of the state or as the network is.

    Args:
        loaded: The network, which predicts.
        window: The recorded window.
        at: Index in the window of the token after which the state is changed; the prediction after it is the first that differs.
        change: What is changed; None: nothing.
        tokens: What is read after it, [time]; None: what the text says.

    Raises:
        InterventionError: there is no such layer or unit, or the network cannot be run with a changed state.
    """
    ids = window_input(window.reading, window.part)[0][:, at : at + AHEAD + 1]
    if tokens is not None:
        index = {token: id_ for id_, token in enumerate(loaded.vocab.tokens)}
        ids = torch.cat([ids[:, :1], torch.tensor([[index[token] for token in tokens]])], 1)
    with _changed(loaded.module, window, change, ids.shape[1]) as module, torch.inference_mode():
        logits, _ = module(ids, state_before(loaded, window, at))
    logs, following = logits[0].double().log_softmax(-1), ids[0, 1:]
    nats = -logs[:-1].gather(1, following[:, None])[:, 0]
    likeliest = tuple(loaded.vocab.tokens[int(id_)] for id_ in logs[:-1].argmax(-1))
    follows = tuple(window.trace.tokens[at + 1 : at + ids.shape[1]] if tokens is None else tokens)
    return ReadOn(logs[0].exp().numpy(), follows, nats.numpy() / np.log(2), likeliest)


def continuations(
    loaded: Loaded,
    window: Window,
    at: int,
    sampling: Sampling,
    change: Change | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[tuple[str, ...]]:
    """Sampled continuations of the text up to one token, with a change of the state or as the network is.

    The n-th continuation uses the same random numbers whatever is changed. What the text itself says after the token is not read.

    Args:
        loaded, window, at, change: As for `read_on`.
        sampling: How many, how long, how random.
        progress: Called with (done, total) tokens of each continuation; may raise to stop.

    Raises:
        InterventionError: as `read_on`.

    Source of the noise: Gumbel, "Statistical Theory of Extreme Values", 1954; Maddison et al., "A* Sampling", 2014, section 2.
    """
    generator = torch.Generator().manual_seed(sampling.seed)
    size = (sampling.length, sampling.count, len(loaded.vocab))
    noise = -torch.log(-torch.log(torch.rand(size, generator=generator, dtype=torch.float64)))
    token = window_input(window.reading, window.part)[0][:, at].expand(sampling.count)
    with _changed(loaded.module, window, change, sampling.length + 1) as module, torch.inference_mode():
        written = _sampled(module, token, _rows(state_before(loaded, window, at), sampling.count), noise, sampling.temperature, progress)
    return [tuple(loaded.vocab.tokens[int(id_)] for id_ in row) for row in written]


def _sampled(module: Any, token: Tensor, state: Any, noise: Tensor, temperature: float, progress: Callable[[int, int], None]) -> Tensor:
    """Token ids [continuation, time] after a first token of each, [continuation]; noise [time, continuation, vocab]."""
    written = []
    for step in noise:
        progress(len(written), len(noise))
        logits, state = module(token[:, None], state)
        scores = logits[:, -1].double()
        scores[:, 0] = -torch.inf  # the unknown mark is no character that could be read next
        token = (scores / temperature + step if temperature else scores).argmax(-1)
        written.append(token)
    return torch.stack(written, 1)


def _changed(module: Any, window: Window, change: Change | None, steps: int) -> AbstractContextManager[Any]:
    return nullcontext(module) if change is None else change.within(module, window, steps)


def _rows(state: Any, count: int) -> Any:
    """A recurrent state for so many rows of a batch; None, the zero state, stays None."""
    if state is None or isinstance(state, Tensor):
        return state if state is None else state.expand(-1, count, -1).contiguous()
    return tuple(_rows(part, count) for part in state)
