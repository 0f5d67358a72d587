"""One vanilla recurrent layer, made to order, and its gradient through time beside all that bounds it.

h_t = phi(W h_{t-1} + noise_t),    dL/dh_{t-1} = W^T (phi'(a_t) * dL/dh_t)
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from explorer.errors import AnalysisError

STARTS = ("gaussian", "orthogonal", "identity")


@dataclass(frozen=True)
class Activation:
    """A function of the sum, its slope, and the largest slope it has anywhere, gamma."""

    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    gamma: float


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(x / 2))


def activation(name: str, alpha: float = 0.1) -> Activation:
    """One of "tanh", "sigmoid", "relu", "leaky relu" (alpha is its slope below 0) and "elu" (alpha is its depth).

    Raises:
        AnalysisError: there is no such activation.
    """
    known = {
        "tanh": Activation(np.tanh, lambda x: 1 - np.tanh(x) ** 2, 1.0),
        "sigmoid": Activation(_sigmoid, lambda x: _sigmoid(x) * (1 - _sigmoid(x)), 0.25),
        "relu": Activation(lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(float), 1.0),
        "leaky relu": Activation(lambda x: np.where(x > 0, x, alpha * x), lambda x: np.where(x > 0, 1.0, alpha), max(1.0, abs(alpha))),
        "elu": Activation(
            lambda x: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
            lambda x: np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0))),
            max(1.0, alpha),
        ),
    }
    if name not in known:
        raise AnalysisError(f"There is no activation {name!r}. Known: {', '.join(known)}.")
    return known[name]


@dataclass(frozen=True)
class Setup:
    """What to build.

    Args:
        units: Width of the layer. steps: how long it runs.
        start: How W is drawn: "gaussian", "orthogonal" or "identity"; then it is scaled so that its largest singular value is
        sigma.
        name: Of the activation; alpha: see `activation`.
        noise: Size of what is read at each step.
    """

    units: int = 64
    steps: int = 100
    start: str = "gaussian"
    sigma: float = 3.0
    name: str = "tanh"
    alpha: float = 0.1
    noise: float = 0.5


@dataclass(frozen=True, eq=False)
class Run:
    """What happened; norms relative to lag 0, as powers of ten, each [lag].

    Args:
        gradient: Of a loss at the last step, to the state.
        product: Norm of the product of the steps' Jacobians: the most that any gradient could have kept.
        tight: Product of the norms of the steps' Jacobians, slopes included: an upper bound that knows the data.
        loose: (gamma sigma)^lag: an upper bound that knows only W and the activation.
        eigenvalues: Of W, complex, [unit].
        sums: What the activation was applied to, [time, unit].
    """

    gradient: np.ndarray
    product: np.ndarray
    tight: np.ndarray
    loose: np.ndarray
    eigenvalues: np.ndarray
    sums: np.ndarray

    @property
    def radius(self) -> float:
        """Spectral radius of W."""
        return float(np.abs(self.eigenvalues).max())

    @property
    def factor(self) -> float:
        """What each step multiplied the gradient with, on average over all; nan where nothing arrived."""
        last = self.gradient[-1]
        return float(10 ** (last / (len(self.gradient) - 1))) if np.isfinite(last) else float("nan")


def weights(setup: Setup, seed: int = 0) -> np.ndarray:
    """W, [unit, unit], its largest singular value being setup.sigma.

    Raises:
        AnalysisError: there is no such start.
    """
    drawn = np.random.default_rng(seed).normal(size=(setup.units, setup.units))
    made = {"gaussian": lambda: drawn / np.linalg.norm(drawn, 2), "orthogonal": lambda: np.linalg.qr(drawn)[0]}
    made["identity"] = lambda: np.eye(setup.units)
    if setup.start not in made:
        raise AnalysisError(f"There is no start {setup.start!r}. Known: {', '.join(STARTS)}.")
    return made[setup.start]() * setup.sigma


def run(setup: Setup, seed: int = 0) -> Run:
    """Build the layer, let it read noise, and follow the gradient of its last step back."""
    rng, phi, W = np.random.default_rng(seed + 1), activation(setup.name, setup.alpha), weights(setup, seed)
    noise = setup.noise * rng.normal(size=(setup.steps, setup.units))
    h, sums = np.zeros(setup.units), np.empty_like(noise)
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(setup.steps):
            sums[t] = np.clip(W @ h + noise[t], -1e150, 1e150)  # a network that explodes must still be drawn
            h = phi.value(sums[t])
    start = rng.normal(size=setup.units)
    steps = [phi.slope(sums[t])[:, None] * W for t in reversed(range(1, setup.steps))]  # dh_t/dh_{t-1}, the latest first
    gradient = _logs(start[None] / np.linalg.norm(start), steps)
    norms = np.array([np.linalg.norm(step, 2) for step in steps])
    with np.errstate(divide="ignore"):
        tight = np.concatenate([[0.0], np.cumsum(np.log10(norms))])
        loose = np.arange(setup.steps) * np.log10(phi.gamma * setup.sigma)
    return Run(gradient, _logs(np.eye(setup.units), steps), tight, loose, np.linalg.eigvals(W), sums)


def _logs(rows: Float[np.ndarray, "row unit"], steps: list[np.ndarray]) -> np.ndarray:
    """log10 of the norm of rows [row, unit] times the first 0, 1, 2, ... steps; made unit length on the way."""
    found, total = [0.0], 0.0
    for step in steps:
        rows = rows @ step
        size = np.linalg.norm(rows, 2)
        if size == 0:
            return np.array(found + [-np.inf] * (len(steps) + 1 - len(found)))
        total, rows = total + np.log10(size), rows / size
        found.append(total)
    return np.array(found)
