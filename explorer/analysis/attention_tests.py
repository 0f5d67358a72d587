"""Four tests of attention. Each answers yes, no or cannot tell, with a statistic and its 95 % interval.

None of them shows that the weights are the reason for a word. All take many sentences, and none takes a single row at its
word: a translator whose attention never looks at the encoder can be accurate, and a healthy one can look uneventful.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.axes import Float
from explorer.errors import AnalysisError
from explorer.records import Alignment

YES, NO, UNSURE = "yes", "no", "cannot tell"
DRAWS = 1_000  # of the bootstrap
FLOOR = 1e-6  # least weight of an average row, so that one stray weight does not cost infinity
Links = frozenset[tuple[int, int]]  # (target, source) pairs


@dataclass(frozen=True)
class Limits:
    """Thresholds between yes and no, chosen on simulated attention of some seeds and tested on that of others.

    Args:
        even: Least Jensen-Shannon divergence, in bits, that permuting makes where attention follows; below it rows are too
            even to tell.
        follows: Share of the distance above which attention is said to follow the source states.
        position: Bits a row must say beyond position.
        used: Nats a word that taking the weights away must cost.
        straight: Alignment error rate below which the diagonal is said to be right: words keep their order.
    """

    even: float = 0.05
    follows: float = 0.75
    position: float = 0.1
    used: float = 0.1
    straight: float = 0.2


LIMITS = Limits()


@dataclass(frozen=True)
class Answer:
    """Answer to one of the four tests over many sentences.

    Args:
        says: "yes", "no" or "cannot tell".
        value: The statistic that decides.
        low: Lower end of its 95 % interval over sentences.
        high: Upper end.
        unit: What the statistic measures.
        sentences: Number of sentences it was computed from.
    """

    says: str
    value: float
    low: float
    high: float
    unit: str
    sentences: int


def entropy(weights: Float[np.ndarray, "out in"]) -> Float[np.ndarray, "out"]:
    """Entropy of each row of attention weights [out, in], in bits."""
    logs = np.log2(np.where(weights > 0, weights, 1))
    return -(weights * logs).sum(1)


def evenness(weights: Float[np.ndarray, "out in"]) -> Float[np.ndarray, "out"]:
    """Entropy of each row [out] over the most that `in` columns allow, 0..1; nan for fewer than three, which say nothing."""
    columns = weights.shape[1]
    return entropy(weights) / np.log2(columns) if columns > 2 else np.full(len(weights), np.nan)


def divergence(first: Float[np.ndarray, "out in"], second: Float[np.ndarray, "out in"]) -> Float[np.ndarray, "out"]:
    """Jensen-Shannon divergence of the rows of two tables of weights [out, in], in bits, 0..1."""
    return entropy((first + second) / 2) - (entropy(first) + entropy(second)) / 2


def off_diagonal(weights: Float[np.ndarray, "out in"]) -> float:
    """Mean distance of attention from the diagonal, 0..1: a description, not a fault; English and French are near it.

    Args:
        weights: Rows of attention [out, in].
    """
    out, columns = weights.shape
    target = np.arange(out)[:, None] / max(out - 1, 1)
    source = np.arange(columns)[None] / max(columns - 1, 1)
    return float((weights * np.abs(target - source)).sum(1).mean())


def interval(amounts: Float[np.ndarray, "sentence"], sizes: Float[np.ndarray, "sentence"], seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of sum(amounts) / sum(sizes) over sentences; both are [sentence]."""
    drawn = np.random.default_rng(seed).integers(0, len(amounts), (DRAWS, len(amounts)))
    totals = sizes[drawn].sum(1)
    ratios = amounts[drawn].sum(1) / np.where(totals > 0, totals, 1)
    low, high = np.quantile(ratios, (0.025, 0.975))
    return float(low), float(high)


def _ratio(amounts: np.ndarray, sizes: np.ndarray) -> tuple[float, float, float]:
    total = sizes.sum()
    return (float(amounts.sum() / total) if total > 0 else 0.0, *interval(amounts, sizes))


