"""State Jacobians: how much a change of a layer's state is stretched on its way to a later state, its inputs held.

The state is h for RNN and GRU, and the pair (h, c) for an LSTM.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from explorer.errors import RecordingError
from explorer.gradients.flow import layer_of
from explorer.gradients.scan import Layer
from explorer.recording.arrays import Rows, Tokens
from explorer.recording.calls import directions, layers
from explorer.recording.cells import Slopes
from explorer.recording.record import Recording
from explorer.recording.sequences import Calls

MOST = 200  # distances of one call
SMALL = 256  # numbers of a state whose whole spectrum is computed
ROUNDS, ENOUGH = 60, 1e-5  # of the power iteration; it ends when no norm grows by more than this share


@dataclass(frozen=True, eq=False)
class JacobianNorms:
    """How far a change of the state can be stretched, by distance; powers of ten, each [distance].

    Args:
        distances: Steps between the two states.
        log10: Norm of the product of the steps' Jacobians, ds_t/ds_{t-distance}: the truth, approached from below.
        bound_log10: Product of the norms of the steps: an upper bound, which is not attained where directions turn.
        hidden_log10: Norm of the block dh_t/dh_{t-distance} alone, the cell at its start held; LSTM only, else None.
    """

    distances: tuple[int, ...]
    log10: np.ndarray
    bound_log10: np.ndarray
    hidden_log10: np.ndarray | None


class Jacobians:
    """The Jacobians of one layer along one recorded sequence; the recording needs no gradients.

    Args:
        recording: What was recorded.
        tokens: What was read, [time].
        path: One of `recording.paths`; needed where there are several.
        index: Row of the batch, or one row for each token, [time].
        layer: Which layer; -1 is the last.
        calls: Which calls of the module the tokens are, as for `Recording.trace`.

    Raises:
        RecordingError: there is no such path or layer, or the module read the sequence in several calls and both directions.
    """

    def __init__(
        self, recording: Recording, tokens: Tokens, path: str | None = None, index: Rows = 0, layer: int = -1, calls: Calls = None
    ):
        reading = recording.reading(recording.chosen(path), len(tokens), index, calls)
        depth = layers(reading.module)
        if not -depth <= layer < depth:
            raise RecordingError(f"layer is {layer}, but '{reading.path}' has {depth}: choose from 0 to {depth - 1}.")
        if len(reading.stretches) > 1:
            why = "it reads in both directions" if directions(reading.module) == 2 else "its weights changed between calls"
            raise RecordingError(f"'{reading.path}' was called several times, and {why}: call it once for its Jacobians.")
        self._breaks = np.flatnonzero(~reading.carried)
        with torch.no_grad():
            ways = range(directions(reading.module))
            states = [recording.states(reading, bool(way), range(layer % depth + 1), bare=True) for way in ways]
            self._layer: Layer = layer_of(reading, states, 0, 0, depth=layer % depth, way=int(reading.reverse))

    def norms(self, at: int, distances: Sequence[int]) -> JacobianNorms:
        """Norms of ds_at/ds_{at-distance} for several distances, by power iteration for all of them at once.

        Args:
            at: The later state, as a position in the text (for a reverse direction: the earlier position).
            distances: How many steps back, each 1 or more, at most 200 of them.

        Raises:
            RecordingError: there are more than 200 distances, or one leaves the text.
        """
        if not 1 <= len(distances) <= MOST:
            raise RecordingError(f"distances names {len(distances)}; expected 1 to {MOST}. Leave some out: they lie close together.")
        order = sorted({int(distance) for distance in distances})
        maps = self._maps(at, order)
        singles = np.cumsum(maps.singles())
        own = maps.products(order, hidden=False)
        hidden = maps.products(order, hidden=True) if maps.cell else None
        columns = [order.index(int(distance)) for distance in distances]
        bound = singles[np.array(order) - 1][columns]
        return JacobianNorms(tuple(map(int, distances)), own[columns], bound, None if hidden is None else hidden[columns])

    def spectrum(self, at: int, distance: int) -> np.ndarray:
        """Singular values of ds_at/ds_{at-distance} as powers of ten, the largest first, [value].

        Values that lie so far below the largest that they are rounding are left out.

        Raises:
            RecordingError: the state has more than 256 numbers, or the distance leaves the text.
        """
        maps = self._maps(at, [distance])
        if maps.width > SMALL:
            raise RecordingError(f"A state has {maps.width} numbers here; the whole spectrum is computed up to {SMALL}. Ask for norms.")
        product, exponent = torch.eye(maps.width, dtype=torch.float64), 0
        for step in range(distance):
            product = maps.back(product, slice(step, step + 1))
            shift = int(np.frexp(float(product.abs().max()))[1])
            product, exponent = product * 2.0**-shift, exponent + shift
        values = torch.linalg.svdvals(product).numpy()
        kept = values[values > values[0] * maps.width * np.finfo(np.float64).eps]
        return np.log10(kept) + exponent * np.log10(2)

    def _maps(self, at: int, order: Sequence[int]) -> "_Maps":
        time = len(self._layer)
        room = time - 1 - at if self._layer.reverse else at
        if not 0 <= at < time or not 1 <= order[0] <= order[-1] <= room:
            raise RecordingError(
                f"Distances {order[0]} to {order[-1]} from step {at} leave the text of {time} steps, or are no step at all."
            )
        block = slice(at, at + order[-1]) if self._layer.reverse else slice(at - order[-1] + 1, at + 1)
        inside = self._breaks[(self._breaks >= block.start) & (self._breaks < block.stop)]
        if len(inside):
            raise RecordingError(
                f"Distances up to {order[-1]} from step {at} pass step {inside[-1]}, before which the state was reset or changed: "
                f"expected at most {at - inside[-1]}."
            )
        return _Maps(self._layer, block)


class _Maps:
    """The Jacobians of some steps as linear maps, counted from the latest; vectors are rows, (h) or (h, c), in float64."""

    def __init__(self, layer: Layer, block: slice):
        slopes = layer.slopes(block)

        def latest_first(values: Tensor | None) -> Tensor | None:
            return None if values is None else (values if layer.reverse else values.flip(0)).double()

        factors = {name: latest_first(values) for name, values in vars(slopes).items()}
        rows = factors.pop("rows")
        assert rows is not None
        self.slopes, self.steps = Slopes(rows, **factors), len(rows)
        self.U = layer.weights.U.double()
        self.P = None if layer.weights.P is None else layer.weights.P.double()
        self.hidden, self.cell = self.U.shape[1], layer.weights.units if layer.cell is not None else 0
        self.width = self.hidden + self.cell

    def back(self, vectors: Tensor, steps: slice) -> Tensor:
        """Vectors [row, state] times the Jacobian of a step, or each times that of its own step."""
        s = self.slopes
        if not self.cell:
            rows = (vectors.unsqueeze(1) * s.rows[steps]).flatten(1) @ self.U
            return rows if s.keep is None else rows + vectors * s.keep[steps]
        h, c = vectors.split([self.hidden, self.cell], 1)
        assert s.leak is not None and s.shown is not None and s.keep is not None
        shown = h if self.P is None else h @ self.P
        c = c + shown * s.leak[steps]
        gates = torch.cat([c.unsqueeze(1) * s.rows[steps], (shown * s.shown[steps]).unsqueeze(1)], 1)
        return torch.cat([gates.flatten(1) @ self.U, c * s.keep[steps]], 1)

    def forth(self, vectors: Tensor, steps: slice) -> Tensor:
        """The Jacobian of a step times vectors [row, state], or that of its own step times each."""
        s, h = self.slopes, vectors[:, : self.hidden]
        gates = (h @ self.U.T).unflatten(1, (-1, s.rows.shape[2]))
        if not self.cell:
            out = (gates * s.rows[steps]).sum(1)
            return out if s.keep is None else out + h * s.keep[steps]
        assert s.leak is not None and s.shown is not None and s.keep is not None
        c = (gates[:, :3] * s.rows[steps]).sum(1) + vectors[:, self.hidden :] * s.keep[steps]
        shown = c * s.leak[steps] + gates[:, 3] * s.shown[steps]
        return torch.cat([shown if self.P is None else shown @ self.P.T, c], 1)

    def singles(self) -> np.ndarray:
        """Norm of every step's Jacobian, log10, [step], the latest first."""
        every = slice(0, self.steps)
        return self._iterated(self.steps, False, lambda v: _scaled(self.back(v, every)), lambda v: _scaled(self.forth(v, every)))

    def products(self, order: Sequence[int], hidden: bool) -> np.ndarray:
        """Norm of the product of the latest steps, log10, [distance], for distances in rising order; or of its h-h block."""
        return self._iterated(len(order), hidden, lambda v: self._walk(v, order, True), lambda v: self._walk(v, order, False))

    def _walk(self, vectors: Tensor, order: Sequence[int], back: bool) -> tuple[Tensor, np.ndarray]:
        """Each row past as many steps as its distance says, made unit length on the way: the rows, and log10 of what was taken."""
        vectors, log10 = vectors.clone(), np.zeros(len(order))
        for step in range(self.steps) if back else reversed(range(self.steps)):
            first = int(np.searchsorted(order, step + 1))  # rows whose way is that long
            moved, size = _scaled((self.back if back else self.forth)(vectors[first:], slice(step, step + 1)))
            vectors[first:] = moved
            log10[first:] += size
        return vectors, log10

    def _iterated(self, rows: int, hidden: bool, back, forth) -> np.ndarray:
        """Largest singular value of each of several maps, log10, [row], by power iteration."""
        vectors = torch.randn(rows, self.width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        largest = np.full(rows, -np.inf)
        for _ in range(ROUNDS):
            vectors, _ = _scaled(back(self._ends(vectors, hidden))[0], self._mask(hidden))
            vectors, size = forth(vectors)
            vectors, last = _scaled(vectors, self._mask(hidden))
            new = size + last
            grew = new > largest + np.log10(1 + ENOUGH)
            largest = np.maximum(largest, new)
            if not grew.any():
                break
        return largest

    def _mask(self, hidden: bool) -> int:
        return self.hidden if hidden else self.width

    def _ends(self, vectors: Tensor, hidden: bool) -> Tensor:
        return _scaled(vectors, self._mask(hidden))[0]


def _scaled(vectors: Tensor, kept: int | None = None) -> tuple[Tensor, np.ndarray]:
    """Rows made unit length, their first `kept` numbers alone (all: None), and log10 of their lengths; zeros stay zeros."""
    if kept is not None and kept < vectors.shape[1]:
        vectors = torch.cat([vectors[:, :kept], torch.zeros_like(vectors[:, kept:])], 1)
    size = torch.linalg.vector_norm(vectors, dim=1, keepdim=True)
    with np.errstate(divide="ignore"):
        return vectors / torch.where(size > 0, size, 1), np.log10(size[:, 0].numpy())
