"""A recurrent layer with chosen weights: its gradient through time, and the upper bounds of that gradient.

The state is h, for an LSTM h and c together; dL/dstate_{t-1} = J_t^T dL/dstate_t, where J_t is the Jacobian of step t.
"""

from dataclasses import dataclass

import numpy as np

from explorer.axes import Float
from explorer.errors import AnalysisError
from explorer.textbook.activations import Activation, activation
from explorer.textbook.toy_cells import LOOKED_AT, PIECES, stepper

KINDS = ("rnn", "lstm", "gru")
STARTS = ("gaussian", "orthogonal", "identity")
SIZES = ("sigma", "radius")


@dataclass(frozen=True)
class Setup:
    """Settings of the laboratory.

    Args:
        units: Width of the layer.
        steps: Length of the run.
        start: How W is drawn: "gaussian", "orthogonal" or "identity"; then it is scaled.
        size: What its largest singular value shall be; or its spectral radius, where `by` is "radius".
        name: Activation of a plain RNN.
        alpha: See `activation`.
        noise: Size of what is read at each step.
        kind: "rnn", "lstm" or "gru": these have a W for each gate, each of that size.
        by: "sigma" or "radius".
        forget_bias: Of an LSTM.
    """

    units: int = 64
    steps: int = 100
    start: str = "gaussian"
    size: float = 3.0
    name: str = "tanh"
    alpha: float = 0.1
    noise: float = 0.5
    kind: str = "rnn"
    by: str = "sigma"
    forget_bias: float = 0.0

    @property
    def form(self) -> str:
        """Which step it takes: its kind, or "maxout"."""
        return "maxout" if (self.kind, self.name) == ("rnn", "maxout") else self.kind

    @property
    def phi(self) -> Activation:
        """The activation worth a look: that of a plain RNN, the sigmoid of a gate."""
        return activation(self.name if self.kind == "rnn" else "sigmoid", self.alpha)


@dataclass(frozen=True, eq=False)
class Run:
    """Result of a run; norms relative to lag 0, as powers of ten, each [lag].

    Args:
        gradient: Of a loss at the last step, to the state.
        product: Norm of the product of the steps' Jacobians: the most that any gradient could have kept.
        tight: Product of the norms of the steps' Jacobians, slopes and gates included: an upper bound that knows the data.
        loose: (gamma sigma)^lag: an upper bound that knows only W and the activation. It holds for one plain layer only: else None.
        sigma: Largest singular value of W, or of the W of any gate.
        eigenvalues: Of W, or of the W of every gate, complex, [unit].
        step_eigenvalues: Of the Jacobian of the last step, complex, [state].
        sums: What the activation was applied to, [time, unit]; of an LSTM's forget gate, a GRU's update gate.
        looked_at: What those sums are of.
    """

    gradient: np.ndarray
    product: np.ndarray
    tight: np.ndarray
    loose: np.ndarray | None
    sigma: float
    eigenvalues: np.ndarray
    step_eigenvalues: np.ndarray
    sums: np.ndarray
    looked_at: str

    @property
    def radius(self) -> float:
        """Spectral radius of W, or the largest of those of all gates."""
        return float(np.abs(self.eigenvalues).max())

    @property
    def factor(self) -> float:
        """What each step multiplied the gradient with, on average over all; nan where nothing arrived."""
        last = self.gradient[-1]
        return float(10 ** (last / (len(self.gradient) - 1))) if np.isfinite(last) else float("nan")


def weights(setup: Setup, seed: int = 0) -> np.ndarray:
    """A W for each sum of a unit, [piece, unit, unit], each of setup.size.

    Raises:
        AnalysisError: there is no such kind, start or size.
    """
    for name, known in (("kind", KINDS), ("start", STARTS), ("by", SIZES)):
        if getattr(setup, name) not in known:
            raise AnalysisError(f"There is no {name} {getattr(setup, name)!r}. Known: {', '.join(known)}.")
    rng = np.random.default_rng(seed)
    return np.stack([_drawn(setup, rng.normal(size=(setup.units, setup.units))) for _ in range(PIECES[setup.form])])


def _drawn(setup: Setup, drawn: np.ndarray) -> np.ndarray:
    made = {"gaussian": lambda: drawn, "orthogonal": lambda: np.linalg.qr(drawn)[0], "identity": lambda: np.eye(setup.units)}
    W = made[setup.start]()
    return W / size_of(W, setup.by) * setup.size


def size_of(matrix: Float[np.ndarray, "unit unit"], by: str) -> float:
    """Of a W [unit, unit] the largest singular value, by "sigma"; its spectral radius, by "radius"."""
    return float(np.linalg.norm(matrix, 2) if by == "sigma" else np.abs(np.linalg.eigvals(matrix)).max())


def run(setup: Setup, seed: int = 0) -> Run:
    """Build the layer, let it read noise, and follow the gradient of its last step back.

    Raises:
        AnalysisError: there is no such kind, start, size or activation.
    """
    W, phi, rng = weights(setup, seed), setup.phi, np.random.default_rng(seed + 1)
    noise = setup.noise * rng.normal(size=(setup.steps, len(W), setup.units))
    step, cells = stepper(setup.form, phi, setup.forget_bias), setup.units * (setup.kind == "lstm")
    state, sums, steps = np.zeros(setup.units + cells), np.empty((setup.steps, setup.units)), []
    for t in range(setup.steps):
        state, jacobian, sums[t] = step(W, state, noise[t])
        steps.append(jacobian)
    start = np.concatenate([rng.normal(size=setup.units), np.zeros(cells)])
    back = np.stack(steps[:0:-1])  # dstate_t / dstate_{t-1}, the latest first
    with np.errstate(divide="ignore"):
        tight = np.concatenate([[0.0], np.cumsum(np.log10(_norms(back)))])
        sigma = float(_norms(W).max())
        gamma = phi.gamma if setup.kind == "rnn" else None
        loose = None if gamma is None else np.arange(setup.steps) * np.log10(gamma * sigma)
    eigenvalues = np.linalg.eigvals(W).ravel(), np.linalg.eigvals(steps[-1])
    gradient, product = (_logs(rows, back) for rows in (start[None] / np.linalg.norm(start), np.eye(len(state))))
    return Run(gradient, product, tight, loose, sigma, *eigenvalues, sums, LOOKED_AT[setup.form])


def _norms(matrices: Float[np.ndarray, "lag row column"]) -> np.ndarray:
    """The largest singular value of each matrix, [lag]; by the eigenvalues of M M^T, which cost half of what singular values do."""
    return np.sqrt(np.maximum(np.linalg.eigvalsh(matrices @ matrices.swapaxes(1, 2))[:, -1], 0))


def _logs(rows: Float[np.ndarray, "row state"], steps: Float[np.ndarray, "lag state state"]) -> np.ndarray:
    """log10 of the norm of rows times the first 0, 1, 2, ... steps; rescaled on the way."""
    kept, totals = [rows], [0.0]
    for step in steps:
        rows = rows @ step
        size = np.linalg.norm(rows)
        if size == 0:
            break
        rows = rows / size
        kept.append(rows)
        totals.append(totals[-1] + np.log10(size))
    logs = np.array(totals) + np.log10(_norms(np.stack(kept)))
    return np.concatenate([logs, np.full(len(steps) + 1 - len(logs), -np.inf)])
