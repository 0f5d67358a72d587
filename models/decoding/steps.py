"""A decoder taken step by step: what a network must offer, what may be edited, and what is kept of a sentence that was found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from explorer.errors import ExplorerError
from models.vocabulary.subwords import END, PAD, START


class DecodingError(ExplorerError):
    """Settings that no text can be drawn or searched with."""


class Step(NamedTuple):
    """What a decoder gives at one step, one row a hypothesis."""

    logits: Tensor  # [row, vocab]
    state: tuple[Tensor, ...]  # after the step, each [row, ...]
    attention: Tensor | None  # the weights it used, [row, in]; None where it has none


class Decodable(Protocol):
    """A network that can be searched: its memory of the input is a named tuple of tensors, one row an input."""

    def start(self, memory: Any) -> tuple[Tensor, ...]:
        """The state before the first token, each part [row, ...]."""
        ...

    def step(self, memory: Any, state: tuple[Tensor, ...], token: Tensor, attention: Tensor | None = None) -> Step:
        """One token further; `attention` [row, in] takes the place of the network's own weights."""
        ...


@dataclass(frozen=True)
class Search:
    """How to search.

    Args:
        width: Hypotheses kept side by side. A finished one keeps its place, so that the search ends when all are finished.
        normalisation: score = log-probability / length ** normalisation; the end mark counts. 0 prefers short ones.
        longest: Tokens at most, the end mark included.
        top: Alternatives told of each step.
    """

    width: int = 1
    normalisation: float = 1.0
    longest: int = 400
    top: int = 5

    def __post_init__(self) -> None:
        for name, least in (("width", 1), ("longest", 1), ("top", 1), ("normalisation", 0)):
            if not getattr(self, name) >= least:
                raise DecodingError(f"{name} is {getattr(self, name)}; expected at least {least}.")

    def score(self, total: float, length: int) -> float:
        """What hypotheses are compared by, when they are of unlike length."""
        return total / length**self.normalisation


@dataclass(frozen=True, eq=False)
class Edits:
    """What is put in place of the network's own choices, by step, counted from 0.

    Args:
        tokens: Number of the token to write at a step.
        attention: Weights to look with at a step, [in].
    """

    tokens: Mapping[int, int] = field(default_factory=dict)
    attention: Mapping[int, np.ndarray] = field(default_factory=dict)


NO_EDITS = Edits()


def no_report(done: int, total: int) -> None:
    """Reports to nobody."""


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A sentence that was found, and how.

    Args:
        tokens: Numbers of what was written; the end mark is the last, unless the sentence was cut at the longest.
        log_probabilities: Of each token given those before, [out].
        score: Their sum, normalised by length.
        attention: Weights used to choose each token, [out, in]; None where the network has none.
        states: The decoder's state that each token was read from, part by part, each [out, ...].
        top: Numbers of the likeliest tokens of each step, [out, top]; top_log_probabilities: what they had.
        rows: Row of the batch in which each token was chosen, [out]: what `Recording.alignment` asks for.
    """

    tokens: tuple[int, ...]
    log_probabilities: np.ndarray
    score: float
    attention: np.ndarray | None
    states: tuple[np.ndarray, ...]
    top: np.ndarray
    top_log_probabilities: np.ndarray
    rows: tuple[int, ...]

    @property
    def finished(self) -> bool:
        """Whether it came to its end mark."""
        return self.tokens[-1] == END


class Kept(NamedTuple):
    """What one step leaves behind for the record, as numpy, one row a hypothesis."""

    attention: np.ndarray | None
    states: tuple[np.ndarray, ...]
    top: np.ndarray
    top_log_probabilities: np.ndarray


class Stepping:
    """A network taken step by step, with the edits of each."""

    def __init__(self, network: Decodable, memory: Any, search: Search, edits: Edits, report: Callable[[int, int], None]):
        self.network, self.memory, self.search, self.edits, self.report = network, memory, search, edits, report

    def advance(self, state: tuple[Tensor, ...], token: Tensor, at: int) -> tuple[tuple[Tensor, ...], Tensor, Kept]:
        """The new state, log-probabilities [row, vocab] of what may be written next, and what is kept of the step."""
        self.report(at, self.search.longest)
        step = self.network.step(self.memory, state, token)
        if at in self.edits.attention:
            given = _weights(self.edits.attention[at], step.attention, at)
            step = self.network.step(self.memory, state, token, given)
        logs = step.logits.log_softmax(-1)
        likely = logs.topk(min(self.search.top, logs.shape[1]), -1)
        attention = None if step.attention is None else _numpy(step.attention)
        kept = Kept(attention, tuple(map(_numpy, step.state)), _numpy(likely.indices), _numpy(likely.values))
        numbers = torch.arange(logs.shape[1], device=logs.device)
        closed = (numbers == PAD) | (numbers == START)
        if at in self.edits.tokens:
            closed |= numbers != self.edits.tokens[at]
            if closed.all():
                got = f"The token of step {at} is number {self.edits.tokens[at]}"
                raise DecodingError(f"{got}; expected one that can be written, {END} to {len(numbers) - 1}.")
        return step.state, logs.masked_fill(closed, -torch.inf), kept


def _weights(row: np.ndarray, own: Tensor | None, at: int) -> Tensor:
    """Weights that were put in place of the network's `own` [row, in], the same for each row."""
    if own is None:
        raise DecodingError(f"The attention of step {at} cannot be edited: this network has none.")
    given = torch.as_tensor(row, dtype=own.dtype, device=own.device)
    if given.shape != own.shape[1:] or not (given >= 0).all() or not abs(float(given.sum()) - 1) < 1e-3:
        got = f"has shape {tuple(given.shape)} and sums to {float(given.sum()):.4g}"
        raise DecodingError(f"The attention of step {at} {got}; expected {own.shape[1]} weights, none negative, that sum to 1.")
    return given.expand_as(own)


def hypothesis(chain: list[tuple[int, int, float]], records: list[Kept], search: Search) -> Hypothesis:
    """A sentence from the (row, token, log-probability) of each step; what follows its end mark is dropped."""
    ends = [at for at, (_, token, _) in enumerate(chain) if token == END]
    chain = chain[: ends[0] + 1] if ends else chain
    rows = [row for row, _, _ in chain]
    costs = np.array([cost for _, _, cost in chain])
    steps = list(zip(rows, records, strict=False))
    looked = [kept.attention[row] for row, kept in steps if kept.attention is not None]
    states = tuple(np.stack([kept.states[part][row] for row, kept in steps]) for part in range(len(records[0].states)))
    return Hypothesis(
        tokens=tuple(token for _, token, _ in chain),
        log_probabilities=costs,
        score=search.score(float(costs.sum()), len(chain)),
        attention=np.stack(looked) if looked else None,
        states=states,
        top=np.stack([kept.top[row] for row, kept in steps]),
        top_log_probabilities=np.stack([kept.top_log_probabilities[row] for row, kept in steps]),
        rows=tuple(rows),
    )


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
