"""Gradient descent on the error surface of a one-unit recurrent network, with clipping and with the regulariser Omega.

x_t = w sigmoid(x_{t-1}) + b from x_0 = 0.5, and the error is (sigmoid(x_50) - 0.7)^2: two weights, so all of it can be seen.

Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013: Figure 6, Algorithm 1 and
equations 9 and 10.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.axes import Float
from explorer.errors import AnalysisError
from explorer.textbook.activations import activation

SIGMOID = activation("sigmoid")
LENGTH, START, TARGET = 50, 0.5, 0.7
RULES = ("no clipping", "by norm", "by value")
W, B = (2.5, 7.0), (-4.0, 3.0)  # the part of the surface that is shown
LATE = 10  # steps over which a path's last error is averaged: a single one may be luck
FINE = 1_200  # places of b at which the cliff is looked for


@dataclass(frozen=True, eq=False)
class Places:
    """Values of the surface at some places (w, b), each [place]; gradients [2, place], with respect to w and b.

    Args:
        error: Height of the surface.
        gradient: Of the error.
        omega: Sum over the steps of (|w sigmoid'(x_k)| - 1)^2: in one unit, equation 9 needs no more.
        omega_gradient: Of omega, its *immediate* part as in equation 10: x_k is held, as if it did not depend on w and b.
        factor: What each step back multiplies a gradient with, on (geometric) average over the steps.
    """

    error: np.ndarray
    gradient: np.ndarray
    omega: np.ndarray
    omega_gradient: np.ndarray
    factor: np.ndarray


def at(w: Float[np.ndarray, "*place"], b: Float[np.ndarray, "*place"]) -> Places:
    """Error, its gradient and Omega at places w and b, each [place]."""
    x = np.full(np.shape(w), START)
    to_w, to_b, omega, omega_to_w, logs = (np.zeros_like(x) for _ in range(5))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for _ in range(LENGTH):
            value, slope = SIGMOID.value(x), SIGMOID.slope(x)
            step = w * slope  # dx_{k+1} / dx_k
            omega, omega_to_w = omega + (abs(step) - 1) ** 2, omega_to_w + 2 * (abs(step) - 1) * np.sign(w) * slope
            logs += np.log(abs(step))
            to_w, to_b, x = value + step * to_w, 1 + step * to_b, w * value + b
        value, slope = SIGMOID.value(x), SIGMOID.slope(x)
        into = 2 * (value - TARGET) * slope
        gradient = np.stack([into * to_w, into * to_b])
    return Places((value - TARGET) ** 2, gradient, omega, np.stack([omega_to_w, np.zeros_like(x)]), np.exp(logs / LENGTH))


def clipped(gradient: Float[np.ndarray, "2"], rule: str, threshold: float) -> np.ndarray:
    """What a rule makes of a gradient [2]: by norm its length is limited, by value each of its numbers.

    Raises:
        AnalysisError: there is no such rule.
    """
    if rule not in RULES:
        raise AnalysisError(f"There is no rule {rule!r}. Known: {', '.join(RULES)}.")
    if rule == "by value":
        return np.clip(gradient, -threshold, threshold)
    size = np.linalg.norm(gradient)
    return gradient * (threshold / size) if rule == "by norm" and size > threshold else gradient


@dataclass(frozen=True)
class Descent:
    """Settings of a descent.

    Args:
        w: Weight at which the descent begins.
        b: Bias at which it begins.
        rate: Step size.
        threshold: Of clipping.
        steps: Number of steps.
        omega: Weight of the regulariser; 0 leaves it out.
    """

    w: float = 4.5
    b: float = -1.8
    rate: float = 1.0
    threshold: float = 0.1
    steps: int = 50
    omega: float = 0.0


@dataclass(frozen=True, eq=False)
class Path:
    """Path of a descent by one rule.

    Args:
        rule: One of RULES.
        places: w and b, [step + 1, 2].
        gradients: Before clipping, of the error and of the weighted Omega together, [step, 2].
        errors: [step + 1].
        factors: See `Places`, [step + 1].
    """

    rule: str
    places: np.ndarray
    gradients: np.ndarray
    errors: np.ndarray
    factors: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """How far each step went, [step]."""
        return np.linalg.norm(np.diff(self.places, axis=0), axis=1)

    @property
    def late(self) -> float:
        """The error over the last ten steps, on average."""
        return float(self.errors[-LATE:].mean())


def descend(how: Descent, rule: str) -> Path:
    """Gradient descent on the surface with one clipping rule.

    Raises:
        AnalysisError: there is no such rule.
    """
    (path,) = descents(how, (rule,))
    return path


def descents(how: Descent, rules: Sequence[str] = RULES) -> tuple[Path, ...]:
    """Descents from the same place by several rules, made together: they take hardly longer than one.

    Raises:
        AnalysisError: there is no such rule.
    """
    places = np.tile(np.array([[how.w], [how.b]]), (1, len(rules)))
    points, gradients, errors, factors = [], [], [], []
    for _ in range(how.steps + 1):
        here = at(*places)
        gradient = here.gradient + how.omega * here.omega_gradient
        for kept, value in ((points, places), (gradients, gradient), (errors, here.error), (factors, here.factor)):
            kept.append(value)
        steps = [clipped(gradient[:, index], rule, how.threshold) for index, rule in enumerate(rules)]
        places = places - how.rate * np.stack(steps, axis=1)
    return tuple(
        Path(rule, *(np.array([value[..., index] for value in kept]) for kept in (points, gradients[:-1], errors, factors)))
        for index, rule in enumerate(rules)
    )


def mesh(across: int = 64, along: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The surface as a mesh that follows the cliff: w, b and error, each [across, along].

    A grid of even squares would draw a cliff as a saw. Here each line of one w has its places where the ground is steep: as many
    for each length of the way over the ground, height included.
    """
    w, fine = np.linspace(*W, across), np.linspace(*B, FINE)
    height = at(*np.meshgrid(w, fine, indexing="ij")).error
    ways = np.hypot(np.diff(fine) / (B[1] - B[0]), np.diff(height, axis=1) / np.ptp(height))
    ways = np.concatenate([np.zeros((across, 1)), ways.cumsum(1)], axis=1)
    b = np.stack([np.interp(np.linspace(0, way[-1], along), way, fine) for way in ways])
    every = np.broadcast_to(w[:, None], b.shape)
    return every, b, at(every, b).error
