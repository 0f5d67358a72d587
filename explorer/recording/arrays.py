"""Conversion of recorded tensors to numpy arrays (detached, on the CPU, float32), and of what was read to token names."""

from collections.abc import Sequence
from operator import index

import numpy as np
from torch import Tensor

from explorer.errors import RecordingError

Rows = int | Sequence[int] | np.ndarray | Tensor  # a row of the batch, or one for each step
Tokens = Sequence[object] | np.ndarray | Tensor  # characters, words or numbers, one for each step


def array(values: Tensor | np.ndarray) -> np.ndarray:
    """The same values, [...], as a numpy array of float32; shares memory where it can."""
    if isinstance(values, Tensor):
        # Half precisions pass through torch: numpy knows no bfloat16.
        return values.detach().to("cpu").float().numpy()
    return np.asarray(values, np.float32)


def names_of(tokens: Tokens) -> tuple[str, ...]:
    """Name of each token, [time]: strings stay as they are, numbers are written with six digits.

    A time series has no symbols: give its numbers [time], or `range(steps)` where each step has several.

    Raises:
        RecordingError: an array with another number of axes than one.
    """
    if isinstance(tokens, Tensor | np.ndarray) and tokens.ndim != 1:
        raise RecordingError(f"tokens has shape {tuple(tokens.shape)}; expected one value for each step, [time], or range(steps).")
    values = tokens.tolist() if isinstance(tokens, Tensor | np.ndarray) else tokens
    return tuple(f"{value:.6g}" if isinstance(value, float | np.floating) else str(value) for value in values)


def whole(value: object) -> int:
    """A whole number as an int.

    Raises:
        TypeError: it is none; True and False are none either.
    """
    if isinstance(value, bool):
        raise TypeError(f"{value} is no whole number")
    return index(value)  # type: ignore[arg-type]


def rows_of(rows: Rows, word: str) -> int | list[int]:
    """A row of the batch, [], or a list of them, [time], as whole numbers.

    Raises:
        RecordingError: it is neither; `word` names the argument.
    """
    try:
        values = rows.tolist() if isinstance(rows, Tensor | np.ndarray) else rows
        return [whole(row) for row in values] if isinstance(values, Sequence) else whole(values)
    except TypeError:
        raise RecordingError(f"{word} is {rows!r}; expected a row of the batch, counted from 0, or one row for each token.") from None


def one_for_each(rows: Rows, count: int, word: str) -> list[int]:
    """Row of the batch for each of `count` steps.

    Raises:
        RecordingError: a list of rows that is not as long as there are steps; `word` names the argument.
    """
    rows = rows_of(rows, word)
    if isinstance(rows, int):
        return [rows] * count
    if len(rows) != count:
        raise RecordingError(f"{word} names {len(rows)} rows of the batch; expected one row, or {count}: one for each token.")
    return rows


def picked(values: np.ndarray, time_first: bool, rows: list[int], word: str) -> np.ndarray:
    """One row of the batch for each step: values [time, batch, item] (or [batch, time, item]) to [time, item].

    Raises:
        RecordingError: there is no such row; `word` names the argument.
    """
    values = values if time_first else values.swapaxes(0, 1)
    wrong = [row for row in rows if not 0 <= row < values.shape[1]]
    if wrong:
        raise RecordingError(f"{word} is {wrong[0]}, but the batch holds {values.shape[1]}: choose from 0 to {values.shape[1] - 1}.")
    return values[np.arange(len(rows)), rows]


def logits_of(logits: Tensor | np.ndarray, rows: Rows, time: int, time_first: bool | None) -> np.ndarray:
    """Logits of one sequence, [time, vocab], from [time, vocab] or from a batch of them.

    Args:
        logits: [time, vocab], [time, batch, vocab] or [batch, time, vocab].
        rows: Row of the batch, or one for each step.
        time: Number of steps.
        time_first: How the recurrent module lays out its batch: decides where both axes are as long as time.

    Raises:
        RecordingError: no axis is as long as the text, or there is no such row.
    """
    values = array(logits)
    if values.ndim == 2:
        return values  # Trace says so if the time does not fit
    if values.ndim != 3 or time not in values.shape[:2]:
        raise RecordingError(f"logits has shape {values.shape}; expected ({time}, vocab) = [time, vocab], or that with a batch axis.")
    fits = [first for first in (True, False) if values.shape[0 if first else 1] == time]
    first = fits[0] if len(fits) == 1 else time_first is not False
    return picked(values, first, one_for_each(rows, time, "index"), "index")