def _says(low: float, high: float, limit: float) -> str:
    """Yes where the whole interval lies above the limit, no where it lies below."""
    return YES if low > limit else NO if high < limit else UNSURE


def looks(own: Sequence[Alignment], permuted: Sequence[Alignment], orders: Sequence[Sequence[int]], limits: Limits = LIMITS) -> Answer:
    """Does it look at the source states? The encoder's states change places; attention that looks goes with them.

    The value is d(stays) / (d(follows) + d(stays)), d the divergence from what would be if they followed, or stayed: 1 where
    the weights moved exactly with the states, 0 where they stayed. Cannot tell where rows are so even that both look the same.

    Args:
        own: Alignments as they are, one a sentence, decoded from the truth.
        permuted: The same with the encoder's states in another order.
        orders: Column j of `permuted` read the state that stood at `orders[k][j]` in sentence k.

    Raises:
        AnalysisError: there is no sentence, or the arguments differ in length or shape.
    """
    _check(own, permuted, orders)
    follows, stays, moved = [], [], []
    for before, after, order in zip(own, permuted, orders, strict=True):
        there = before.weights[:, list(order)]
        follows.append(divergence(after.weights, there).sum())
        stays.append(divergence(after.weights, before.weights).sum())
        moved.append(divergence(there, before.weights).sum())
    amounts, rest = np.array(follows), np.array(stays)
    rows = np.array([len(alignment.target) for alignment in own], float)
    value, low, high = _ratio(rest, amounts + rest)
    is_even = np.sum(moved) / rows.sum() < limits.even
    return Answer(UNSURE if is_even else _says(low, high, limits.follows), value, low, high, "share that moves with the states", len(own))


def beyond_position(alignments: Sequence[Alignment], limits: Limits = LIMITS) -> Answer:
    """Does it say more than position? Bits between a row and the average row of other sentences of the same two lengths.

    0 for attention that depends on position alone; sentences without another of their lengths are left out.

    Raises:
        AnalysisError: no two sentences share their lengths.
    """
    groups: dict[tuple[int, ...], list[np.ndarray]] = defaultdict(list)
    for alignment in alignments:
        groups[alignment.weights.shape].append(alignment.weights)
    bits, rows = [], []
    for group in groups.values():
        total = np.sum(group, axis=0)
        for weights in group if len(group) > 1 else []:
            average = np.maximum((total - weights) / (len(group) - 1), FLOOR)
            average /= average.sum(1, keepdims=True)
            logs = np.log2(np.where(weights > 0, weights, 1)) - np.log2(average)
            bits.append((weights * logs).sum())
            rows.append(len(weights))
    if not bits:
        raise AnalysisError("No two sentences share their lengths; expected several of each, to tell position from content.")
    value, low, high = _ratio(np.array(bits), np.array(rows, float))
    return Answer(_says(low, high, limits.position), value, low, high, "bits per row", len(bits))


def used(
    own: Float[np.ndarray, "sentence"],
    changed: Float[np.ndarray, "sentence"],
    words: Float[np.ndarray, "sentence"],
    limits: Limits = LIMITS,
) -> Answer:
    """Does the output use it? Nats a word that the truth costs more where the weights were changed.

    It shows that this network relies on the channel, not that the weights explain: position alone can be needed.

    Args:
        own: Cost of each sentence's truth, [sentence], in nats.
        changed: The same with the encoder's states permuted, or the weights uniform, [sentence].
        words: Target words, [sentence].

    Raises:
        AnalysisError: there is no sentence, or the three differ in length.
    """
    if not len(own) == len(changed) == len(words) or not len(own):
        raise AnalysisError(f"Got costs of {len(own)} and {len(changed)} sentences with {len(words)} lengths; expected one each.")
    value, low, high = _ratio(np.asarray(changed) - np.asarray(own), np.asarray(words, float))
    return Answer(_says(low, high, limits.used), value, low, high, "nats per word", len(own))


