"""The record of a classification: counts by true class and predicted class."""

from dataclasses import dataclass

import numpy as np

from explorer.errors import RecordError
from explorer.records.displayed import Displayed, plural, quoted, shape_error, there_are


@dataclass(frozen=True, eq=False, repr=False)
class ConfusionMatrix(Displayed):
    """Counts of items by true class and predicted class.

    Args:
        labels: The classes, [class], each once.
        counts: How many, [true, predicted], whole numbers of 0 or more.

    Raises:
        RecordError: shapes do not fit together, a label occurs twice, or a count is not a whole number of 0 or more.
    """

    labels: tuple[str, ...]
    counts: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(self.labels))
        size = len(self.labels)
        if self.counts.shape != (size, size):
            raise shape_error("counts", self.counts.shape, f"({size}, {size}) = [true, predicted]", there_are(size, "label"))
        twice = [label for index, label in enumerate(self.labels) if label in self.labels[:index]]
        if twice:
            raise RecordError(f"labels names {twice[0]!r} twice; expected each class once.")
        bad = np.argwhere(~((self.counts >= 0) & (self.counts % 1 == 0)))
        if len(bad):
            row, column = map(int, bad[0])
            got = f"counts[{row}, {column}] is {self.counts[row, column]:.6g}"
            raise RecordError(f"{got}; expected a whole number of 0 or more. Are these shares of a row?")
        object.__setattr__(self, "counts", self.counts.astype(np.int64))

    def __str__(self) -> str:
        size, total = len(self.labels), int(self.counts.sum())
        return (
            f"Confusion matrix of {plural(size, 'class')}: {int(np.trace(self.counts)):,} of {plural(total, 'item')} correct\n"
            f"counts {[size, size]} = [true, predicted]; labels {quoted(self.labels)}\n"
            "Next: explorer.show(matrix) draws it, matrix.counts holds the numbers."
        )
