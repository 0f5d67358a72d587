"""Distance between the states of two runs, step by step, for each path of the network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.axes import Float
from explorer.errors import AnalysisError


@dataclass(frozen=True, eq=False)
class Divergence:
    """A run on a changed input, compared with the run on the original input.

    Args:
        tokens: What the changed run reads, [time].
        states: The units that move most in the changed run, [time, 4] for each path.
        reverse: Whether the path reads from the end, for each path.
        distance: Largest difference of any unit from the other run, [path, time]; inf where the other run has no such token.
    """

    tokens: tuple[str, ...]
    states: tuple[np.ndarray, ...]
    reverse: tuple[bool, ...]
    distance: np.ndarray


def divergence(
    tokens: Sequence[str], changed: Sequence[np.ndarray], before: Sequence[np.ndarray], reverse: Sequence[bool] | None = None
) -> Divergence:
    """How far the states of a run on a changed input are from those of the run before.

    Args:
        tokens: What the changed run reads, [time].
        changed: Its states, [time, unit] for each path.
        before: States of the run on the input as it was, [time, unit] for each path; it may be longer or shorter.
        reverse: Whether the path reads from the end, for each path; none does if left out.
    """
    backwards = tuple(reverse) if reverse is not None else (False,) * len(changed)
    apart = [distance(one, other, is_reverse) for one, other, is_reverse in zip(changed, before, backwards, strict=True)]
    return Divergence(tuple(tokens), tuple(liveliest(states) for states in changed), backwards, np.array(apart))


@dataclass(frozen=True, eq=False)
class UnitChanges:
    """How the states of each unit differ between two checkpoints of one run, on one text.

    Args:
        difference: Root mean square difference of its states, [unit].
        r: Correlation of its states, -1..1, [unit]; nan where one of them never changes.
        order: Units, the most different first, [unit].
    """

    difference: np.ndarray
    r: np.ndarray
    order: np.ndarray


def unit_changes(before: Float[np.ndarray, "time unit"], after: Float[np.ndarray, "time unit"]) -> UnitChanges:
    """Which units changed between two checkpoints of one run, and how much.

    It says something only where unit n of one network became unit n of the other: of two runs, unit numbers and signs are arbitrary.

    Args:
        before: States of the earlier network over a text, [time, unit].
        after: States of the later network over the same text, [time, unit].

    Raises:
        AnalysisError: the shapes differ, or there is no step.
    """
    if before.shape != after.shape or not len(before):
        raise AnalysisError(f"The states have shapes {before.shape} and {after.shape}; expected the same [time, unit], at least one step.")
    one, other = (states.astype(np.float64) for states in (before, after))
    difference = np.sqrt(((one - other) ** 2).mean(0))
    one, other = one - one.mean(0), other - other.mean(0)
    size = np.sqrt((one**2).sum(0) * (other**2).sum(0))
    r = np.divide((one * other).sum(0), size, out=np.full(len(size), np.nan), where=size > 1e-12)
    return UnitChanges(difference, r, np.argsort(-difference, kind="stable"))


def distance(one: Float[np.ndarray, "time unit"], other: Float[np.ndarray, "other unit"], reverse: bool = False) -> np.ndarray:
    """Largest difference of any unit between two runs, [time] of the first; inf where the second has no such token.

    Args:
        one: States of one run, [time, unit].
        other: States of the other run, [time, unit].
        reverse: Whether they read from the end: then their last tokens are the first that are compared.
    """
    if reverse:
        return distance(one[::-1], other[::-1])[::-1]
    apart, common = np.full(len(one), np.inf), min(len(one), len(other))
    apart[:common] = np.abs(one[:common] - other[:common]).max(1)
    return apart


def liveliest(states: Float[np.ndarray, "time unit"], count: int = 4) -> np.ndarray:
    """The units of the largest variance in their own order, [time, count] out of states [time, unit]."""
    return states[:, np.sort(np.argsort(-states.var(0), kind="stable")[:count])]
