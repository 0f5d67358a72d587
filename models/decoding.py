"""Text out of a network: drawn character by character, or searched for token by token, greedily or with a beam."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from explorer.errors import ExplorerError
from models.pieces import END, PAD, START
from models.reading import Pass

if TYPE_CHECKING:
    from models.checkpoint import Loaded


class DecodingError(ExplorerError):
    """Settings that no text can be drawn or searched with."""


def sample(
    loaded: "Loaded", text: str = "", temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None, seed: int = 0
) -> Iterator[str]:
    """Characters that go on from a text, without end, each as soon as it is drawn; the same seed draws the same.

    Args:
        loaded: The network.
        text: What stands before, read from the zero state; may be empty.
        temperature: p_k = softmax(logits / temperature); 0 always takes the likeliest.
        top_k: Draw from the k likeliest only.
        top_p: Draw from the fewest likeliest that hold this share together ("nucleus").
        seed: Of the draws.

    Raises:
        DecodingError: a setting is out of its range.

    Source: top-p: Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020.
    """
    if not 0 <= temperature < float("inf"):
        raise DecodingError(f"temperature is {temperature}; expected 0 (always the likeliest) or more.")
    if top_k is not None and top_k < 1:
        raise DecodingError(f"top_k is {top_k}; expected at least 1, or none for all.")
    if top_p is not None and not 0 < top_p <= 1:
        raise DecodingError(f"top_p is {top_p}; expected more than 0 and at most 1.")
    if len(loaded.vocab) < 2:
        raise DecodingError("The network knows no character; nothing can be drawn.")
    return _characters(loaded, text, (temperature, top_k, top_p), seed)


def _characters(loaded: "Loaded", text: str, settings: tuple[float, int | None, float | None], seed: int) -> Iterator[str]:
    passing, generator = Pass(loaded, text), torch.Generator().manual_seed(seed)
    while True:
        number = torch.multinomial(shares(passing.expected, *settings), 1, generator=generator)
        yield loaded.vocab.tokens[int(number)]
        passing.read(number)


def shares(logits: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None) -> Tensor:
    """What is drawn from: the probability of each token [vocab], given logits (or log-probabilities) [vocab].

    The unknown mark, number 0, is never drawn. Order: temperature, then top-k, then top-p of what is left.
    """
    logits = logits.double().clone()
    logits[0] = -torch.inf
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(), len(logits)).double()
    share = ((logits - logits.max()) / temperature).softmax(-1)
    order = share.argsort(descending=True, stable=True)
    kept = share[order]
    if top_k is not None:
        kept[top_k:] = 0
        kept /= kept.sum()
    if top_p is not None:
        kept[kept.cumsum(0) - kept >= top_p] = 0  # the token that crosses the share still counts
        kept /= kept.sum()
    return torch.zeros_like(share).scatter(0, order, kept)


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


class Node(NamedTuple):
    """One token of a beam tree."""

    parent: int  # place of the node before; -1 for the first token
    step: int
    row: int  # of the batch, in which it was chosen
    token: int
    log_probability: float
    total: float  # from the first token to here
    score: float  # total, normalised by length
    kept: bool  # False: pruned here


@dataclass(frozen=True, eq=False)
class Found:
    """What a beam search found for one input: hypotheses, the best first, and every candidate it weighed."""

    hypotheses: tuple[Hypothesis, ...]
    tree: tuple[Node, ...]


class _Kept(NamedTuple):
    """What one step leaves behind for the record, as numpy, one row a hypothesis."""

    attention: np.ndarray | None
    states: tuple[np.ndarray, ...]
    top: np.ndarray
    top_log_probabilities: np.ndarray


class _Stepping:
    """A network taken step by step, with the edits of each."""

    def __init__(self, network: Decodable, memory: Any, search: Search, edits: Edits, report: Callable[[int, int], None]):
        self.network, self.memory, self.search, self.edits, self.report = network, memory, search, edits, report

    def advance(self, state: tuple[Tensor, ...], token: Tensor, at: int) -> tuple[tuple[Tensor, ...], Tensor, _Kept]:
        """The new state, log-probabilities [row, vocab] of what may be written next, and what is kept of the step."""
        self.report(at, self.search.longest)
        step = self.network.step(self.memory, state, token)
        if at in self.edits.attention:
            given = _weights(self.edits.attention[at], step.attention, at)
            step = self.network.step(self.memory, state, token, given)
        logs = step.logits.log_softmax(-1)
        likely = logs.topk(min(self.search.top, logs.shape[1]), -1)
        attention = None if step.attention is None else _numpy(step.attention)
        kept = _Kept(attention, tuple(map(_numpy, step.state)), _numpy(likely.indices), _numpy(likely.values))
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


@torch.inference_mode()
def greedy(
    network: Decodable, memory: Any, search: Search = Search(), edits: Edits = NO_EDITS, report: Callable[[int, int], None] = no_report
) -> list[Hypothesis]:
    """The likeliest token at each step, for each row of a memory; the same as a beam of one.

    Args:
        network: In eval mode.
        memory: What it holds of its inputs, a named tuple of tensors [row, ...].
        search: `width` is not asked for here.
        edits: The same for every row.
        report: Called with (steps done, steps at most); may raise to stop.
    """
    stepping = _Stepping(network, memory, search, edits, report)
    state = network.start(memory)
    rows = len(state[0])
    token = torch.full((rows,), START, device=state[0].device)
    going, written, records = torch.ones_like(token, dtype=torch.bool), [], []
    for at in range(search.longest):
        state, logs, kept = stepping.advance(state, token, at)
        best, token = logs.max(-1)
        written.append((token.tolist(), best.tolist()))
        records.append(kept)
        going &= token != END
        if not going.any():
            break
    return [_hypothesis([(row, tokens[row], logs[row]) for tokens, logs in written], records, search) for row in range(rows)]


def _hypothesis(chain: list[tuple[int, int, float]], records: list[_Kept], search: Search) -> Hypothesis:
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


@torch.inference_mode()
def beam(
    network: Decodable, memory: Any, search: Search, edits: Edits = NO_EDITS, report: Callable[[int, int], None] = no_report
) -> list[Found]:
    """The best sentences that keeping the `width` likeliest beginnings finds, for each row of a memory.

    At each step every open hypothesis is gone on with by its likeliest tokens, and as many of all these candidates are
    kept as there are hypotheses not yet finished. With a beam as wide as the space of sentences nothing is ever dropped.

    Args:
        network: In eval mode.
        memory: What it holds of its inputs, a named tuple of tensors [row, ...].
        search: Width, normalisation and longest.
        edits: The same for every row.
        report: Called with (steps done, steps at most); may raise to stop.

    Source: Sutskever, Vinyals and Le, "Sequence to Sequence Learning with Neural Networks", 2014, with scores by length.
    """
    inputs, width = len(memory[0]), search.width
    each = torch.arange(inputs, device=memory[0].device).repeat_interleave(width)
    stepping = _Stepping(network, _rows(memory, each), search, edits, report)
    state = _rows(network.start(memory), each)
    token = torch.full((inputs * width,), START, device=each.device)
    beams, records = [_Beam(number * width, search) for number in range(inputs)], []
    for at in range(search.longest):
        state, logs, kept = stepping.advance(state, token, at)
        records.append(kept)
        costs, tokens = logs.topk(min(width, logs.shape[1]), -1)
        costs, tokens = costs.tolist(), tokens.tolist()
        for one in beams:
            one.grow(at, costs, tokens)
        if not any(one.open for one in beams):
            break
        rows, following = zip(*[pair for one in beams for pair in one.rows()], strict=True)
        state = _rows(state, torch.tensor(rows, device=each.device))
        token = torch.tensor(following, device=each.device)
    return [one.found(records) for one in beams]


class _Beam:
    """The tree of one input: its nodes, and which of them are open, one a row of the batch from `first` on."""

    def __init__(self, first: int, search: Search):
        self.first, self.search = first, search
        self.nodes: list[Node] = []
        self.open: list[int] = [-1]
        self.finished: list[int] = []

    def grow(self, at: int, costs: list[list[float]], tokens: list[list[int]]) -> None:
        """Weigh the candidates of a step: `costs` and `tokens` hold the likeliest of each row of the batch, [row][candidate]."""
        candidates = []
        for place, parent in enumerate(self.open):
            row, before = self.first + place, self.nodes[parent].total if parent >= 0 else 0.0
            for cost, token in zip(costs[row], tokens[row], strict=True):
                if cost > -np.inf:
                    total = before + cost
                    candidates.append(Node(parent, at, row, token, cost, total, self.search.score(total, at + 1), False))
        candidates.sort(key=lambda node: -node.total)
        free = self.search.width - len(self.finished)
        start = len(self.nodes)
        self.nodes += [node._replace(kept=place < free) for place, node in enumerate(candidates)]
        chosen = range(start, min(start + free, len(self.nodes)))
        self.finished += [place for place in chosen if self.nodes[place].token == END]
        self.open = [place for place in chosen if self.nodes[place].token != END]

    def rows(self) -> list[tuple[int, int]]:
        """For each row of the beam, the row its state comes from and the token it reads next; closed rows idle."""
        going = [(self.nodes[place].row, self.nodes[place].token) for place in self.open]
        return going + [(self.first, END)] * (self.search.width - len(going))

    def found(self, records: list[_Kept]) -> Found:
        """The sentences, the best first: the finished ones, or, if there is none, those cut at the longest."""
        ends = sorted(self.finished or self.open, key=lambda place: -self.nodes[place].score)
        return Found(tuple(_hypothesis(self._chain(place), records, self.search) for place in ends), tuple(self.nodes))

    def _chain(self, place: int) -> list[tuple[int, int, float]]:
        chain = []
        while place >= 0:
            node = self.nodes[place]
            chain.append((node.row, node.token, node.log_probability))
            place = node.parent
        return chain[::-1]


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def _rows(parts: Any, index: Tensor) -> Any:
    """The same rows of each part of a memory or state."""
    chosen = [part[index] for part in parts]
    return parts._make(chosen) if hasattr(parts, "_make") else tuple(chosen)
