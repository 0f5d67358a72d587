"""The likeliest sentence, token by token: greedily, or with a beam."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.decoding.steps import NO_EDITS, Decodable, Edits, Hypothesis, Kept, Search, Stepping, hypothesis, no_report
from models.vocabulary.subwords import END, START

PLAIN = Search()


@torch.inference_mode()
def greedy(
    network: Decodable, memory: Any, search: Search = PLAIN, edits: Edits = NO_EDITS, report: Callable[[int, int], None] = no_report
) -> list[Hypothesis]:
    """The likeliest token at each step, for each row of a memory; the same as a beam of one.

    Args:
        network: In eval mode.
        memory: What it holds of its inputs, a named tuple of tensors [row, ...].
        search: `width` is not asked for here.
        edits: The same for every row.
        report: Called with (steps done, steps at most); may raise to stop.
    """
    stepping = Stepping(network, memory, search, edits, report)
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
    return [hypothesis([(row, tokens[row], logs[row]) for tokens, logs in written], records, search) for row in range(rows)]


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
    owners = torch.arange(inputs, device=memory[0].device).repeat_interleave(width)
    stepping = Stepping(network, _rows(memory, owners), search, edits, report)
    state = _rows(network.start(memory), owners)
    token = torch.full((inputs * width,), START, device=owners.device)
    beams, records = [_Beam(index * width, search) for index in range(inputs)], []
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
        state = _rows(state, torch.tensor(rows, device=owners.device))
        token = torch.tensor(following, device=owners.device)
    return [one.sentences(records) for one in beams]


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
        for index, parent in enumerate(self.open):
            row, before = self.first + index, self.nodes[parent].total if parent >= 0 else 0.0
            for cost, token in zip(costs[row], tokens[row], strict=True):
                if cost > -np.inf:
                    total = before + cost
                    candidates.append(Node(parent, at, row, token, cost, total, self.search.score(total, at + 1), False))
        candidates.sort(key=lambda node: -node.total)
        free = self.search.width - len(self.finished)
        start = len(self.nodes)
        self.nodes += [node._replace(kept=index < free) for index, node in enumerate(candidates)]
        chosen = range(start, min(start + free, len(self.nodes)))
        self.finished += [index for index in chosen if self.nodes[index].token == END]
        self.open = [index for index in chosen if self.nodes[index].token != END]

    def rows(self) -> list[tuple[int, int]]:
        """For each row of the beam, the row its state comes from and the token it reads next; closed rows idle."""
        going = [(self.nodes[index].row, self.nodes[index].token) for index in self.open]
        return going + [(self.first, END)] * (self.search.width - len(going))

    def sentences(self, records: list[Kept]) -> Found:
        """The sentences, the best first: the finished ones, or, if there is none, those cut at the longest."""
        ends = sorted(self.finished or self.open, key=lambda index: -self.nodes[index].score)
        return Found(tuple(hypothesis(self._chain(index), records, self.search) for index in ends), tuple(self.nodes))

    def _chain(self, index: int) -> list[tuple[int, int, float]]:
        chain = []
        while index >= 0:
            node = self.nodes[index]
            chain.append((node.row, node.token, node.log_probability))
            index = node.parent
        return chain[::-1]


def _rows(parts: Any, index: Tensor) -> Any:
    """The same rows of each part of a memory or state."""
    chosen = [part[index] for part in parts]
    return parts._make(chosen) if hasattr(parts, "_make") else tuple(chosen)
