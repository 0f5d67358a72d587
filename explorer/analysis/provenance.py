"""Who wrote what a state holds: the present value of every unit as a sum over the steps that wrote it.

Unrolled, the equation of a gated cell is a sum (here c of an LSTM, without its unit's index):

    c_t = f_t c_{t-1} + i_t g_t = (f_t ... f_1) c_0 + sum over s <= t of (f_t ... f_{s+1}) i_s g_s

so each step's write i_s g_s is present today as far as the forget gates after it let it through. In a GRU the update gate z
keeps and (1 - z_s) n_s is written. The sum is exact, given the gates. It says where a number came from. It does not say what
would have happened without a write: the gates would have been others too. Only an intervention shows that.
"""

from dataclasses import dataclass

import numpy as np

from explorer.analysis.ledger import ledger
from explorer.analysis.quantities import check_layer
from explorer.axes import Float
from explorer.errors import AnalysisError
from explorer.records import Trace

EIGENVALUE = "eigenvalue"  # part of a linear cell with a complex state: what it multiplies the state with
NEAR_ZERO = 0.05  # of a state: below it, a share says little
TINY = 1e-6  # of a state: below it, hidden / state is taken in the limit
SMALL = 1e-3  # of a state and of all parts: below it, rounding inside float32 gates is a large part of them (5 - 4.999999 in a tanh)
LARGEST_ERROR = 1e-2  # of |state| or of all parts together: half precision stays below it


@dataclass(frozen=True, eq=False)
class Provenance:
    """The state of every unit of a layer after one step, as a sum over the steps that wrote it.

    writers.sum(0) + initial = state, up to the precision of the record.

    Args:
        step: The step after which the state is looked at, as a position in the text.
        start: The step at which the account begins: the first one that was read, or the last one whose state was reset or
            changed from outside. What was there before is `initial`.
        writers: What each step wrote, as far as it is still there, [time, unit]; 0 outside the account.
        initial: What is left of the state that the step `start` got, [unit].
        state: The cell of an LSTM, the hidden state otherwise, [unit].
        gain: Hidden state per unit of state, [unit]: 1 where the state is the hidden state. For an LSTM it is
            o tanh(c) / c, and so h is split among the writers of c in proportion. That is a convention: tanh is no sum. Where an
            LSTM projects its state (proj_size), it is that of the state before the projection.
    """

    step: int
    start: int
    writers: np.ndarray
    initial: np.ndarray
    state: np.ndarray
    gain: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """Part of each unit's state that each step wrote, [time, unit]; NaN where |state| < 0.05. Parts of opposite sign may exceed 1."""
        near = np.abs(self.state) < NEAR_ZERO
        return np.where(near, np.nan, self.writers / np.where(near, 1, self.state))

    @property
    def error(self) -> float:
        """Largest difference between the sum and the state, as a part of |state|, of all |parts| together, or of .001: of the largest."""
        parts = np.abs(self.writers).sum(0) + np.abs(self.initial)
        apart = np.abs(self.writers.sum(0) + self.initial - self.state)
        return float((apart / np.maximum(np.maximum(parts, np.abs(self.state)), SMALL)).max(initial=0))

    def through(self, weights: Float[np.ndarray, " unit"]) -> tuple[np.ndarray, float]:
        """What each step wrote of a weighted sum of the hidden state, [time], and what is left of the first state.

        Both together are weights @ hidden. An LSTM's tanh is passed in proportion, see `gain`.

        Args:
            weights: Weight of each unit, [unit]: of a logit, say.
        """
        worth = self.gain * np.asarray(weights)
        return self.writers @ worth, (self.initial @ worth).item()


def provenance(trace: Trace, step: int, layer: int = -1) -> Provenance:
    """Split the state after one step among the steps that wrote it.

    Any cell works whose trace has a forget gate or an update gate: LSTM, GRU, and registered steps such as minGRU and Mamba.
    Of an sLSTM it is the cell before the normaliser, which divides all parts alike.

    Args:
        trace: Run to inspect.
        step: Position in the text; negative counts from the end.
        layer: Counted from 0; negative counts from the top.

    Raises:
        AnalysisError: no such step or layer; a plain RNN, which keeps nothing as it was; or a record whose gates do not
            reproduce its states.
    """
    layer, step = _checked(trace, step, layer)
    keep, written, state, kept = _terms(trace, layer)
    first, last = _account(trace, step)
    order = slice(None, None, -1) if trace.is_reverse else slice(None)
    inside = slice(first, last + 1)
    keep, written = keep[order][inside], written[order][inside]
    # A product from the end: no step is divided by another, so that a shut gate (0) needs no logarithm and no special case.
    still = np.ones_like(keep)
    still[:-1] = np.cumprod(keep[:0:-1], axis=0)[::-1]
    writers = np.zeros(state.shape, written.dtype)
    writers[order][inside] = still * written
    result = Provenance(
        step,
        len(state) - 1 - first if trace.is_reverse else first,
        writers,
        still[0] * kept[order][first],
        state[step],
        _gain(trace, state[step], step, layer),
    )
    if not result.error <= LARGEST_ERROR:
        raise AnalysisError(
            f"The writes of this record add up to another state than it holds (they differ by {result.error:.1%}). Its gates are not those "
            "of its state: was the state changed between steps, or normalised?"
        )
    return result


