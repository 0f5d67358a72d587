"""Positions at which a unit is highest, lowest or near a quantile, each with the text around it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.axes import Float
from explorer.errors import AnalysisError

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Context:
    """One place in the text: `value` of the unit after `token` at `position`, with the text `before` and `after`."""

    position: int
    value: float
    before: str
    token: str
    after: str


def highest(values: Float[np.ndarray, "time"], tokens: Sequence[str], count: int = 10, apart: int = 20) -> list[Context]:
    """The places with the largest values, highest first; none that is nearer to the smallest value than to the largest.

    Neighbours are left out: without that, ten places would be ten characters of one link.

    Args:
        values: One unit over the text, [time].
        tokens: What was read, [time].
        count: At most so many places.
        apart: Two places are at least this many tokens apart.

    Raises:
        AnalysisError: `values` and `tokens` differ in length.
    """
    return _spread(values, tokens, _low_end(-_checked(values, tokens)), count, apart)


def lowest(values: Float[np.ndarray, "time"], tokens: Sequence[str], count: int = 10, apart: int = 20) -> list[Context]:
    """The places with the smallest values [time], lowest first; otherwise like `highest`."""
    return _spread(values, tokens, _low_end(_checked(values, tokens)), count, apart)


def quantile_samples(
    values: Float[np.ndarray, "time"], tokens: Sequence[str], per_level: int = 2, apart: int = 20, seed: int = 0
) -> dict[float, list[Context]]:
    """Places near several quantiles of a unit's values; extremes alone would flatter it.

    Around each level of `LEVELS` places are drawn at random from the twentieth of the text whose values lie nearest
    to that quantile.

    Args:
        values: One unit over the text, [time].
        tokens: What was read, [time].
        per_level: Places for each level.
        apart: Two places of one level are at least this many tokens apart.
        seed: The same seed draws the same places.

    Returns:
        Level -> places, lowest level first.
    """
    ranked = np.argsort(_checked(values, tokens), kind="stable")
    n, chance = len(ranked), np.random.default_rng(seed)
    samples = {}
    for level in LEVELS:
        width = max(n // 20, 1)
        start = int(np.clip(round(level * (n - 1)) - width // 2, 0, max(n - width, 0)))
        samples[level] = _spread(values, tokens, chance.permutation(ranked[start : start + width]), per_level, apart)
    return samples


def context(values: Float[np.ndarray, "time"], tokens: Sequence[str], position: int, around: int = 24) -> Context:
    """One place in words: the value of a unit [time] at `position` and the `around` tokens on either side."""
    before, after = tokens[max(0, position - around) : position], tokens[position + 1 : position + 1 + around]
    between = " " if 2 * sum(len(token) > 1 for token in (*before, *after)) > len(before) + len(after) else ""  # words
    return Context(position, float(values[position]), between.join([*before, ""]), tokens[position], between.join(["", *after]))


def _low_end(values: np.ndarray) -> np.ndarray:
    """Places of the smaller half of the range, smallest first."""
    order = np.argsort(values, kind="stable")
    return order[values[order] <= (values[order[:1]] + values[order[-1:]]) / 2]


def _checked(values: np.ndarray, tokens: Sequence[str]) -> np.ndarray:
    if len(values) != len(tokens):
        raise AnalysisError(f"There are {len(values)} values and {len(tokens)} tokens; expected one value for each token.")
    return values


def _spread(values: np.ndarray, tokens: Sequence[str], candidates: Iterable, count: int, apart: int) -> list[Context]:
    """The first `count` candidates of which no two are closer than `apart`."""
    free = np.ones(len(tokens), bool)
    chosen: list[Context] = []
    for position in map(int, candidates):
        if len(chosen) >= count:
            break
        if free[position]:
            chosen.append(context(values, tokens, position))
            free[max(0, position - apart + 1) : position + apart] = False
    return chosen
