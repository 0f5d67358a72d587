"""Effects of units by hand, and how rarely a unit that does nothing special is called used."""

import numpy as np
import pytest

from explorer.analysis.unit_effects import SHIFTS, chance, unit_effect
from explorer.errors import AnalysisError

TIME = 400


def planted(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noise of six units, and 40 places in groups of two."""
    rng = np.random.default_rng(seed)
    places = np.zeros(TIME, bool)
    starts = rng.choice(TIME // 4 - 1, 20, replace=False) * 4
    places[starts] = places[starts + 1] = True
    return rng.normal(0, 0.1, (6, TIME)), places


def test_a_unit_that_costs_something_at_the_places_alone_is_used():
    effects, places = planted()
    effects[2, places] += 0.5
    effect = unit_effect(effects, places, 2)
    assert effect.is_used and (effect.rank, effect.as_much, effect.places, effect.units) == (1, 0, 40, 6)
    assert effect.there == pytest.approx(effects[2, places].mean()) and effect.elsewhere == pytest.approx(effects[2, ~places].mean())
    half = 1.96 * effects[2, places].std() / np.sqrt(40)
    assert (effect.low, effect.high) == pytest.approx((effect.there - half, effect.there + half), abs=0.02)


def test_a_unit_that_costs_as_much_everywhere_is_not_used_for_the_concept():
    effects, places = planted()
    effects[2] += 0.5
    effect = unit_effect(effects, places, 2)
    assert not effect.is_used and effect.rank == 1 and effect.low < effect.elsewhere


def test_rank_and_units_that_matter_as_much():
    effects, places = planted()
    for unit, cost in enumerate((0.5, 0.52, 0.0, 0.9, 0.0, 0.0)):
        effects[unit, places] += cost
    effect = unit_effect(effects, places, 0)
    assert effect.rank == 3 and effect.as_much == 2


def test_chance_is_the_largest_mean_of_any_unit_over_shifted_places():
    effects, places = planted()
    shifts = np.random.default_rng(0).integers(TIME // 20, TIME - TIME // 20, SHIFTS)
    expected = max(effects[:, np.roll(places, shift)].mean(axis=1).max() for shift in shifts)
    assert chance(effects, places) == pytest.approx(expected)


def test_noise_is_hardly_ever_called_used():
    used = sum(unit_effect(*planted(seed), seed % 6).is_used for seed in range(200))
    best = 0
    for seed in range(200):
        effects, places = planted(seed)
        best += unit_effect(effects, places, int(effects[:, places].mean(axis=1).argmax())).is_used
    assert used <= 1 and best <= 6, "about 1 in 200 for a unit chosen beforehand; for the best of six at the places, a few"


@pytest.mark.parametrize("count", [0, 4, TIME - 4])
def test_too_few_places_are_refused(count: int):
    effects, _ = planted()
    with pytest.raises(AnalysisError, match=f"{count} of {TIME} predictions are at the concept"):
        unit_effect(effects, np.arange(TIME) < count, 0)
    with pytest.raises(AnalysisError, match="There is no unit 6"):
        unit_effect(effects, np.arange(TIME) < 50, 6)
