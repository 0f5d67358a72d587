"""Units of a network whose states are held while a text is read: at 0, at values of their own, or at a number.

Importing this module does not import torch; the first call does.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

import explorer
from explorer.records import Trace

if TYPE_CHECKING:
    from models.char_lm.experiments.window import Window
    from models.char_lm.reading import Reading
    from models.checkpoint import Loaded

ZERO, MEAN, ELSEWHERE, HIGHEST, LOWEST = "zero", "mean", "elsewhere", "highest", "lowest"  # what a unit is held at, besides a number


@dataclass(frozen=True)
class Held:
    """Units of one layer whose states are held. The state is the cell of an LSTM, the hidden state otherwise.

    Args:
        layer: Index of the layer, counted from 0.
        units: Indices of the units, counted from 0.
        at: A number; "zero"; or of each unit's own values on a text "mean", "highest", "lowest", or "elsewhere": at each token a value
            that it had at another one, drawn at random.
    """

    layer: int
    units: tuple[int, ...]
    at: str | float = ZERO

    def values(self, trace: Trace | None, steps: int) -> np.ndarray:
        """What the units are held at over so many steps, [time or 1, unit].

        Args:
            trace: The text whose values are used; None where a number or 0 needs none.
            steps: Tokens that are read.
        """
        if trace is None:
            return np.full((1, len(self.units)), 0.0 if isinstance(self.at, str) else self.at)
        states = trace.hidden if trace.cell is None else trace.cell
        return held_at(states[:, self.layer, list(self.units)], steps, self.at)

    def within(self, module: Any, window: "Window", steps: int) -> AbstractContextManager[Any]:
        """The module with the units held at each of so many steps; their own values are those of a window of a text."""
        values = self.values(window.trace, steps).repeat(1 if self.at == ELSEWHERE else steps, axis=0)
        return explorer.intervene(module, "rnn", self.layer, units=self.units, value=values, steps=range(steps))


def held_at(own: np.ndarray, steps: int, at: str | float) -> np.ndarray:
    """What units are held at, [time or 1, unit], from their own values [time, unit]; see `Held`."""
    if at == ELSEWHERE:
        drawn = np.random.default_rng(0).integers(len(own), size=(steps, own.shape[1]))
        return np.take_along_axis(own, drawn, axis=0).astype(np.float64)
    of = {MEAN: np.mean, HIGHEST: np.max, LOWEST: np.min}.get(str(at))
    if of:
        return of(own.astype(np.float64), axis=0, keepdims=True)
    return np.full((1, own.shape[1]), 0.0 if isinstance(at, str) else at)


def read_held(
    loaded: "Loaded",
    text: str,
    warm_up: str,
    held: Held,
    trace: Trace | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> "Reading":
    """The pass over a whole text with the states of some units held from the first character on.

    Args:
        loaded: The network.
        text: Text to read, at least one character.
        warm_up: Preceding text, read from the zero state and not part of the result.
        held: The units, and what they are held at.
        trace: The window whose values they are held at, unless that is a number or 0.
        progress: Called with (done, total) characters; may raise to stop.

    Raises:
        InterventionError: there is no such layer or unit, or the cell cannot be held at this.
    """
    from models.char_lm.reading import read

    module: Any = loaded.module
    steps = len(loaded.vocab.encode(warm_up)) + len(loaded.vocab.encode(text))
    values = held.values(trace, steps)
    value = float(values[0, 0]) if values.size == 1 else values
    with explorer.intervene(module, "rnn", held.layer, units=held.units, value=value) as changed:
        return read(replace(loaded, module=changed), text, progress=progress, before=warm_up)
