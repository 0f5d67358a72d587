"""A one-dimensional ordering by pairwise distances that puts similar items next to each other."""

import numpy as np
from jaxtyping import Float, Int


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
