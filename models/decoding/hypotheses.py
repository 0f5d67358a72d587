"""What a search is asked for and what it gives: settings, edits, hypotheses and the tree of a beam search. Needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from explorer.errors import ExplorerError
from models.vocabulary.subwords import END


class DecodingError(ExplorerError):
    """The settings of sampling or search are invalid."""


@dataclass(frozen=True)
class Search:
    """Settings of a search.

    Args:
        width: Beam width. A finished hypothesis stays in the beam, so the search ends when all are finished.
        normalisation: score = log probability / length ** normalisation; the length includes the end mark. 0 favours short hypotheses.
        longest: Maximum number of tokens, the end mark included.
        top: Number of most likely tokens stored for each step.
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
        """Score for comparing hypotheses of different lengths."""
        return total / length**self.normalisation


@dataclass(frozen=True, eq=False)
class Edits:
    """Replacements for the network's own choices, by step, counted from 0.

    Args:
        tokens: Id of the token to write at a step.
        attention: Attention weights to use at a step, [in].
    """

    tokens: Mapping[int, int] = field(default_factory=dict)
    attention: Mapping[int, np.ndarray] = field(default_factory=dict)


NO_EDITS = Edits()


def no_report(done: int, total: int) -> None:
    """A progress callback that does nothing."""


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """An output sentence with the data of each step.

    Args:
        tokens: Ids of the tokens; the last one is the end mark unless the sentence was truncated at the maximum length.
        log_probabilities: Log probability of each token given those before, [out].
        score: Their sum, normalised by length.
        attention: Weights used to choose each token, [out, in]; None if the network has no attention.
        states: The decoder's state from which each token was predicted, part by part, each [out, ...].
        top: Ids of the most likely tokens at each step, [out, top].
        top_log_probabilities: Their log probabilities, [out, top].
        rows: Batch row in which each token was chosen, [out], as `Recording.alignment` needs it.
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
        """Whether it ends with the end mark."""
        return self.tokens[-1] == END


class Node(NamedTuple):
    """One token in the tree of a beam search."""

    parent: int  # index of the parent node; -1 for the first token
    step: int
    row: int  # batch row in which it was chosen
    token: int
    log_probability: float
    total: float  # log probability from the first token up to this one
    score: float  # total, normalised by length
    kept: bool  # False: pruned here


@dataclass(frozen=True, eq=False)
class Found:
    """Result of a beam search for one input: hypotheses, best first, and the tree of all candidates."""

    hypotheses: tuple[Hypothesis, ...]
    tree: tuple[Node, ...]
