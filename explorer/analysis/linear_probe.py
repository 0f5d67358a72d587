"""A linear probe: how much of a quantity can be read from the states of a layer by a weighted sum, and how much of that means anything.

Ridge regression from the units to the quantity, scored on blocks of steps that it was not fitted on. A score alone says little: a
quantity that turns slowly is found in anything that turns slowly. So it is given beside the same probe for the quantity shifted in
time, for a control that has its rhythm and no meaning, and on other arrays, such as the units of the network untrained.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from explorer.axes import Float
from explorer.errors import AnalysisError

BLOCKS = 5  # stretches of steps; each is predicted by a probe fitted on the others
SHIFTS = 20  # of the quantity in time, at random
APART = 0.1  # of the steps, by which a shift moves the quantity at least
GAP = 0.01  # of the steps on either side of a block that belong to neither part, since neighbours are alike
AT_LEAST = 60  # steps
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)  # of the ridge, for standardised units and the mean of squares


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """What a linear probe found.

    Args:
        r2: Share of the variance of the quantity, about its mean, that the held-out predictions explain: 1 is all of it, 0
            what its mean alone would reach; below 0 they are worse than that. Hydrologists call it the Nash-Sutcliffe efficiency.
        predicted: Held-out prediction at each step, [time]; nan where the quantity is missing.
        shuffled: The same share for the quantity shifted in time, [shift].
        control: The same share for the control quantity.
        baselines: The same share for the quantity, read from other arrays, by name.
        penalties: Penalty of each block's probe of the quantity, [block], chosen on the blocks that it was fitted on.
    """

    r2: float
    predicted: np.ndarray
    shuffled: np.ndarray
    control: float
    baselines: Mapping[str, float] = field(default_factory=dict)
    penalties: tuple[float, ...] = ()

    @property
    def selectivity(self) -> float:
        """How much better the quantity is found than the control, as Hewitt and Liang define it; a failed control counts as 0."""
        return self.r2 - max(0.0, self.control)

    @property
    def chance(self) -> float:
        """What 95 % of the shifted quantities stay below."""
        return float(np.quantile(self.shuffled, 0.95))


def probe(
    states: Float[np.ndarray, "time unit"],
    target: Float[np.ndarray, "time"],
    control: Float[np.ndarray, "time"] | None = None,
    baselines: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
) -> LinearProbe:
    """Look for a quantity in the states of a layer by ridge regression, with blocked cross-validation.

    Args:
        states: What the probe reads, [time, unit].
        target: The quantity, [time]; nan where it is missing.
        control: A quantity that the network has no use for, [time]; None makes a series with the rhythm of the target and random
            phases.
        baselines: Other arrays to read the quantity from, [time, feature] each, by name: the units of the network untrained,
            or the inputs alone.
        seed: Of shifts and control.

    Raises:
        AnalysisError: too few steps have the quantity, it or the control never changes, or shapes do not fit.

    Source: ridge regression: Hoerl and Kennard, 1970. Blocks and gaps: Roberts et al., "Cross-validation strategies for data with
    temporal, spatial, hierarchical, or phylogenetic structure", 2017. Selectivity: Hewitt and Liang, "Designing and
    Interpreting Probes with Control Tasks", 2019. Probes of hydrological networks: Lees et al., 2022.
    """
    rng = np.random.default_rng(seed)
    given = {"target": target} | ({} if control is None else {"control": control})
    rows = _usable(states, given, baselines or {})
    wanted = np.asarray(target, float)[rows]
    other = surrogate(wanted, rng) if control is None else np.asarray(control, float)[rows]
    for name, series in (("target", wanted), ("control", other)):
        if np.ptp(series) <= 1e-12 * max(1.0, float(np.abs(series).max())):
            raise AnalysisError(f"{name} is the same at every step; a probe needs a quantity that changes.")
    least = max(1, int(APART * len(rows)))
    shifts = rng.integers(least, len(rows) - least, SHIFTS)
    targets = np.stack([wanted, other, *(np.roll(wanted, shift) for shift in shifts)], 1)
    answers, penalties = _held_out(np.asarray(states, float)[rows], targets)
    scores = _r2(targets, answers)
    predicted = np.full(len(target), np.nan)
    predicted[rows] = answers[:, 0]
    compared = {
        name: float(_r2(targets[:, :1], _held_out(np.asarray(values, float)[rows], targets[:, :1])[0])[0])
        for name, values in (baselines or {}).items()
    }
    return LinearProbe(float(scores[0]), predicted, scores[2:], float(scores[1]), compared, penalties)


def ridge(
    states: Float[np.ndarray, "time unit"], targets: Float[np.ndarray, "time quantity"], penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and constants of ridge regression on standardised states.

    They minimise the mean of (target - constant - states · weights)² plus `penalty` times the sum of (weight × spread of its unit)².

    Args:
        states: What is read, [time, unit].
        targets: What is predicted, [time, quantity].
        penalty: At least 0; the constant is not penalised.

    Returns:
        Weights [unit, quantity] and constants [quantity].
    """
    return _Sums.of(states, targets).solved((penalty,))[0]


