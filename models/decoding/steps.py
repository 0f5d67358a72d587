"""Step-by-step decoding: the interface of a decoder, edits of its choices, and what is stored of each step."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from models.decoding.hypotheses import DecodingError, Edits, Hypothesis, Search
from models.vocabulary.subwords import END, PAD, START


class Step(NamedTuple):
    """Output of a decoder at one step, one row per hypothesis."""

    logits: Tensor  # [row, vocab]
    state: tuple[Tensor, ...]  # after the step, each [row, ...]
    attention: Tensor | None  # the weights it used, [row, in]; None without attention


class Decodable(Protocol):
    """A network that can be decoded; its memory of the input is a named tuple of tensors, one row per input."""

    def start(self, memory: Any) -> tuple[Tensor, ...]:
        """The initial state of the decoder, each part [row, ...]."""
        ...

    def step(self, memory: Any, state: tuple[Tensor, ...], token: Tensor, attention: Tensor | None = None) -> Step:
        """One decoder step; `attention` [row, in] replaces the network's own weights."""
        ...


class Kept(NamedTuple):
    """Stored data of one step as numpy, one row per hypothesis."""

    attention: np.ndarray | None
    states: tuple[np.ndarray, ...]
    top: np.ndarray
    top_log_probabilities: np.ndarray


class Records:
    """The stored data of all steps so far, a sequence of Kept.

    They are copied into blocks of many steps. Many small arrays, each made between two large temporary ones, would split the memory that
    these leave behind: a beam search of 400 steps over 600 subwords then takes 1 GB instead of 150 MB.
    """

    STEPS = 64  # of a block

    def __init__(self) -> None:
        self._blocks: list[Kept] = []
        self._count = 0

    def append(self, kept: Kept) -> None:
        """Add the data of the next step."""
        at = self._count % self.STEPS
        if at == 0:
            self._blocks.append(_over(kept, lambda array: np.empty((self.STEPS, *array.shape), array.dtype)))
        block = self._blocks[-1]
        for stored, array in zip(_arrays(block), _arrays(kept), strict=True):
            stored[at] = array
        self._count += 1

    def __getitem__(self, index: int) -> Kept:
        """The data of a step, counted from 0.

        Raises:
            IndexError: there is no such step.
        """
        if not 0 <= index < self._count:
            raise IndexError(index)
        return _over(self._blocks[index // self.STEPS], lambda array: array[index % self.STEPS])


def _over(kept: Kept, change: Callable[[np.ndarray], np.ndarray]) -> Kept:
    attention = None if kept.attention is None else change(kept.attention)
    return Kept(attention, tuple(map(change, kept.states)), change(kept.top), change(kept.top_log_probabilities))


def _arrays(kept: Kept) -> list[np.ndarray]:
    return [*([] if kept.attention is None else [kept.attention]), *kept.states, kept.top, kept.top_log_probabilities]


class Stepping:
    """Step-by-step decoding with a network, with the edits of each step."""

    def __init__(self, network: Decodable, memory: Any, search: Search, edits: Edits, report: Callable[[int, int], None]):
        self.network, self.memory, self.search, self.edits, self.report = network, memory, search, edits, report

    def advance(self, state: tuple[Tensor, ...], token: Tensor, at: int) -> tuple[tuple[Tensor, ...], Tensor, Kept]:
        """The new state, log probabilities [row, vocab] of the next token, and the stored data of the step."""
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
                got = f"The token of step {at} has id {self.edits.tokens[at]}"
                raise DecodingError(f"{got}; expected the id of a token that can be written, {END} to {len(numbers) - 1}.")
        return step.state, logs.masked_fill(closed, -torch.inf), kept


def _weights(row: np.ndarray, own: Tensor | None, at: int) -> Tensor:
    """Weights that replace the network's `own` [row, in], the same for each row."""
    if own is None:
        raise DecodingError(f"The attention of step {at} cannot be edited: this network has no attention. Remove the edit.")
    given = torch.as_tensor(row, dtype=own.dtype, device=own.device)
    if given.shape != own.shape[1:] or not (given >= 0).all() or not abs(float(given.sum()) - 1) < 1e-3:
        got = f"has shape {tuple(given.shape)} and sums to {float(given.sum()):.4g}"
        raise DecodingError(f"The attention of step {at} {got}; expected {own.shape[1]} weights, none negative, that sum to 1.")
    return given.expand_as(own)


def hypothesis(chain: list[tuple[int, int, float]], records: Records, search: Search) -> Hypothesis:
    """A hypothesis from the (row, token, log probability) of each step; everything after its end mark is dropped."""
    ends = [at for at, (_, token, _) in enumerate(chain) if token == END]
    chain = chain[: ends[0] + 1] if ends else chain
    rows = [row for row, _, _ in chain]
    costs = np.array([cost for _, _, cost in chain])
    steps = [(row, records[at]) for at, row in enumerate(rows)]
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
