"""Summaries of how a gradient decays with distance: median, quantiles, factor per step and half-life."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from explorer.axes import Float
from explorer.errors import AnalysisError
from explorer.records import GradientFlow

SHARES = (1 / 2, 1 / 10, 1 / 100, 1 / 1000)
BANDS = ((0, 5), (5, 20), (20, 50), (50, 100), (100, 200))
AGREE = 0.2  # bands whose rates differ by more than this share are not exponential
REVERSE = "[reverse]"


def curve(flow: GradientFlow, layer: int = -1, what: str = "state") -> np.ndarray:
    """log10 of the norm by distance from the loss, relative to distance 0, [lag].

    Only relative curves share an axis: hidden and cell states live in different units.

    Args:
        flow: Gradient of a loss at one step.
        layer: Which layer, [0, layers); -1 is the last.
        what: "state", the one that is compared across kinds; "hidden" or "cell".

    Raises:
        AnalysisError: the loss enters at several steps, there is no such layer or curve, or nothing flows at the loss itself.
    """
    if flow.loss_at is None:
        raise AnalysisError("This loss enters at several steps, so distances have no meaning: take the loss at one step.")
    values = getattr(flow, f"{what}_log10", None)
    if values is None:
        raise AnalysisError(f"This record has no curve '{what}'. Choose state, hidden, or cell where the network is an LSTM.")
    if not -values.shape[1] <= layer < values.shape[1]:
        raise AnalysisError(f"layer is {layer}, but there are {values.shape[1]}: choose from 0 to {values.shape[1] - 1}.")
    one = values[flow.loss_at :, layer] if flow.source.endswith(REVERSE) else values[flow.loss_at :: -1, layer]
    if one[0] == -np.inf:
        raise AnalysisError(
            f"Nothing flows to layer {layer} at step {flow.loss_at}, where the loss is: there is nothing to be relative to."
        )
    return one - one[0]


@dataclass(frozen=True, eq=False)
class Reach:
    """Summary of gradient curves over distance.

    Args:
        median, low, high: log10 of the norm relative to lag 0: median and the two quantiles, [lag].
        count: How many losses reach back so far, [lag].
        falls: First lag at which the median lies below 1/2, 1/10, 1/100 and 1/1000; None where it never does.
        bands: (first lag, last lag) of each band that lies inside.
        factors: What each step multiplies the norm with, on average over a band, [band]; nan where nothing flows.
        half_life: Steps to one half, where all bands fall at the same rate within 20 %; else None: no single number describes the decay.
    """

    median: np.ndarray
    low: np.ndarray
    high: np.ndarray
    count: np.ndarray
    falls: tuple[int | None, ...]
    bands: tuple[tuple[int, int], ...]
    factors: np.ndarray
    half_life: float | None


def reach(curves: Sequence[np.ndarray], quantile: float = 0.1) -> Reach:
    """Median and quantiles of curves over distance, and how fast the median falls.

    Quantiles of logarithms, never a mean of norms: one spike would own it.

    Args:
        curves: As `curve` gives them, each [lag], of any lengths; one for each loss.
        quantile: The lower quantile, 0..0.5; the upper one is 1 less it.

    Raises:
        AnalysisError: there are no curves.
    """
    if not len(curves):
        raise AnalysisError("There are no curves to summarise; expected one for each loss.")
    longest = max(map(len, curves))
    grid = np.full((len(curves), longest), np.nan)
    for row, values in zip(grid, curves, strict=True):
        row[: len(values)] = values
    low, median, high = (_quantile(grid, share) for share in (quantile, 0.5, 1 - quantile))
    bands = tuple((start, min(stop, longest - 1)) for start, stop in BANDS if start < longest - 1)
    factors = np.array([_factor(median, *band) for band in bands])
    falls = tuple(_first_below(median, np.log10(share)) for share in SHARES)
    return Reach(median, low, high, (~np.isnan(grid)).sum(0), falls, bands, factors, _half_life(factors))


def _quantile(grid: np.ndarray, share: float) -> np.ndarray:
    """Quantile of each column, [lag], of the numbers it has; the lower of two neighbours, since -inf has no middle."""
    last = np.maximum((~np.isnan(grid)).sum(0) - 1, 0)
    return np.sort(grid, axis=0)[np.floor(last * share).astype(int), np.arange(grid.shape[1])]  # numbers stand before nan


def _first_below(median: np.ndarray, limit: float) -> int | None:
    below = np.flatnonzero(median < limit)
    return int(below[0]) if len(below) else None


def _factor(median: np.ndarray, start: int, stop: int) -> float:
    if not np.isfinite(median[[start, stop]]).all():
        return float("nan")
    return float(10 ** ((median[stop] - median[start]) / (stop - start)))


def _half_life(factors: np.ndarray) -> float | None:
    # Rates, not factors: 0.95 and 0.99 look alike, and one halves in 14 steps, the other in 69.
    rates = -np.log(factors) if len(factors) and (factors > 0).all() else np.array([np.nan])
    agree = rates.min() > 0 and rates.max() <= (1 + AGREE) * rates.min()
    return float(np.log(2) / np.median(rates)) if agree else None


def falls(curves: Float[np.ndarray, "loss lag"]) -> np.ndarray:
    """First lag at which each curve, log10 [loss, lag], lies below 1/2, 1/10, 1/100 and 1/1000; inf where it never does, [loss, share]."""
    below = curves[:, :, None] < np.log10(SHARES)
    return np.where(below.any(1), below.argmax(1), np.inf)


def truncated(flow: GradientFlow, length: int, first: int = 0) -> GradientFlow:
    """The same flow as truncated backpropagation sees it: nothing passes the border of the chunk in which the loss is.

    The state still flows forward over the border: what is cut is learning, not memory.

    Args:
        flow: Gradient of a loss at one step, over the whole text.
        length: Steps of a chunk, 1 or more.
        first: Step at which a chunk begins; others begin `length` before and after.

    Raises:
        AnalysisError: the loss enters at several steps, the direction is the reverse one, or length is less than 1.
    """
    if flow.loss_at is None or flow.source.endswith(REVERSE):
        raise AnalysisError("Truncated backpropagation is shown of a loss at one step, in the forward direction.")
    if length < 1:
        raise AnalysisError(f"length is {length}; expected 1 step or more.")
    border = first + (flow.loss_at - first) // length * length
    cut = {name: getattr(flow, name) for name in ("hidden_log10", "cell_log10", "state_log10")}
    outside = np.arange(len(flow.tokens)) < border
    return replace(flow, **{name: None if values is None else np.where(outside[:, None], -np.inf, values) for name, values in cut.items()})


def heard(length: int, lags: np.ndarray) -> np.ndarray:
    """Share of the losses that reach back `lags` [lag] steps where training cuts the text into chunks of `length`, [lag], 0..1."""
    return np.clip(1 - np.asarray(lags) / length, 0, 1)