def surrogate(series: Float[np.ndarray, "time"], rng: np.random.Generator) -> Float[np.ndarray, "time"]:
    """A series [time] with the same mean and the same spectrum, so the same rhythm and memory, and random phases.

    Source: Theiler et al., "Testing for nonlinearity in time series: the method of surrogate data", 1992.
    """
    spectrum = np.fft.rfft(series - series.mean())
    phases = np.exp(2j * np.pi * rng.random(len(spectrum)))
    phases[0] = 1
    if len(series) % 2 == 0:
        phases[-1] = 1
    return np.fft.irfft(spectrum * phases, len(series)) + series.mean()


def _usable(states: np.ndarray, given: Mapping[str, np.ndarray], baselines: Mapping[str, np.ndarray]) -> np.ndarray:
    """Indices of the steps at which all quantities are known, [row]."""
    for name, values in {**given, **baselines}.items():
        if len(values) != len(states):
            raise AnalysisError(f"{name} has {len(values):,} steps; expected {len(states):,}, as the states have.")
    known = np.all([np.isfinite(np.asarray(values, float)) for values in given.values()], 0)
    rows = np.flatnonzero(known)
    if len(rows) < AT_LEAST:
        raise AnalysisError(f"The quantity is known at {len(rows):,} steps; a probe needs at least {AT_LEAST}.")
    return rows


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over some steps, from which ridge regression is solved; those of several blocks are added.

    Args:
        count: Number of steps.
        state, target: Sums of states [unit] and targets [quantity].
        states: Sums of products, [unit, unit].
        products: Sums of states times targets, [unit, quantity].
    """

    count: int
    state: np.ndarray
    target: np.ndarray
    states: np.ndarray
    products: np.ndarray

    @staticmethod
    def of(states: np.ndarray, targets: np.ndarray) -> "_Sums":
        return _Sums(len(states), states.sum(0), targets.sum(0), states.T @ states, states.T @ targets)

    def __add__(self, other: "_Sums") -> "_Sums":
        parts = ("count", "state", "target", "states", "products")
        return _Sums(*(getattr(self, part) + getattr(other, part) for part in parts))

    def solved(self, penalties: tuple[float, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Weights [unit, quantity] and constants [quantity] for each penalty; the eigenvectors are computed once."""
        state, target = self.state / self.count, self.target / self.count
        covariance = self.states / self.count - np.outer(state, state)
        spread = np.sqrt(np.maximum(covariance.diagonal(), 0))
        spread = np.where(spread > 1e-9 * max(1e-30, float(spread.max())), spread, np.inf)  # a constant unit gets no weight
        values, vectors = np.linalg.eigh(covariance / np.outer(spread, spread))
        turned = vectors.T @ ((self.products / self.count - np.outer(state, target)) / spread[:, None])
        floor = 1e-12 * max(1.0, float(values.max()))
        solutions = []
        for penalty in penalties:
            weights = vectors @ (turned / np.maximum(np.maximum(values, 0) + penalty, floor)[:, None]) / spread[:, None]
            solutions.append((weights, target - state @ weights))
        return solutions


def _held_out(states: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, tuple[float, ...]]:
    """Predictions [row, quantity] of each block by a probe of the others, whose penalty is chosen within them; those of the first."""
    states, targets = states - states.mean(0), targets - (mean := targets.mean(0))  # smaller sums of products; leaks nothing
    time = len(states)
    edges, gap = np.linspace(0, time, BLOCKS + 1).astype(int), int(GAP * time)
    answers, chosen = np.empty_like(targets), []
    for block in range(BLOCKS):
        start, stop = edges[block], edges[block + 1]
        inner = [_without(slice(edges[i], edges[i + 1]), slice(max(0, start - gap), stop + gap)) for i in range(BLOCKS) if i != block]
        sums = [_Sums.of(states[rows], targets[rows]) for rows in inner]
        errors = np.zeros((len(PENALTIES), targets.shape[1]))
        for left, rows in enumerate(inner):
            solutions = _total([one for index, one in enumerate(sums) if index != left]).solved(PENALTIES)
            errors += [((targets[rows] - states[rows] @ weights - constant) ** 2).sum(0) for weights, constant in solutions]
        best = errors.argmin(0)
        for index, (weights, constant) in enumerate(_total(sums).solved(PENALTIES)):
            columns = best == index
            answers[start:stop, columns] = states[start:stop] @ weights[:, columns] + constant[columns]
        chosen.append(PENALTIES[best[0]])
    return answers + mean, tuple(chosen)


def _without(rows: slice, left: slice) -> np.ndarray:
    """Indices of a stretch without another one, [row]."""
    indices = np.arange(rows.start, rows.stop)
    return indices[(indices < left.start) | (indices >= left.stop)]


def _total(sums: list[_Sums]) -> _Sums:
    total = sums[0]
    for one in sums[1:]:
        total += one
    return total


def _r2(targets: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Share of the variance about the mean that is explained, [quantity]; `targets` and `answers` are [row, quantity]."""
    missed = ((targets - answers) ** 2).sum(0)
    return 1 - missed / ((targets - targets.mean(0)) ** 2).sum(0)