def write_matrix(trace: Trace, unit: int, layer: int = -1, steps: slice = slice(None)) -> np.ndarray:
    """What every step wrote of one unit's state at every later step, [now, writer]; the sum of a row is the state but for its beginning.

    Args:
        trace: Run to inspect.
        unit: Counted from 0.
        layer: Counted from 0; negative counts from the top.
        steps: Part of the text; only writes inside it are shown.

    Raises:
        AnalysisError: as for `provenance`; or there is no such unit.
    """
    layer, _ = _checked(trace, -1, layer)
    keep, written, state, _ = _terms(trace, layer)
    if not 0 <= unit < state.shape[1]:
        raise AnalysisError(f"There is no unit {unit}; this layer has {state.shape[1]} units, 0 to {state.shape[1] - 1}.")
    keep = np.where(trace.carried, keep[:, unit], 0)[steps]
    written = written[:, unit][steps]
    order = slice(None, None, -1) if trace.is_reverse else slice(None)
    keep, written = keep[order], written[order]
    matrix = np.zeros((len(written), len(written)), written.dtype)
    for now in range(len(written)):
        if now:
            matrix[now] = keep[now] * matrix[now - 1]
        matrix[now, now] = written[now]
    return matrix[order, order]


def _checked(trace: Trace, step: int, layer: int) -> tuple[int, int]:
    """Layer and step counted from 0."""
    time, layers = trace.hidden.shape[:2]
    layer = layer + layers if -layers <= layer < 0 else layer
    check_layer(trace, layer)
    if not -time <= step < time:
        raise AnalysisError(f"There is no step {step}; this record has {time}, 0 to {time - 1}." if time else "This record has no steps.")
    return layer, step % time


def _terms(trace: Trace, layer: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What each step multiplied its state with, what it wrote, its state, and what it kept, in double precision, [time, unit] each."""
    if np.iscomplexobj(trace.hidden):
        return _complex_terms(trace, layer)
    names = ("forget",) if trace.cell is not None else ("forget", "update")
    name = next((name for name in names if name in trace.gates), None)
    if name is None:
        raise AnalysisError(
            "No step of this cell keeps a part of its state as it was, as a forget or update gate would: the state is no sum of writes. "
            "explorer.attribution measures which tokens an output depends on."
        )
    book = ledger(trace, layer)
    terms = (trace.gates[name][:, layer], book.written, book.state, book.kept)
    keep, written, state, kept = (np.asarray(values, np.float64) for values in terms)
    return keep, written, state, kept


def _complex_terms(trace: Trace, layer: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same for a linear recurrence, whose state turns in the plane, complex [time, unit] each."""
    if EIGENVALUE not in trace.parts:
        raise AnalysisError(f"The state is complex, and this record lacks the part {EIGENVALUE!r}: what each step multiplies it with.")
    state = np.asarray(trace.hidden[:, layer], np.complex128)
    keep = np.asarray(trace.parts[EIGENVALUE][:, layer], np.complex128)
    first, rest = trace.initial_hidden[None, layer], state
    before = np.concatenate([rest[1:], first] if trace.is_reverse else [first, rest[:-1]])[: len(state)]
    return keep, state - keep * before, state, keep * before


def _account(trace: Trace, step: int) -> tuple[int, int]:
    """First and last step of the account in the order of reading, counted from 0."""
    carried = trace.carried[::-1] if trace.is_reverse else trace.carried
    last = len(carried) - 1 - step if trace.is_reverse else step
    breaks = np.flatnonzero(~carried[: last + 1])
    return int(breaks[-1]) if len(breaks) else 0, last


def _gain(trace: Trace, state: np.ndarray, step: int, layer: int) -> np.ndarray:
    """Hidden state per unit of state after one step, [unit]."""
    if trace.cell is None:
        return np.ones(len(state))
    output, hidden = np.asarray(trace.gates["output"][step, layer], np.float64), trace.hidden[step, layer]
    shown = hidden if hidden.shape == state.shape else output * np.tanh(state)
    tiny = np.abs(state) < TINY
    return np.where(tiny, output, shown / np.where(tiny, 1, state))  # tanh(c) / c is 1 at 0
