"""Baselines for a unit's score: a table of the last characters, and the best unit after circular shifts of the track."""

from collections.abc import Sequence

import numpy as np

from explorer.analysis.unit_scores import Scores, blocks, ranks
from explorer.axes import Bool, Float

LONGEST = 4
TRUST = 2.0  # a context seen so often counts as much as the shorter one it extends


def lookups(tokens: Sequence[str], track: Float[np.ndarray, "time"], choose: Bool[np.ndarray, "time"]) -> Float[np.ndarray, "time context"]:
    """What the last 1, 2, 3 and 4 tokens say about a track: its mean after that context where it was learned.

    A unit that does no better than this needs no memory longer than four characters. A context seen n times is believed
    n / (n + 2), the rest comes from the context one token shorter. Inside the learning part a position is left out of
    its own mean, so that the numbers there are as honest as elsewhere.

    Args:
        tokens: What was read, [time].
        track: Values to tell, [time].
        choose: Where the table may learn, [time].

    Returns:
        One column for each length, [time, context].
    """
    known = choose.astype(np.float64)
    sums, seen = float((track * known).sum()), float(known.sum())
    shorter = (sums - track * known) / np.maximum(seen - known, 1)
    numbers = np.unique(np.array(list(tokens), dtype=str), return_inverse=True)[1].astype(np.int64) + 1
    kinds = int(numbers.max(initial=0)) + 1
    context = np.zeros(len(track), np.int64)
    columns = []
    for length in range(1, LONGEST + 1):
        back = np.zeros_like(numbers)
        back[length - 1 :] = numbers[: len(numbers) - length + 1]
        context = np.unique(context * kinds + back, return_inverse=True)[1]
        total = np.bincount(context, weights=track * known)[context] - track * known
        count = np.bincount(context, weights=known)[context] - known
        shorter = (total + TRUST * shorter) / (count + TRUST)
        columns.append(shorter)
    return np.stack(columns, axis=1).astype(np.float32)


SHIFTS, LEVEL = 200, 0.95


def shift_chance(
    values: Float[np.ndarray, "time unit"],
    track: Float[np.ndarray, "time"],
    seed: int = 0,
    ranked: Float[np.ndarray, "time unit"] | None = None,
) -> Scores:
    """|r| and AUC that the best of all units stays below in 95 % of circular shifts of the track.

    Units and tracks both come in runs; shuffling single characters would break the runs and make chance look several
    times smaller than it is. Moved as a whole, by at least a twentieth of the text, the track keeps its runs and loses
    its meaning. The maximum runs over all units, because the unit was chosen among all.

    Args:
        values: Activations [time, unit].
        track: Values to follow, [time].
        seed: Of the shifts.
        ranked: `ranks(values)` if they are known already, [time, unit].

    Returns:
        `r`, and `auc` for a 0/1 track; either sign of a unit counts.
    """
    n = len(track)
    margin = max(1, n // 20)
    shifts = np.random.default_rng(seed).integers(margin, max(n - margin, margin + 1), SHIFTS)
    centred = (track - track.mean()).astype(np.float32)
    moved = np.stack([np.roll(centred, shift) for shift in shifts])
    is_binary = bool(np.isin(track, (0, 1)).all())
    best_r, best_auc = np.zeros(SHIFTS), np.zeros(SHIFTS)
    for part in blocks(values):
        block = values[:, part] - values[:, part].mean(axis=0, keepdims=True)
        norms = np.linalg.norm(block, axis=0) * np.linalg.norm(centred)
        r = np.abs(moved @ block) / np.where(norms > 0, norms, np.inf)
        best_r = np.maximum(best_r, r.max(axis=1))
        if is_binary:
            middle = (ranks(block) if ranked is None else ranked[:, part]) - np.float32((n + 1) / 2)
            reach = np.abs(moved @ middle)
            best_auc = np.maximum(best_auc, reach.max(axis=1))
    on = float(track.sum())
    area = float(0.5 + np.quantile(best_auc, LEVEL) / (on * (n - on))) if is_binary else None
    return Scores(float(np.quantile(best_r, LEVEL)), area)
