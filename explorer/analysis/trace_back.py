"""Who wrote what a prediction rests on: its logit as a sum over units, their states as sums over the tokens that wrote them."""

from dataclasses import dataclass

import numpy as np

from explorer.analysis.logits import LogitParts

UNITS = 10  # units that are shown by themselves


@dataclass(frozen=True, eq=False)
class TraceBack:
    """Who wrote what a prediction rests on.

    Args:
        tokens: The characters whose writes are shown, [time].
        start: Index in the window of the first of them.
        predicted: The character that is explained.
        p: Its probability.
        parts: Its logit, compared with the mean of all characters, as a sum over the units of the top layer.
        unit: The unit that is followed back; None: all together.
        written: What each character wrote: of the unit's state, or in nats of the logit, [time].
        earlier: What all earlier characters and the first state wrote of it.
        total: The unit's state, or the logit without its bias; the sum of both.
        held: Log probability that the prediction loses without the write, all gates as they were, [time].
        anew: The same with all later gates computed anew, [time]; NaN where it was not computed.
        matrix: Of a single unit: what each character had written of its state at each later one, [now, writer]; else None.
        without: Probability of the character with the unit, or the strongest unit, at 0 over these characters.
    """

    tokens: tuple[str, ...]
    start: int
    predicted: str
    p: float
    parts: LogitParts
    unit: int | None
    written: np.ndarray
    earlier: float
    total: float
    held: np.ndarray
    anew: np.ndarray
    without: float
    matrix: np.ndarray | None = None

    @property
    def writer(self) -> int:
        """The character that wrote most, as an index of `tokens`; not the last one, whose write is nearly always large."""
        return int(np.abs(self.written[:-1]).argmax()) if len(self.tokens) > 1 else 0

    @property
    def is_last_larger(self) -> bool:
        """Whether the last character that was read wrote more than that one."""
        return len(self.tokens) > 1 and bool(abs(self.written[-1]) > abs(self.written[self.writer]))

    @property
    def distance(self) -> int:
        """Characters from that one to the last that was read."""
        return len(self.tokens) - 1 - self.writer

    @property
    def strongest(self) -> np.ndarray:
        """The units that count most for the prediction, the first of them the most, [unit]."""
        return self.parts.strongest[:UNITS]

    @property
    def carried(self) -> float:
        """Part of all parts of the logit, sizes added, that the strongest units have."""
        sizes = np.abs(self.parts.units)
        return float(sizes[self.strongest].sum() / max(sizes.sum(), np.finfo(float).tiny))

    def p_after(self, loss: float) -> float:
        """The probability once it has lost so much log probability."""
        return float(np.exp(np.log(max(self.p, 1e-300)) - loss))
