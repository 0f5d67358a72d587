"""One layer read backward: the gradient at every step of a recurrent layer, by a scan over the slopes of its equations.

Gradients leave the range of every float within a few hundred steps: the scan carries numbers near 1 and a power of two.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from explorer.recording.cells import Slopes, Weights, slopes

BLOCK = 500  # steps of one loss whose slopes are computed together
RESCALE = 4  # steps between two looks at the size of the numbers: each step may shrink or grow them a millionfold
NEAR_ONE = 1e-12, 1e12  # sizes that are left as they are
NOTHING = -1e15  # power of two of a gradient that is exactly zero


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer in one direction over one stretch: what it read, [time, feature], and held, [time, state] and [time, unit].

    `first`: hidden (and cell) state before its first step.
    """

    kind: str
    weights: Weights
    x: Tensor
    hidden: Tensor
    cell: Tensor | None
    first: Sequence[Tensor]
    reverse: bool

    def __len__(self) -> int:
        return len(self.x)

    def before(self, block: slice) -> Tensor:
        """Hidden state before each step of a block, [block, state]."""
        return self._before(self.hidden, self.first[0], block)

    def slopes(self, block: slice) -> Slopes:
        """Derivatives of a block of steps."""
        cell = None if self.cell is None else (self._before(self.cell, self.first[1], block), self.cell[block])
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

    def _before(self, states: Tensor, first: Tensor, block: slice) -> Tensor:
        first = first.to(states.dtype).unsqueeze(0)
        if self.reverse:
            after = states[block.start + 1 : block.stop + 1]
            return after if block.stop < len(states) else torch.cat([after, first])
        return states[block.start - 1 : block.stop - 1] if block.start else torch.cat([first, states[: block.stop - 1]])


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


@dataclass(frozen=True, eq=False)
class Entering:
    """Everything that enters one layer from outside its own recurrence.

    at: entries by step. ends: the steps at which a call ended; behind them autograd has followed the state, so that
    the entry there is all there is. along: gradient from the layer above at every step, [time, loss, state], and its
    powers of two [time, loss].
    """

    at: Mapping[int, Sequence[Entry]]
    ends: frozenset[int]
    along: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True, eq=False)
class Passed:
    """Gradients at a block of steps, each [step, loss, ...] times 2^exponent [step, loss].

    hidden: to h_t, the cell held. cell: to c_t with h_t following it. kept: to c_t with h_t held (as inputs of the next step).
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

        They differ in a GRU alone, whose reset gate stands between its recurrent product and the sum.
        """
        inner = self.slopes.rows if recurrent or self.slopes.own is None else self.slopes.own
        carried = self.hidden if self.cell is None else self.cell
        rows = carried.unsqueeze(2) * inner.unsqueeze(1)
        if self.slopes.shown is not None:
            P = self.layer.weights.P
            shown = self.hidden if P is None else self.hidden @ P
            rows = torch.cat([rows, (shown * self.slopes.shown.unsqueeze(1)).unsqueeze(2)], 2)
        return rows.flatten(2)

    def state(self) -> Tensor:
        """Gradient to what the next step is given: h_t, or h_t and c_t beside each other, [step, loss, state + unit]."""
        return self.hidden if self.kept is None else torch.cat([self.hidden, self.kept], 2)

    def log10(self, values: Tensor) -> np.ndarray:
        """Norm of a gradient [step, loss, ...] as a power of ten, float64, [step, loss]; -inf for zero."""
        norms = torch.linalg.vector_norm(values, dim=2, dtype=torch.float64).numpy()
        with np.errstate(divide="ignore"):
            return np.log10(norms) + np.where(norms > 0, self.exponent, 0) * np.log10(2)


def passed(layer: Layer, entering: Entering, losses: int) -> Iterator[Passed]:
    """The gradients at every step of a layer, block by block, those it read last first."""
    carry = _Carry(layer.weights, losses)
    for block in layer.blocks(losses):
        room = _Room(layer, block, carry)
        for step in layer.steps(block):
            time = block.start + step
            if time in entering.ends:
                carry.clear()
            for entry in entering.at.get(time, ()):
                carry.add(entry)
            if entering.along is not None:
                carry.add(Entry(slice(None), entering.along[0][time], None, entering.along[1][time]))
            if step % RESCALE == 0:
                carry.rescale()
            room.step(step)
        yield Passed(layer, block, room.slopes, room.hidden, room.cell, room.kept, room.exponent)


class _Carry:
    """What is carried from step to step: gradient to the hidden state [loss, state] and to the cell [loss, unit], times 2^exponent."""

    def __init__(self, w: Weights, losses: int):
        self.tensor = torch.zeros(losses, w.U.shape[1], dtype=w.U.dtype)
        self.hidden = self.tensor.numpy()  # the same memory
        self.cell = np.zeros((losses, w.units), self.hidden.dtype)
        self.exponent = np.full(losses, NOTHING)

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


@dataclass
class _Room:
    """Where the gradients of a block are written, and the step that writes them. numpy: a row of an array costs a tenth there."""

    layer: Layer
    block: slice
    carry: _Carry
    slopes: Slopes = field(init=False)

    def __post_init__(self) -> None:
        self.slopes = self.layer.slopes(self.block)
        steps, losses = self.block.stop - self.block.start, len(self.carry.exponent)
        w, dtype = self.layer.weights, self.carry.tensor.dtype
        self.exponent = np.empty((steps, losses))
        self.hidden = torch.empty(steps, losses, w.U.shape[1], dtype=dtype)
        lstm = self.slopes.shown is not None
        self.cell, self.kept = (torch.empty(steps, losses, w.units, dtype=dtype) if lstm else None for _ in range(2))
        self._factors = {name: values.numpy() for name, values in vars(self.slopes).items() if values is not None}
        self._hidden = self.hidden.numpy()
        self._cell, self._kept = (np.empty(0) if part is None else part.numpy() for part in (self.cell, self.kept))
        self._rows = torch.empty(losses, len(w.U) // w.units, w.units, dtype=dtype)
        self._gates, self._flat = self._rows.numpy(), self._rows.flatten(1)
        self._product = np.empty((losses, w.units), self._hidden.dtype)

    def step(self, step: int) -> None:
        """Write one step, and move the carry to the step before it."""
        self.exponent[step] = self.carry.exponent
        self._hidden[step] = self.carry.hidden
        (self._step_lstm if self.slopes.shown is not None else self._step_plain)(step)

    def _step_lstm(self, step: int) -> None:
        carry, factors, w = self.carry, self._factors, self.layer.weights
        shown = carry.hidden if w.P is None else (carry.tensor @ w.P).numpy()
        cell = self._cell[step]
        self._kept[step] = carry.cell
        np.multiply(shown, factors["leak"][step], out=cell)
        cell += carry.cell
        np.multiply(cell[:, None], factors["rows"][step], out=self._gates[:, :3])
        np.multiply(shown, factors["shown"][step], out=self._gates[:, 3])
        torch.mm(self._flat, w.U, out=carry.tensor)
        np.multiply(cell, factors["keep"][step], out=carry.cell)

    def _step_plain(self, step: int) -> None:
        carry, factors = self.carry, self._factors
        np.multiply(carry.hidden[:, None], factors["rows"][step], out=self._gates)
        if "keep" not in factors:
            torch.mm(self._flat, self.layer.weights.U, out=carry.tensor)
            return
        np.multiply(carry.hidden, factors["keep"][step], out=self._product)
        torch.mm(self._flat, self.layer.weights.U, out=carry.tensor)
        carry.hidden += self._product
