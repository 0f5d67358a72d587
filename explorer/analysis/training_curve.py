"""Measurements during training: accuracy and loss on held-out sequences, and how far back the gradient reaches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from explorer.errors import AnalysisError
from explorer.records import GradientFlow


@dataclass(frozen=True, eq=False)
class Look:
    """A network at one moment of its training.

    Args:
        update: Number of weight updates so far.
        loss: On held-out sequences.
        accuracy: On held-out sequences.
        gradient_log10: Norm of the gradient of the last answer's cost to the state, by steps before that answer, relative
            to the last step, [lag]; nan where nothing flows.
    """

    update: int
    loss: float
    accuracy: float
    gradient_log10: np.ndarray


@dataclass(frozen=True, eq=False)
class Course:
    """Course of one training so far.

    Args:
        name: Of the line; says the kind of network.
        looks: In the order of time.
        seconds: That it took, what it waited left out.
    """

    name: str
    looks: tuple[Look, ...] = ()
    seconds: float = 0.0

    def seen(self, look: Look) -> "Course":
        """The course with one more look.

        Raises:
            AnalysisError: the look is not later, or reaches back over another number of steps.
        """
        if self.looks and look.update <= self.looks[-1].update:
            raise AnalysisError(f"This look is of update {look.update}; expected a later one than {self.looks[-1].update}.")
        if self.looks and look.gradient_log10.shape != self.looks[0].gradient_log10.shape:
            got, expected = len(look.gradient_log10), len(self.looks[0].gradient_log10)
            raise AnalysisError(f"This look reaches over {got} steps; expected {expected}, as at the first one.")
        return replace(self, looks=(*self.looks, look))

    def reached(self, lag: int) -> float | None:
        """log10 of the gradient `lag` steps back at the last look; None before the first look, or where nothing flows."""
        value = self.looks[-1].gradient_log10[lag] if self.looks else np.nan
        return None if np.isnan(value) else float(value)


def by_lag(flows: Sequence[GradientFlow]) -> np.ndarray:
    """Median over several sequences of how large the gradient to the state is, log10 relative to the last step, [lag].

    Args:
        flows: Of the cost of each sequence's last answer, one layer each, all of one length.

    Raises:
        AnalysisError: there is none.
    """
    if not flows:
        raise AnalysisError("There are no gradients to summarise; expected those of one sequence or more.")
    curves = np.stack([flow.state_log10[::-1, -1] for flow in flows])
    with np.errstate(invalid="ignore"):
        relative = curves - curves[:, :1]  # -inf - -inf: nothing flows at all
    rows = relative[~np.isnan(relative).any(1)]
    # The lower of two neighbours, since -inf has no middle.
    return np.quantile(rows, 0.5, axis=0, method="lower") if len(rows) else np.full(curves.shape[1], np.nan)
