"""Activation functions with their slopes, for the Jacobian laboratory."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explorer.errors import AnalysisError

ACTIVATIONS = ("tanh", "sigmoid", "relu", "leaky relu", "elu", "maxout")


@dataclass(frozen=True)
class Activation:
    """A function of the sum, its slope, and the largest slope it has anywhere, gamma; None where slopes bound nothing."""

    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    gamma: float | None


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(x / 2))


def activation(name: str, alpha: float = 0.1) -> Activation:
    """One of ACTIVATIONS; alpha is the slope of "leaky relu" below 0, and the depth of "elu".

    "maxout" takes the larger of two sums, each with weights of its own: here it is a function of how much the first is the larger, over
    the second. It has no gamma: what bounds a step are the weights that were chosen.

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
        "maxout": Activation(lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(float), None),
    }
    if name not in known:
        raise AnalysisError(f"There is no activation {name!r}. Known: {', '.join(known)}.")
    return known[name]
