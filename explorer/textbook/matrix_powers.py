"""Powers of a matrix: where points go, and what the spectral radius and the largest singular value predict."""

from dataclasses import dataclass

import numpy as np

from explorer.axes import Float


@dataclass(frozen=True)
class Fate:
    """Long-run behaviour of a matrix, from its singular values and eigenvalues.

    Args:
        sigma: Largest singular value: no vector grows by more at one press.
        radius: Largest absolute eigenvalue: by how much, in the end, each press multiplies.
        turns: Whether the eigenvalues are complex, so that points go round.
    """

    sigma: float
    radius: float
    turns: bool

    def in_words(self) -> str:
        """Long-run behaviour in one sentence."""
        if abs(self.radius - 1) < 0.005:
            end = "In the long run the points neither shrink nor grow"
        else:
            end = "In the long run the points grow without limit" if self.radius > 1 else "In the long run the points shrink to zero"
        first = ", but they may grow first" if self.radius < 0.995 and self.sigma > 1.005 else ""
        return end + (", rotating" if self.turns else "") + first + "."


def fate(matrix: Float[np.ndarray, "n n"]) -> Fate:
    """Singular value, spectral radius and turning of a matrix [row, column]."""
    values = np.linalg.eigvals(matrix)
    turns = bool(np.abs(values.imag).max() > 1e-9)
    return Fate(float(np.linalg.norm(matrix, 2)), float(np.abs(values).max()), turns)


def circle(count: int = 24) -> np.ndarray:
    """Points evenly on the circle of radius 1, [point, 2]."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], 1)


def orbit(matrix: Float[np.ndarray, "n n"], points: Float[np.ndarray, "point n"], presses: int) -> np.ndarray:
    """Where points [point, n] are after 0, 1, ... presses, each multiplying by a matrix [row, column]: [press, point, n]."""
    positions = [points]
    for _ in range(presses):
        positions.append(positions[-1] @ matrix.T)
    return np.stack(positions)
