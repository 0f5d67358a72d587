"""Greedy decoding and beam search."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.decoding.hypotheses import NO_EDITS, Edits, Found, Hypothesis, Node, Search, no_report
from models.decoding.steps import Decodable, Records, Stepping, hypothesis
from models.vocabulary.subwords import END, START

PLAIN = Search()


@torch.inference_mode()
def greedy(
    network: Decodable, memory: Any, search: Search = PLAIN, edits: Edits = NO_EDITS, report: Callable[[int, int], None] = no_report
) -> list[Hypothesis]:
    """Greedy decoding: the most likely token at each step, for each row of a memory; equal to a beam search of width 1.

    Args:
        network: A network in eval mode.
        memory: Its memory of the inputs, a named tuple of tensors [row, ...].
        search: Search settings; `width` is not used.
        edits: Forced tokens and replaced attention, the same for every row.
        report: Called with (steps done, maximum number of steps); may raise to stop.
    """
    stepping = Stepping(network, memory, search, edits, report)
    state = network.start(memory)
    rows = len(state[0])
    token = torch.full((rows,), START, device=state[0].device)
    going, written, records = torch.ones_like(token, dtype=torch.bool), [], Records()
    for at in range(search.longest):
        state, logs, kept = stepping.advance(state, token, at)
        best, token = logs.max(-1)
        written.append((token.tolist(), best.tolist()))
        records.append(kept)
        going &= token != END
        if not going.any():
            break
    return [hypothesis([(row, tokens[row], logs[row]) for tokens, logs in written], records, search) for row in range(rows)]


@torch.inference_mode()
def beam(
    network: Decodable, memory: Any, search: Search, edits: Edits = NO_EDITS, report: Callable[[int, int], None] = no_report
) -> list[Found]:
    """Beam search with the `width` best hypotheses, for each row of a memory.

    At each step every unfinished hypothesis is extended by its most likely tokens, and the best of these candidates are kept, as
    many as there are unfinished hypotheses. If the width is at least the number of possible sentences, the search is exhaustive.

    Args:
        network: A network in eval mode.
        memory: Its memory of the inputs, a named tuple of tensors [row, ...].
        search: Width, length normalisation and maximum length.
        edits: Forced tokens and replaced attention, the same for every row.
        report: Called with (steps done, maximum number of steps); may raise to stop.

    Source: Sutskever, Vinyals and Le, "Sequence to Sequence Learning with Neural Networks", 2014, with length normalisation.
    """
    inputs, width = len(memory[0]), search.width
    owners = torch.arange(inputs, device=memory[0].device).repeat_interleave(width)
    stepping = Stepping(network, _rows(memory, owners), search, edits, report)
    state = _rows(network.start(memory), owners)
    token = torch.full((inputs * width,), START, device=owners.device)
    beams, records = [_Beam(index * width, search) for index in range(inputs)], Records()
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
    """The search tree of one input: its nodes and the open ones, one per batch row starting at `first`."""

    def __init__(self, first: int, search: Search):
        self.first, self.search = first, search
        self.nodes: list[Node] = []
        self.open: list[int] = [-1]
        self.finished: list[int] = []

    def grow(self, at: int, costs: list[list[float]], tokens: list[list[int]]) -> None:
        """Extends the tree by one step: `costs` and `tokens` hold the most likely candidates of each batch row, [row][candidate]."""
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
        """For each row of the beam, the row of its previous state and the token it reads next; finished rows are idle."""
        going = [(self.nodes[index].row, self.nodes[index].token) for index in self.open]
        return going + [(self.first, END)] * (self.search.width - len(going))

    def sentences(self, records: Records) -> Found:
        """The hypotheses, best first: the finished ones or, if there are none, those truncated at the maximum length."""
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
