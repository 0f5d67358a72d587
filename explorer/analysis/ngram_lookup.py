"""The simplest thing that could follow a track: a table of the last few characters."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

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
