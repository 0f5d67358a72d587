"""Backpropagation through one recurrent layer: the gradient at every step, by a scan over the slopes of its equations.

Gradients leave the range of every float within a few hundred steps: the scan carries numbers near 1 and a power of two.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from explorer.recording.cells import Slopes, Weights, slopes
from explorer.recording.replay import states_before

BLOCK = 500  # steps of one loss whose slopes are computed together
RESCALE = 4  # steps between two looks at the size of the numbers: each step may shrink or grow them a millionfold
NEAR_ONE = 1e-12, 1e12  # sizes that are left as they are
NOTHING = -1e15  # power of two of a gradient that is exactly zero


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer in one direction over one stretch: what it read, [time, feature], and held, [time, state] and [time, unit].

    `first`: hidden (and cell) state before its first step; `restarts`: those before the steps that did not get the last ones.
    """

    kind: str
    weights: Weights
    x: Tensor
    hidden: Tensor
    cell: Tensor | None
    first: Sequence[Tensor]
    reverse: bool
    restarts: Mapping[int, Sequence[Tensor]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.x)

    def before(self, block: slice) -> Tensor:
        """Hidden state before each step of a block, [block, state]."""
        return self._before(self.hidden, 0, block)

    def slopes(self, block: slice) -> Slopes:
        """Derivatives of a block of steps."""
        cell = None if self.cell is None else (self._before(self.cell, 1, block), self.cell[block])
        return slopes(self.kind, self.weights, self.x[block], self.before(block), cell)

    def blocks(self, losses: int = 1) -> list[slice]:
        """Its steps in blocks, those it read last first."""
        size = max(1, BLOCK // losses)
        pieces = [slice(start, min(start + size, len(self))) for start in range(0, len(self), size)]
        return pieces if self.reverse else pieces[::-1]

    def steps(self, block: slice) -> range:
        """The steps of a block, counted from its start, those it read last first."""
        count = block.stop - block.start
        return range(count) if self.reverse else range(count - 1, -1, -1)

    def nothing_below(self, losses: int) -> "Scaled":
        """Room for the gradient to what it read, [time, loss, feature], still zero."""
        return Scaled.zeros(len(self), losses, self.weights.W.shape[1], dtype=self.hidden.numpy().dtype)

    def _before(self, states: Tensor, part: int, block: slice) -> Tensor:
        restarts = {step: given[part] for step, given in self.restarts.items()}
        return states_before(states, block, self.first[part], restarts, self.reverse)


@dataclass(frozen=True, eq=False)
class Entry:
    """Gradient that enters at a step for some losses: to hidden [loss, state] and cell [loss, unit] or None, times 2^exponent."""

    losses: slice
    hidden: np.ndarray
    cell: np.ndarray | None
    exponent: np.ndarray

    @classmethod
    def scaled(cls, losses: slice, hidden: Tensor, cell: Tensor | None) -> "Entry":
        """Of gradients [loss, state] and [loss, unit]: numbers near 1 and their power of two."""
        peak = hidden.abs().amax(1)
        peak = peak if cell is None else torch.maximum(peak, cell.abs().amax(1))
        exponent = power(peak)
        return cls(losses, shifted(hidden, exponent), None if cell is None else shifted(cell, exponent), exponent)


def power(peak: Tensor) -> np.ndarray:
    """Power of two just above each size, [...]; NOTHING for zero."""
    values = peak.double().numpy()
    return np.where(values > 0, np.frexp(values)[1], NOTHING)


def shifted(values: Tensor, exponent: np.ndarray) -> np.ndarray:
    """values [..., unit] divided by 2^exponent [...]; zeros stay zeros."""
    return np.ldexp(values.numpy(), np.where(exponent > NOTHING, -exponent, 0).astype(int)[..., None])


@dataclass(eq=False)
class Scaled:
    """Numbers near 1 with a power of two for each row: numbers [..., value] times 2^exponent [...]."""

    numbers: np.ndarray
    exponent: np.ndarray

    @classmethod
    def zeros(cls, *shape: int, dtype: type | np.dtype = np.float64) -> "Scaled":
        """Nothing at all, [..., value]."""
        return cls(np.zeros(shape, dtype), np.full(shape[:-1], NOTHING))

    def add(self, numbers: np.ndarray, exponent: np.ndarray, rows: slice = slice(None)) -> None:
        """Add numbers [..., value] times 2^exponent [...] to some rows, at the larger of the two scales."""
        old, dtype = self.exponent[rows], self.numbers.dtype
        scale = np.maximum(exponent, old)
        self.numbers[rows] *= np.exp2(old - scale).astype(dtype)[..., None]
        self.numbers[rows] += numbers * np.exp2(exponent - scale).astype(dtype)[..., None]
        self.exponent[rows] = scale

    def log10(self) -> np.ndarray:
        """Norm of each row as a power of ten, float64, [...]; -inf for zero."""
        norms = np.linalg.norm(self.numbers.astype(np.float64), axis=-1)
        with np.errstate(divide="ignore"):
            return np.log10(norms) + np.where(norms > 0, self.exponent, 0) * np.log10(2)


@dataclass(frozen=True, eq=False)
class IncomingGradient:
    """Everything that enters one layer from outside its own recurrence.

    Args:
        at: Entries by step.
        ends: Steps at which a call ended; behind them autograd has followed the state, so the entry there is complete.
        along: Gradient from the layer above at every step, [time, loss, state].
    """

    at: Mapping[int, Sequence[Entry]]
    ends: frozenset[int]
    along: Scaled | None = None


@dataclass(frozen=True, eq=False)
class LayerGradient:
    """Gradients at a block of steps, each [step, loss, ...] times 2^exponent [step, loss].

    Args:
        hidden: With respect to h_t, the cell held.
        cell: With respect to c_t, h_t following it.
        kept: With respect to c_t, h_t held (as inputs of the next step).
    """

    layer: Layer
    block: slice
    slopes: Slopes
    hidden: Tensor
    cell: Tensor | None
    kept: Tensor | None
    exponent: np.ndarray

    def sums(self, recurrent: bool) -> Tensor:
        """Gradient to the sums inside the gates, [step, loss, row]: as the recurrent weights see them, or those of the input.

        They differ in a GRU alone, whose reset gate multiplies the recurrent product before the sum.
        """
        inner = self.slopes.rows if recurrent or self.slopes.own is None else self.slopes.own
        carried = self.hidden if self.cell is None else self.cell
        rows = carried.unsqueeze(2) * inner.unsqueeze(1)
        if self.slopes.shown is not None:
            P = self.layer.weights.P
            shown = self.hidden if P is None else self.hidden @ P
            rows = torch.cat([rows, (shown * self.slopes.shown.unsqueeze(1)).unsqueeze(2)], 2)
        return rows.flatten(2)

    def to_input(self) -> tuple[np.ndarray, np.ndarray]:
        """Gradient to what the layer read, [step, loss, feature], and its powers of two [step, loss]: what a `Scaled` adds."""
        values = self.sums(recurrent=False) @ self.layer.weights.W
        size = power(values.abs().amax(2))
        return shifted(values, size), np.where(size > NOTHING, size + self.exponent, NOTHING)

    def state(self) -> Tensor:
        """Gradient to what the next step is given: h_t, or h_t and c_t side by side, [step, loss, state + unit]."""
        return self.hidden if self.kept is None else torch.cat([self.hidden, self.kept], 2)

    def log10(self, values: Tensor) -> np.ndarray:
        """Norm of a gradient [step, loss, ...] as a power of ten, float64, [step, loss]; -inf for zero."""
        norms = torch.linalg.vector_norm(values, dim=2, dtype=torch.float64).numpy()
        with np.errstate(divide="ignore"):
            return np.log10(norms) + np.where(norms > 0, self.exponent, 0) * np.log10(2)


def layer_gradients(layer: Layer, incoming: IncomingGradient, losses: int) -> Iterator[LayerGradient]:
    """The gradients at every step of a layer, block by block, those it read last first."""
    scan = _Scan(layer, losses)
    for block in layer.blocks(losses):
        scan.begin(block)
        for step in layer.steps(block):
            time = block.start + step
            if time in incoming.ends:
                scan.clear()
            for entry in incoming.at.get(time, ()):
                scan.add(entry)
            if incoming.along is not None:
                scan.add(Entry(slice(None), incoming.along.numbers[time], None, incoming.along.exponent[time]))
            if step % RESCALE == 0:
                scan.rescale()
            scan.step(step)
        yield scan.result()


class _Scan:
    """The way back through one layer: what is carried from step to step, and where the gradients of a block are written.

    Carried are the gradients to the hidden state [loss, state] and to the cell [loss, unit], times 2^exponent.
    numpy: a row of an array costs a tenth there.
    """

    def __init__(self, layer: Layer, losses: int):
        w = layer.weights
        self.layer = layer
        self.carried = torch.zeros(losses, w.U.shape[1], dtype=w.U.dtype)
        self.hidden = self.carried.numpy()  # the same memory
        self.cell = np.zeros((losses, w.units), self.hidden.dtype)
        self.exponent = np.full(losses, NOTHING)
        self._rows = torch.empty(losses, len(w.U) // w.units, w.units, dtype=w.U.dtype)
        self._gates, self._flat = self._rows.numpy(), self._rows.flatten(1)
        self._product = np.empty((losses, w.units), self.hidden.dtype)

    def begin(self, block: slice) -> None:
        """Make room for the gradients of a block."""
        slopes, steps, losses = self.layer.slopes(block), block.stop - block.start, len(self.exponent)
        w, dtype, is_lstm = self.layer.weights, self.carried.dtype, slopes.shown is not None
        cell, kept = (torch.empty(steps, losses, w.units, dtype=dtype) if is_lstm else None for _ in range(2))
        hidden = torch.empty(steps, losses, w.U.shape[1], dtype=dtype)
        self._gradient = LayerGradient(self.layer, block, slopes, hidden, cell, kept, np.empty((steps, losses)))
        self._factors = {name: values.numpy() for name, values in vars(slopes).items() if values is not None}
        self._hidden = hidden.numpy()
        self._cell, self._kept = (np.empty(0) if part is None else part.numpy() for part in (cell, kept))

    def result(self) -> LayerGradient:
        """The gradients of the block that was begun, once every step of it was taken."""
        return self._gradient

    def clear(self) -> None:
        """Nothing is carried."""
        self.hidden[:], self.cell[:], self.exponent[:] = 0, 0, NOTHING

    def add(self, entry: Entry) -> None:
        """Add what enters, at the larger of the two scales: what is lost lies below the last digit."""
        old = self.exponent[entry.losses]
        scale = np.maximum(old, entry.exponent)
        shrink, enter = np.exp2(old - scale), np.exp2(entry.exponent - scale)
        self._scale(entry.losses, shrink.astype(self.hidden.dtype)[:, None])
        enter = enter.astype(self.hidden.dtype)[:, None]
        self.hidden[entry.losses] += entry.hidden * enter
        if entry.cell is not None:
            self.cell[entry.losses] += entry.cell * enter
        self.exponent[entry.losses] = scale

    def rescale(self) -> None:
        """Bring the largest number of each loss to between 1/2 and 1, where one has gone far from that."""
        peak = np.maximum(np.abs(self.hidden).max(1), np.abs(self.cell).max(1))
        if NEAR_ONE[0] < peak.min() and peak.max() < NEAR_ONE[1]:
            return
        shift = np.where(peak > 0, np.frexp(peak)[1], 0)
        self._scale(slice(None), np.ldexp(self.hidden.dtype.type(1), -shift)[:, None])
        self.exponent += shift

    def _scale(self, losses: slice, factor: np.ndarray) -> None:
        self.hidden[losses] *= factor
        self.cell[losses] *= factor

    def step(self, step: int) -> None:
        """Write one step, and move what is carried to the step before it."""
        self._gradient.exponent[step] = self.exponent
        self._hidden[step] = self.hidden
        (self._step_lstm if self._gradient.slopes.shown is not None else self._step_plain)(step)

    def _step_lstm(self, step: int) -> None:
        factors, w = self._factors, self.layer.weights
        shown = self.hidden if w.P is None else (self.carried @ w.P).numpy()
        cell = self._cell[step]
        self._kept[step] = self.cell
        np.multiply(shown, factors["leak"][step], out=cell)
        cell += self.cell
        np.multiply(cell[:, None], factors["rows"][step], out=self._gates[:, :3])
        np.multiply(shown, factors["shown"][step], out=self._gates[:, 3])
        torch.mm(self._flat, w.U, out=self.carried)
        np.multiply(cell, factors["keep"][step], out=self.cell)

    def _step_plain(self, step: int) -> None:
        factors, U = self._factors, self.layer.weights.U
        np.multiply(self.hidden[:, None], factors["rows"][step], out=self._gates)
        if "keep" not in factors:
            torch.mm(self._flat, U, out=self.carried)
            return
        np.multiply(self.hidden, factors["keep"][step], out=self._product)
        torch.mm(self._flat, U, out=self.carried)
        self.hidden += self._product
