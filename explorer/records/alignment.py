"""The record of attention: the weight of each source token when each target token was chosen."""

from dataclasses import dataclass

import numpy as np

from explorer.errors import RecordError
from explorer.records.displayed import Displayed, plural, quoted

# How far a row of weights may be from summing to 1, by the precision it was computed in.
SUM_TOLERANCE = {np.dtype(np.float16): 2e-3, np.dtype(np.float32): 1e-5}


@dataclass(frozen=True, eq=False, repr=False)
class Alignment(Displayed):
    """Attention weight of each source token, or image region, when each target token was chosen.

    Args:
        source: Every column of the weights, end mark and padding too, [in].
        target: What was written, [out].
        weights: Attention weights, [out, in], 0..1; each row sums to 1 within the rounding of its precision
            and is kept as float64, made to sum to 1.
        grid: (rows, columns) where the source is a grid of image regions, row by row; else None.

    Raises:
        RecordError: shapes do not fit together, or a row is not a distribution.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: np.ndarray
    grid: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", tuple(self.source))
        object.__setattr__(self, "target", tuple(self.target))
        self._check_shape()
        self._check_rows()
        weights = self.weights.astype(np.float64)
        object.__setattr__(self, "weights", weights / weights.sum(1, keepdims=True))

    def __str__(self) -> str:
        regions = "" if self.grid is None else f"; the source is a grid of {self.grid[0]} x {self.grid[1]} image regions"
        return (
            f"Alignment of {plural(len(self.target), 'target token')} to {plural(len(self.source), 'source token')}: "
            f"{quoted(self.target)} from {quoted(self.source)}\n"
            f"weights {list(self.weights.shape)} = [target, source], each row sums to 1{regions}\n"
            "Next: explorer.show(alignment) draws it, alignment.weights holds the numbers."
        )

    def _check_shape(self) -> None:
        expected = (len(self.target), len(self.source))
        if self.weights.shape != expected:
            hint = " It looks transposed: pass weights.T." if self.weights.shape == expected[::-1] else ""
            raise RecordError(f"weights has shape {self.weights.shape}; expected {expected} = [target, source].{hint}")
        if not self.source:
            raise RecordError("source is empty; expected at least one token to look at.")
        if self.grid is not None and self.grid[0] * self.grid[1] != len(self.source):
            product = f"{self.grid[0]} x {self.grid[1]} = {self.grid[0] * self.grid[1]} regions"
            raise RecordError(f"grid {self.grid} has {product}; expected {len(self.source)}, one for each source column.")

    def _check_rows(self) -> None:
        bad = np.argwhere(~(self.weights >= 0))
        if len(bad):
            row, column = map(int, bad[0])
            raise RecordError(
                f"weights[{row}, {column}] is {self.weights[row, column]:.3g}; expected 0 or more. Are these scores before the softmax?"
            )
        off = np.abs(self.weights.astype(np.float64).sum(1) - 1)
        limit = SUM_TOLERANCE.get(self.weights.dtype, 1e-9)
        wrong = np.flatnonzero(~(off <= limit))
        if len(wrong):
            row = int(wrong[0])
            total = self.weights[row].astype(np.float64).sum()
            raise RecordError(f"weights[{row}] sums to {total:.6g}; expected 1 within {limit:.0e}. Are these scores before the softmax?")
