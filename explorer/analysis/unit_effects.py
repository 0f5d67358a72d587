"""What a network loses without a unit: the extra cost of its predictions at the places of a concept, and elsewhere.

That a unit follows a concept does not say that the network uses it. A unit is *used for* a concept if, without the unit,
predictions get worse where the concept is needed: by more than those of any unit at places that have nothing to do with it,
and by more than elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.analysis.attribution import rank_correlation
from explorer.axes import Bool, Float
from explorer.errors import AnalysisError

SHIFTS, DRAWS = 200, 1_000
FEWEST = 5  # places; fewer say nothing


@dataclass(frozen=True)
class UnitEffect:
    """The extra cost without one unit, in nats per prediction.

    Args:
        unit: Index among all units.
        there: Mean over the places of the concept.
        elsewhere: Mean over all other places.
        low, high: 95 % interval of the mean over the places, by resampling them.
        chance: The largest mean of any unit over places moved along the text.
        rank: 1 if no unit has a larger mean over the places.
        as_much: Number of other units whose mean over the places is not below `low`.
        places: Number of places.
        units: Number of all units.
    """

    unit: int
    there: float
    elsewhere: float
    low: float
    high: float
    chance: float
    rank: int
    as_much: int
    places: int
    units: int

    @property
    def is_used(self) -> bool:
        """Whether the unit is used for the concept: more than chance, and surely more than elsewhere."""
        return self.there > self.chance and self.low > self.elsewhere


@dataclass(frozen=True, eq=False)
class Together:
    """The extra cost at the places with several units silenced at once: units that do the same no longer hide each other.

    Args:
        sizes: Numbers of units, [size].
        best: Without so many units, those that cost most there when silenced alone, [size].
        controls: Without as many units whose states vary as much, drawn at random, [draw, size].
    """

    sizes: np.ndarray
    best: np.ndarray
    controls: np.ndarray


@dataclass(frozen=True, eq=False)
class TestedUnits:
    """Some units of a layer, silenced one by one.

    Args:
        units: Their numbers in the layer, [unit].
        strongest: Number of units at the front that a first-order estimate calls the strongest; the others are controls whose states
            vary as much.
        estimates: The extra cost at the places that the gradient promises, nats per prediction, [unit].
        there: The extra cost at the places, as measured, [unit].
        elsewhere: The extra cost of the other predictions, [unit].
        effect: The unit in question, with chance and rank among these units.
        before: Cost of the predictions at the places with all units as they are, nats.
        together: Several silenced at once.
    """

    units: np.ndarray
    strongest: int
    estimates: np.ndarray
    there: np.ndarray
    elsewhere: np.ndarray
    effect: UnitEffect
    before: float
    together: "Together"

    @property
    def unit(self) -> int:
        """The unit in question, as it is numbered in the layer."""
        return int(self.units[self.effect.unit])

    @property
    def agreement(self) -> float:
        """Rank correlation of the estimates with what was measured."""
        return rank_correlation(self.estimates, self.there)


def like_varying(variances: Float[np.ndarray, "unit"], chosen: Sequence[int], seed: int = 0) -> list[int]:
    """For each of the chosen units another one whose state varies as much, as far as there are any: controls for what was chosen.

    Args:
        variances: Of each unit's state, [unit].
        chosen: Units, in any order.
        seed: Of the order in which they get their controls.
    """
    free = np.setdiff1d(np.arange(len(variances)), chosen)
    logs = np.log(np.maximum(variances, 1e-30))
    controls: list[int] = []
    for unit in np.random.default_rng(seed).permutation(np.asarray(chosen, int)):
        if len(free):
            nearest = int(np.abs(logs[free] - logs[unit]).argmin())
            controls.append(int(free[nearest]))
            free = np.delete(free, nearest)
    return controls


def unit_effect(effects: Float[np.ndarray, "unit time"], places: Bool[np.ndarray, "time"], unit: int, seed: int = 0) -> UnitEffect:
    """The effect of one unit at the places of a concept, with chance and rank among all units.

    Args:
        effects: Extra cost of each prediction without each unit, [unit, time], in nats.
        places: True where the concept is needed, [time].
        unit: Index of the unit. To say that it is used for the concept, it must have been chosen on another text.
        seed: Of the shifts and of the resampled places.

    Raises:
        AnalysisError: there are fewer than 5 places, or fewer than 5 others; or no such unit.
    """
    check_places(places)
    count = int(places.sum())
    if not 0 <= unit < len(effects):
        raise AnalysisError(f"There is no unit {unit}; expected 0 to {len(effects) - 1}.")
    there = effects[:, places].mean(axis=1)
    rng = np.random.default_rng(seed)
    own = effects[unit, places]
    low, high = np.quantile(rng.choice(own, (DRAWS, count)).mean(axis=1), (0.025, 0.975))
    others = np.delete(there, unit)
    return UnitEffect(
        unit=unit,
        there=float(there[unit]),
        elsewhere=float(effects[unit, ~places].mean()),
        low=float(low),
        high=float(high),
        chance=chance(effects, places, seed),
        rank=1 + int((others > there[unit]).sum()),
        as_much=int((others >= low).sum()),
        places=count,
        units=len(effects),
    )


def check_places(places: Bool[np.ndarray, "time"]) -> None:
    """Refuse places [time] that are too few to say anything.

    Raises:
        AnalysisError: there are fewer than 5 places, or fewer than 5 others.
    """
    count = int(places.sum())
    if not FEWEST <= count <= len(places) - FEWEST:
        raise AnalysisError(f"{count} of {len(places)} predictions are at the concept; expected at least {FEWEST}, and as many others.")


def chance(effects: Float[np.ndarray, "unit time"], places: Bool[np.ndarray, "time"], seed: int = 0) -> float:
    """The largest mean effect of any unit over the places after a circular shift of them along the text.

    Places come in groups. Moved as a whole, by at least a twentieth of the text, they keep their groups and lose their meaning. The
    largest of 200 shifts and all units is taken: that a unit exceeds 95 % of the units says nothing, since 5 % of them always do.

    Args:
        effects: Extra cost of each prediction without each unit, [unit, time].
        places: True where the concept is needed, [time].
        seed: Of the shifts.
    """
    steps = len(places)
    margin = max(1, steps // 20)
    shifts = np.random.default_rng(seed).integers(margin, max(steps - margin, margin + 1), SHIFTS)
    moved = np.stack([np.roll(places, shift) for shift in shifts]).astype(effects.dtype)
    return float((moved @ effects.T).max() / places.sum())
