"""Scores of many units against one track at once: correlation, AUC, F1 and balanced accuracy."""

from dataclasses import dataclass

import numpy as np

from explorer.axes import Float

BLOCK = 1 << 22  # values sorted at a time, so that a long text does not need several copies of itself


@dataclass(frozen=True)
class Scores:
    """One follower of a track. Correlation `r`, -1..1; for a 0/1 track also the others, 0..1 (None where not measured)."""

    r: float
    auc: float | None = None
    f1: float | None = None
    balanced_accuracy: float | None = None


def correlation(values: Float[np.ndarray, "time unit"], track: Float[np.ndarray, "time"]) -> Float[np.ndarray, "unit"]:
    """Pearson's r of each column of `values` [time, unit] with a track [time]; 0 for a unit that never moves."""
    centred = (track - track.mean()).astype(np.float32)
    means = values.mean(axis=0, dtype=np.float64)
    spread = values.std(axis=0, dtype=np.float64) * float(np.linalg.norm(centred)) * np.sqrt(len(track))
    # The centred track sums to nearly 0, so the means hardly matter; taking them out keeps float32 exact enough.
    covariance = np.concatenate([centred @ (values[:, s] - means[s].astype(np.float32)) for s in blocks(values)] or [np.zeros(0)])
    return np.where(spread > 1e-12 * len(track), covariance / np.where(spread > 0, spread, 1), 0).astype(np.float64)


def blocks(values: Float[np.ndarray, "time unit"]) -> list[slice]:
    """Slices of the columns of `values` [time, unit] that are small enough to be worked on at once."""
    width = max(1, BLOCK // max(len(values), 1))
    return [slice(start, start + width) for start in range(0, values.shape[1], width)]


def ranks(values: Float[np.ndarray, "time unit"]) -> Float[np.ndarray, "time unit"]:
    """Rank of each value in its column of `values` [time, unit], 1 for the smallest; equal ones share their mean rank."""
    result = np.empty(values.shape[::-1], np.float32)
    for part in blocks(values):
        columns = np.ascontiguousarray(values[:, part].T)
        sequence = np.argsort(columns, axis=1)
        np.put_along_axis(result[part], sequence, _mid_ranks(np.take_along_axis(columns, sequence, axis=1)), axis=1)
    return result.T


def _mid_ranks(ordered: np.ndarray) -> np.ndarray:
    """Ranks along the sorted rows of `ordered`; a run of equal values gets the middle of its first and last rank."""
    n = ordered.shape[1]
    fresh = np.ones(ordered.shape, bool)
    fresh[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    index = np.arange(n, dtype=np.int32)
    first = np.maximum.accumulate(np.where(fresh, index, 0), axis=1)
    ends = np.concatenate([fresh[:, 1:], np.ones((len(fresh), 1), bool)], axis=1)
    last = np.minimum.accumulate(np.where(ends, index, n)[:, ::-1], axis=1)[:, ::-1]
    return ((first + last) / 2 + 1).astype(np.float32)


def auc(values: Float[np.ndarray, "time unit"], track: Float[np.ndarray, "time"]) -> Float[np.ndarray, "unit"]:
    """Chance that a unit is higher where a 0/1 track is on than where it is off, ties counted half.

    The rank-sum statistic of Mann and Whitney. `values` [time, unit], `track` [time] with both a 0 and a 1.
    """
    return auc_of_ranks(ranks(values), track)


def auc_of_ranks(ranked: Float[np.ndarray, "time unit"], track: Float[np.ndarray, "time"]) -> Float[np.ndarray, "unit"]:
    """AUC from given ranks [time, unit], for a 0/1 track [time]."""
    n, on = len(track), float(track.sum())
    middle = ranked - np.float32((n + 1) / 2)  # centred first: sums of raw ranks would not fit float32
    return 0.5 + (track.astype(np.float32) @ middle).astype(np.float64) / (on * (n - on))


def thresholds(
    values: Float[np.ndarray, "time unit"], track: Float[np.ndarray, "time"], sign: Float[np.ndarray, "unit"]
) -> Float[np.ndarray, "unit"]:
    """The cut with the best balanced accuracy for each unit, half-way between two values that occur.

    Args:
        values: Activations [time, unit].
        track: 0/1 [time], both occur.
        sign: 1 where on means above the cut, -1 where it means below, [unit].

    Returns:
        Cuts [unit]; "on" is sign * (value - cut) > 0.
    """
    parts = [_block_thresholds(np.ascontiguousarray(values[:, s].T), track, sign[s]) for s in blocks(values)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _block_thresholds(rows: np.ndarray, track: np.ndarray, sign: np.ndarray) -> np.ndarray:
    sequence = np.argsort(rows, axis=1)
    ordered = np.take_along_axis(rows, sequence, axis=1)
    on = float(track.sum())
    off = len(track) - on
    below = np.cumsum(track.astype(np.float32)[sequence], axis=1)  # how many "on" lie at or below each value
    rank = np.arange(1, len(track) + 1, dtype=np.float32)
    gain = (1 - below / on) - (off - rank + below) / off  # hits above the cut minus false alarms above it
    gain *= sign[:, None]
    gain[:, :-1][ordered[:, 1:] == ordered[:, :-1]] = -np.inf  # no cut between equal values
    best = gain.argmax(axis=1)[:, None]
    here = np.take_along_axis(ordered, best, axis=1)
    following = np.take_along_axis(ordered, np.minimum(best + 1, len(track) - 1), axis=1)
    return ((here.astype(np.float64) + following) / 2)[:, 0]


def decisions(
    values: Float[np.ndarray, "time unit"],
    track: Float[np.ndarray, "time"],
    sign: Float[np.ndarray, "unit"],
    cut: Float[np.ndarray, "unit"],
) -> tuple[Float[np.ndarray, "unit"], Float[np.ndarray, "unit"]]:
    """F1 and balanced accuracy of each unit at its cut.

    Args:
        values: Activations [time, unit].
        track: 0/1 [time].
        sign: As in `thresholds`, [unit].
        cut: As in `thresholds`, [unit].
    """
    said = (values > cut.astype(np.float32)) ^ (sign < 0)
    weight = track.astype(np.float32)
    total, on = len(track), float(weight.sum())
    hits = np.concatenate([weight @ said[:, s].astype(np.float32) for s in blocks(values)] or [np.zeros(0)]).astype(np.float64)
    claimed = np.count_nonzero(said, axis=0)
    f1 = 2 * hits / np.maximum(claimed + on, 1)
    balanced = (hits / on + 1 - (claimed - hits) / (total - on)) / 2
    return f1, balanced
