"""Agreement between an attention map and an occlusion map over the regions of a picture."""

import numpy as np

from explorer.analysis.unit_scores import ranks


def agreement(looked: np.ndarray, lost: np.ndarray, word: int) -> tuple[float, float]:
    """Rank correlation of a word's attention with its occlusion map; and the mean for the attention of other words.

    No p-value goes with it: neighbouring regions are alike. What other words' attention gets against the same map is what
    it has to be compared with.

    Args:
        looked: Attention, [out, in].
        lost: What each word loses without each region, [out, in].
        word: Which.

    Returns:
        Both in -1..1; nan where a map is the same everywhere, and for a single word's others.
    """
    if len(lost) != len(looked) or not np.ptp(lost[word]):
        return float("nan"), float("nan")
    placed = ranks(np.concatenate([lost[word : word + 1], looked]).T).T.astype(np.float64)
    placed -= placed.mean(1, keepdims=True)
    spreads = np.sqrt((placed**2).sum(1))
    products = placed[1:] @ placed[0]
    correlations = np.divide(products, spreads[1:] * spreads[0], out=np.full(len(looked), np.nan), where=spreads[1:] > 0)
    others = np.delete(correlations, word)
    others = others[np.isfinite(others)]
    return float(correlations[word]), float(others.mean()) if len(others) else float("nan")


def on_needed(looked: np.ndarray, lost: np.ndarray, word: int) -> tuple[float, float]:
    """Share of a word's attention on the tenth of regions that it needs most; and the mean for the attention of other words.

    A rank correlation counts the order of regions where nothing is as much as that of the others; this looks at the top alone.

    Args:
        looked, lost, word: As for `agreement`; both maps [out, in].

    Returns:
        Both in 0..1, and about a tenth for a look that lies anywhere; nan as for `agreement`.
    """
    if len(lost) != len(looked) or not np.ptp(lost[word]):
        return float("nan"), float("nan")
    most = np.argsort(-lost[word], kind="stable")[: max(1, round(lost.shape[1] / 10))]
    shares = looked[:, most].sum(1)
    others = np.delete(shares, word)
    return float(shares[word]), float(others.mean()) if len(others) else float("nan")
