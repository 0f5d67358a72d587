"""Distance between the states of two runs, step by step, for each path of the network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.axes import Float


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
