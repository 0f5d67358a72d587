"""A linear probe finds a known hidden variable, and nothing that is not there."""

import numpy as np
import pytest
import torch

from explorer.analysis.linear_probe import AT_LEAST, SHIFTS, probe, ridge, surrogate
from explorer.errors import AnalysisError

TIME, UNITS = 4_000, 24


def leaky(rng: np.random.Generator, keep: float, time: int = TIME) -> np.ndarray:
    """A store that is filled at random and leaks: the hidden variable."""
    store = np.zeros(time)
    for step in range(1, time):
        store[step] = keep * store[step - 1] + rng.gamma(0.3)
    return (store - store.mean()) / store.std()


def series(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """States that hold a store among others, mixed and with noise; the store; another store that they do not hold."""
    rng = np.random.default_rng(seed)
    hidden, absent = leaky(rng, 0.98), leaky(rng, 0.98)
    inside = np.stack([hidden, *(leaky(rng, keep) for keep in (0.5, 0.8, 0.9, 0.95))], 1)
    states = np.tanh(inside @ rng.normal(size=(5, UNITS)) * 0.3) + 0.1 * rng.normal(size=(TIME, UNITS))
    return states, hidden, absent


def test_a_known_hidden_variable_is_found_and_what_is_absent_is_not():
    states, hidden, absent = series()
    rng = np.random.default_rng(9)
    untrained = np.tanh(np.stack([leaky(rng, keep) for keep in np.linspace(0.3, 0.9, UNITS)], 1))
    made = probe(states, hidden, absent, {"untrained": untrained})
    assert made.r2 > 0.9, made.r2
    assert len(made.shuffled) == SHIFTS and np.median(made.shuffled) < 0.05 and made.chance < 0.25, made.shuffled
    assert made.control < 0.1 and made.baselines["untrained"] < 0.1
    assert made.selectivity > 0.8 and made.selectivity == made.r2 - max(0, made.control)
    assert np.corrcoef(made.predicted, hidden)[0, 1] > 0.95
    assert probe(states, absent).r2 < 0.1, "the absent store is no more found as a target than as a control"
    assert probe(states, hidden).control < 0.3, "its own rhythm with random phases"


def test_steps_without_the_quantity_are_left_out():
    states, hidden, _ = series()
    holes = hidden.copy()
    holes[100:700] = np.nan
    made = probe(states, holes)
    assert np.isnan(made.predicted[100:700]).all() and np.isfinite(made.predicted[:100]).all() and made.r2 > 0.9


def test_no_step_is_predicted_by_a_probe_that_was_fitted_on_it():
    """Noise is learnt by heart by as many units as steps; held out, it is not found."""
    rng = np.random.default_rng(0)
    assert probe(rng.normal(size=(200, 150)), rng.normal(size=200)).r2 < 0.1


def test_scale_and_place_of_units_and_quantity_change_nothing():
    states, hidden, _ = series()
    scaled = states * np.linspace(1e-3, 1e3, UNITS) + np.linspace(-500, 500, UNITS)
    one, other = probe(states, hidden), probe(scaled, 1e4 + 50 * hidden)
    assert abs(one.r2 - other.r2) < 1e-6 and one.penalties == other.penalties


def test_a_constant_unit_gets_no_weight():
    states, hidden, _ = series()
    states[:, 3] = 7.0
    weights, _ = ridge(states, hidden[:, None], 0.01)
    assert weights[3, 0] == 0 and np.isfinite(weights).all() and probe(states, hidden).r2 > 0.9


@pytest.mark.parametrize("penalty", [0.0, 1e-3, 0.3, 10.0])
def test_ridge_against_least_squares_on_the_augmented_system(penalty: float):
    """The second witness: rows sqrt(n * penalty) * spread below the states, solved by torch and by numpy."""
    rng = np.random.default_rng(1)
    states, targets = rng.normal(size=(300, 7)) * np.arange(1, 8) + 3, rng.normal(size=(300, 2))
    targets += states[:, :2]
    centred, wanted = states - states.mean(0), targets - targets.mean(0)
    below = np.sqrt(300 * penalty) * np.diag(states.std(0))
    system, right = np.vstack([centred, below]), np.vstack([wanted, np.zeros((7, 2))])
    weights, constants = ridge(states, targets, penalty)
    np.testing.assert_allclose(weights, np.linalg.lstsq(system, right, rcond=None)[0], atol=1e-9)
    np.testing.assert_allclose(weights, torch.linalg.lstsq(torch.tensor(system), torch.tensor(right)).solution.numpy(), atol=1e-9)
    np.testing.assert_allclose(constants, targets.mean(0) - states.mean(0) @ weights, atol=1e-9)


def test_a_surrogate_has_the_spectrum_and_not_the_course():
    hidden = leaky(np.random.default_rng(3), 0.9, 501)
    for course in (hidden, hidden[:500]):
        other = surrogate(course, np.random.default_rng(0))
        np.testing.assert_allclose(np.abs(np.fft.rfft(other)), np.abs(np.fft.rfft(course)), atol=1e-8)
        assert abs(np.corrcoef(other, course)[0, 1]) < 0.4 and other.mean() == pytest.approx(course.mean())


@pytest.mark.parametrize(
    ("target", "options", "sentence"),
    [
        (np.full(TIME, 2.0), {}, "target is the same at every step"),
        (np.arange(float(TIME)), {"control": np.zeros(TIME)}, "control is the same at every step"),
        (np.where(np.arange(TIME) < AT_LEAST - 1, 1.0, np.nan), {}, "known at 59 steps; a probe needs at least 60"),
        (np.arange(float(TIME)), {"baselines": {"untrained": np.zeros((3, 2))}}, "untrained has 3 steps; expected 4,000"),
    ],
)
def test_a_probe_refuses_with_a_sentence(target: np.ndarray, options: dict, sentence: str):
    with pytest.raises(AnalysisError, match=sentence):
        probe(np.zeros((TIME, 2)), target, **options)