def strongest(alignment: Alignment, null: int | None = None) -> Links:
    """The source word that each target word looked at most, as links; none where that is the column `null`, the end mark."""
    best = alignment.weights.argmax(1)
    return frozenset((row, int(column)) for row, column in enumerate(best) if column != null)


def diagonal(out: int, columns: int) -> Links:
    """The links that position alone suggests: target word i to the source word in proportion."""
    return frozenset((row, min(columns - 1, round((row + 0.5) * columns / out - 0.5))) for row in range(out))


def error_rate(predicted: Sequence[Links], sure: Sequence[Links], possible: Sequence[Links]) -> float:
    """Alignment error rate, 1 - (|A & S| + |A & P|) / (|A| + |S|) over all sentences; P holds S. 0 is perfect.

    Source: Och and Ney, "A Systematic Comparison of Various Statistical Alignment Models", 2003, section 4.
    """
    amounts, sizes = _agreement(predicted, sure, possible)
    return 1 - float(amounts.sum() / sizes.sum())


def _agreement(predicted: Sequence[Links], sure: Sequence[Links], possible: Sequence[Links]) -> tuple[np.ndarray, np.ndarray]:
    if not len(predicted) == len(sure) == len(possible) or not predicted:
        raise AnalysisError(
            f"Got links of {len(predicted)}, {len(sure)} and {len(possible)} sentences; expected the same number, at least 1."
        )
    links = list(zip(predicted, sure, possible, strict=True))
    amounts = [len(a & s) + len(a & (p | s)) for a, s, p in links]
    return np.array(amounts, float), np.array([len(a) + len(s) for a, s, _ in links], float)


def points(
    predicted: Sequence[Links], sure: Sequence[Links], possible: Sequence[Links], position: Sequence[Links], limits: Limits = LIMITS
) -> Answer:
    """Does it point at the right word? Alignment error rate beside that of the diagonal.

    Yes where it is smaller beyond doubt, no where it is not. Cannot tell where the diagonal itself is right: where words keep
    their order, position points as well as content, and healthy attention is often one word off, since the encoder's states
    know their neighbours. The value and its interval are the error rate itself.

    Args:
        predicted: Links of the attention.
        sure, possible: Links that people, or an independent aligner, gave.
        position: Links of the diagonal, for the same sentences.
    """
    amounts, sizes = _agreement(predicted, sure, possible)
    others, other_sizes = _agreement(position, sure, possible)
    drawn = np.random.default_rng(0).integers(0, len(amounts), (DRAWS, len(amounts)))
    errors = 1 - amounts[drawn].sum(1) / sizes[drawn].sum(1)
    gain = 1 - others[drawn].sum(1) / other_sizes[drawn].sum(1) - errors
    low, high = np.quantile(errors, (0.025, 0.975))
    least, most = np.quantile(gain, (0.025, 0.975))
    is_straight = 1 - others.sum() / other_sizes.sum() < limits.straight
    says = YES if least > 0 else NO if most <= 0 and not is_straight else UNSURE
    return Answer(says, 1 - float(amounts.sum() / sizes.sum()), float(low), float(high), "alignment error rate", len(amounts))


def _check(own: Sequence[Alignment], permuted: Sequence[Alignment], orders: Sequence[Sequence[int]]) -> None:
    if not own or not len(own) == len(permuted) == len(orders):
        raise AnalysisError(f"Got {len(own)} alignments, {len(permuted)} permuted, {len(orders)} orders; expected one each, at least 1.")
    for before, after, order in zip(own, permuted, orders, strict=True):
        if before.weights.shape != after.weights.shape or sorted(order) != list(range(len(before.source))):
            shapes = f"{before.weights.shape} and {after.weights.shape}"
            raise AnalysisError(f"Alignments of shapes {shapes} with the order {list(order)} do not belong together.")
