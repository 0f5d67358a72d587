"""A prediction as a sum over the units of the top layer, and the tokens that each unit makes more or less likely."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.axes import Float
from explorer.errors import AnalysisError


@dataclass(frozen=True, eq=False)
class LogitParts:
    """A logit as a sum: units.sum() + bias = logit, exactly, where the output layer is linear.

    Args:
        units: What each unit adds, [unit]: its hidden state times its weight.
        bias: What the output layer adds for any state.
        weights: The weights, [unit].
    """

    units: np.ndarray
    bias: float
    weights: np.ndarray

    @property
    def logit(self) -> float:
        """The whole sum."""
        return float(self.units.sum() + self.bias)

    @property
    def strongest(self) -> np.ndarray:
        """Units by the size of what they add, the largest first, [unit]."""
        return np.argsort(-np.abs(self.units), kind="stable")


def logit_parts(
    hidden: Float[np.ndarray, " unit"],
    weight: Float[np.ndarray, "vocab unit"],
    bias: Float[np.ndarray, " vocab"] | None,
    token: int,
    against: int | None = None,
) -> LogitParts:
    """Split the logit of one token among the units that the output layer reads.

    A softmax does not change when the same number is added to all logits, so that a logit by itself says nothing. It is compared
    with the mean of all tokens (the centred logit), or with one other token: then the difference is the log-odds of the two, in nats.

    Args:
        hidden: Hidden state of the top layer, [unit].
        weight: Weights of the output layer, [vocab, unit].
        bias: Its bias, [vocab]; None if it has none.
        token: The token, as a row of the weights.
        against: The other token; None: the mean of all.

    Raises:
        AnalysisError: there is no such token.
    """
    for one in (token, *(() if against is None else (against,))):
        if not 0 <= one < len(weight):
            raise AnalysisError(f"There is no token {one}; the output layer has {len(weight)} rows, 0 to {len(weight) - 1}.")
    rows = np.asarray(weight, np.float64)
    offsets = np.zeros(len(rows)) if bias is None else np.asarray(bias, np.float64)
    weights = rows[token] - (rows.mean(0) if against is None else rows[against])
    offset = offsets[token] - (offsets.mean() if against is None else offsets[against])
    return LogitParts(np.asarray(hidden, np.float64) * weights, float(offset), weights)


@dataclass(frozen=True)
class Promoted:
    """Tokens that a unit makes more and less likely where it is positive; the other way round where it is negative.

    Args:
        up: Tokens with the largest weights, as rows of the output layer, the largest first.
        down: Tokens with the smallest weights, the smallest first.
    """

    up: tuple[int, ...]
    down: tuple[int, ...]


def promoted(weight: Float[np.ndarray, "vocab unit"], unit: int, count: int = 5) -> Promoted:
    """Tokens that a unit pushes up and down, from the output weights, each compared with the mean of all tokens.

    Args:
        weight: Weights of the output layer, [vocab, unit].
        unit: Counted from 0.
        count: Tokens of each list.

    Raises:
        AnalysisError: there is no such unit.
    """
    order = _order(weight, unit)
    return Promoted(tuple(map(int, order[::-1][:count])), tuple(map(int, order[:count])))


def promoted_on_text(
    weight: Float[np.ndarray, "vocab unit"], hidden: Float[np.ndarray, "time unit"], next_ids: Sequence[int], unit: int
) -> dict[int, tuple[float, int]]:
    """What a unit really added to the centred logit of each token where that token came next: the mean, and at how many places.

    Weights alone do not show how large the unit's state is where it counts, nor its sign there.

    Args:
        weight: Weights of the output layer, [vocab, unit].
        hidden: Hidden states of the top layer, [time, unit].
        next_ids: The token that came next at each step, [time].
        unit: Counted from 0.

    Returns:
        By token, the largest mean first.
    """
    _order(weight, unit)
    ids = np.asarray(next_ids)
    centred = np.asarray(weight[:, unit], np.float64) - float(np.mean(weight[:, unit], dtype=np.float64))
    added = np.asarray(hidden[:, unit], np.float64) * centred[ids]
    means = {int(token): (float(added[ids == token].mean()), int((ids == token).sum())) for token in np.unique(ids)}
    return dict(sorted(means.items(), key=lambda item: -item[1][0]))


def _order(weight: np.ndarray, unit: int) -> np.ndarray:
    if not 0 <= unit < weight.shape[1]:
        raise AnalysisError(f"There is no unit {unit}; the output layer reads {weight.shape[1]}, 0 to {weight.shape[1] - 1}.")
    return np.argsort(weight[:, unit], kind="stable")
