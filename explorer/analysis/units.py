"""Summary statistics of each unit, and the orders in which a map of all units can be sorted."""

import numpy as np
from jaxtyping import Float, Int

from explorer.analysis.ordering import clustered
from explorer.analysis.quantities import check_layer, quantities, quantity
from explorer.errors import AnalysisError
from explorer.records import Trace

MEMORY_TIME, SIMILARITY, VARIANCE, INDEX = "memory time", "similarity", "variance", "index"


def variance(values: Float[np.ndarray, "time unit"]) -> Float[np.ndarray, "unit"]:
    """How much each unit moves over the text: variance over time of `values` [time, unit], as float64 [unit]."""
    return np.var(values, axis=0, dtype=np.float64) if len(values) else np.zeros(values.shape[1])


def memory_time(trace: Trace, layer: int) -> Float[np.ndarray, "unit"] | None:
    """Steps after which the gates leave 1/e of what a unit held: tau = -1 / mean over time of log(share kept).

    A share of steps with an open gate does not say this: 0.9 at every step leaves 0.35 after ten. The share kept is
    the forget gate of an LSTM and the update gate of a GRU (as torch writes it: 1 keeps).

    Args:
        trace: Run to inspect.
        layer: Counted from 0.

    Returns:
        Steps, float64 [unit]: 0 where a gate was exactly 0 once, inf where it never left 1 (or the text is empty).
        None where nothing gates the memory, as in a plain RNN; `memory_time_meaning` says so in words.

    Source: Mahto, Vo, Turek and Huth, "Multi-timescale Representation Learning in LSTM Language Models", 2021.
    """
    check_layer(trace, layer)
    kept = trace.gates.get("forget", trace.gates.get("update"))
    if kept is None:
        return None
    if not len(trace.tokens):
        return np.full(kept.shape[2], np.inf)
    with np.errstate(divide="ignore"):
        logs = np.log(np.clip(kept[:, layer].astype(np.float64), 0, 1)).mean(axis=0)
        return -1 / np.where(logs == 0, -0.0, logs)


def memory_time_meaning(trace: Trace) -> str:
    """One sentence on what `memory_time` is for this kind of network."""
    if "forget" in trace.gates:
        return "Memory time: after this many characters the forget gate has left about 1/e of the cell."
    if "update" in trace.gates:
        return "Memory time: after this many characters the update gate (1 keeps, as torch writes it) has left about 1/e of the state."
    return "A plain RNN has no gate that keeps: its whole state is rewritten at every step, so it has no memory time."


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
    """Units of `values` [time, unit] so that alike ones stand together: a permutation of 0..unit-1."""
    return clustered(similarity(values))


def orders(trace: Trace) -> tuple[str, ...]:
    """Names that `order` understands for this record; memory time only where a gate keeps something."""
    memory = (MEMORY_TIME,) if {"forget", "update"} & set(trace.gates) else ()
    return (*memory, SIMILARITY, VARIANCE, INDEX)


def order(trace: Trace, layer: int, by: str, of: str | None = None) -> Int[np.ndarray, "unit"]:
    """In which order to draw the units of a layer, first row first.

    "memory time": longest first, in bands of one doubling, alike units together inside a band; "similarity": alike
    units together; "variance": liveliest first; "index": as the network numbers them.

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
    alike = similarity_order(values)
    tau = memory_time(trace, layer)
    if by == SIMILARITY or tau is None or len(tau) != len(alike):  # a projected hidden state has fewer units than gates
        return alike
    band = np.round(np.log2(np.clip(tau, 2.0**-4, 2.0**30)))
    return alike[np.argsort(-band[alike], kind="stable")]
