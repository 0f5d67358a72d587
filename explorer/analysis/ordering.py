"""One-dimensional orderings: by pairwise distances, so that similar items are next to each other, and the row orders of a map of units."""

import numpy as np

from explorer.analysis.quantities import memory_time, memory_time_meaning, quantities, quantity, variance
from explorer.axes import Float, Int
from explorer.errors import AnalysisError
from explorer.records import Trace

MEMORY_TIME, SIMILARITY, VARIANCE, INDEX = "memory time", "similarity", "variance", "index"
IN_WORDS = {
    MEMORY_TIME: "longest memory first",
    SIMILARITY: "similar units together",
    VARIANCE: "largest variance first",
    INDEX: "by unit number",
}


def clustered(distance: Float[np.ndarray, "n n"]) -> Int[np.ndarray, "n"]:
    """Leaves of an average-linkage tree, every branch turned so that its nearest ends touch.

    Nearest-neighbour chains build the exact tree in quadratic time: 512 units take a few hundredths of a second.

    Args:
        distance: Symmetric distances [n, n], diagonal ignored.

    Returns:
        A permutation of 0..n-1, [n].

    Source: Murtagh, "A Survey of Recent Advances in Hierarchical Clustering Algorithms", 1983.
    """
    n = len(distance)
    if n < 2:
        return np.arange(n)
    between = distance.astype(np.float64)
    np.fill_diagonal(between, np.inf)
    groups = {i: [i] for i in range(n)}
    chain: list[int] = []
    while len(groups) > 1:
        if not chain:
            chain.append(next(iter(groups)))
        nearest = _nearest(between[chain[-1]], chain)
        if len(chain) < 2 or nearest != chain[-2]:
            chain.append(nearest)
            continue
        a, b = chain.pop(), chain.pop()
        size_a, size_b = len(groups[a]), len(groups[b])
        merged = (size_a * between[a] + size_b * between[b]) / (size_a + size_b)
        merged[a] = np.inf
        between[a], between[:, a] = merged, merged
        between[b], between[:, b] = np.inf, np.inf
        groups[a] = _joined(groups[a], groups.pop(b), distance)
    return np.array(next(iter(groups.values())))


def _nearest(row: np.ndarray, chain: list[int]) -> int:
    """The nearest group; on a tie the one the chain came from, or the chain would never end."""
    nearest = int(row.argmin())
    return chain[-2] if len(chain) > 1 and row[chain[-2]] <= row[nearest] else nearest


def _joined(left: list[int], right: list[int], distance: np.ndarray) -> list[int]:
    """Two runs end to end, each turned so that the touching ends are as near as they can be."""
    ways = ((left, right), (left, right[::-1]), (left[::-1], right), (left[::-1], right[::-1]))
    first, second = min(ways, key=lambda way: distance[way[0][-1], way[1][0]])
    return [*first, *second]


def similarity(values: Float[np.ndarray, "time unit"]) -> Float[np.ndarray, "unit unit"]:
    """Distance between units that does not mind their sign: 1 - |correlation over time|.

    The sign of a unit is arbitrary: the same network with a unit's weights negated says the same.

    Args:
        values: Activations [time, unit].

    Returns:
        Distances in 0..1, [unit, unit], diagonal 0; a unit that never moves is at distance 1 from all others.
    """
    centred = values - values.mean(axis=0, keepdims=True) if len(values) else values
    norms = np.linalg.norm(centred, axis=0)
    still = norms <= 1e-6 * np.sqrt(max(len(values), 1))
    scaled = np.where(still, 0, centred / np.where(still, 1, norms))
    distance = 1 - np.minimum(np.abs(scaled.T @ scaled), 1).astype(np.float64)
    np.fill_diagonal(distance, 0)
    return distance


def similarity_order(values: Float[np.ndarray, "time unit"]) -> Int[np.ndarray, "unit"]:
    """Order of the units of `values` [time, unit] with similar ones next to each other: a permutation of 0..unit-1."""
    return clustered(similarity(values))


def orders(trace: Trace) -> tuple[str, ...]:
    """Names that `order` accepts for this record; memory time only where a gate decides what is kept."""
    memory = (MEMORY_TIME,) if {"forget", "update"} & set(trace.gates) else ()
    return (*memory, SIMILARITY, VARIANCE, INDEX)


def order(trace: Trace, layer: int, by: str, of: str | None = None) -> Int[np.ndarray, "unit"]:
    """In which order to draw the units of a layer, first row first.

    "memory time": longest first, in bands of a factor of two, similar units together inside a band; "similarity": similar
    units together; "variance": largest first; "index": the order of the network.

    Args:
        trace: Run to inspect.
        layer: Counted from 0.
        by: One of `orders(trace)`.
        of: Quantity that similarity and variance are measured on; the first of `quantities(trace)` if not given.

    Returns:
        A permutation of the units, [unit].

    Raises:
        AnalysisError: the record does not know this order, quantity or layer.
    """
    if by not in orders(trace):
        reason = f" {memory_time_meaning(trace)}" if by == MEMORY_TIME else ""
        raise AnalysisError(f"Units cannot be ordered by {by!r}; expected one of {', '.join(orders(trace))}.{reason}")
    values = quantity(trace, of or quantities(trace)[0], layer)
    if by == INDEX:
        return np.arange(values.shape[1])
    if by == VARIANCE:
        return np.argsort(-variance(values), kind="stable")
    tau = memory_time(trace, layer) if by == MEMORY_TIME else None
    alike = similarity_order(values)
    if tau is None or len(tau) != len(alike):  # a projected hidden state has fewer units than gates
        return alike
    band = np.round(np.log2(np.clip(tau, 2.0**-4, 2.0**30)))
    return alike[np.argsort(-band[alike], kind="stable")]
