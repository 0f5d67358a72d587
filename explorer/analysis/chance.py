"""What the best of many units reaches by chance: the track is moved along the text, and all units are tried again."""

import numpy as np
from jaxtyping import Float

from explorer.analysis.unit_scores import Scores, blocks, ranks

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
