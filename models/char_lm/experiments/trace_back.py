"""Who wrote this? A prediction as a sum over the units of the top layer, their states as sums over the characters that wrote them,
and the check: what the network predicts once such a write is really taken away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import explorer
from explorer.analysis.logits import LogitParts, logit_parts
from explorer.analysis.provenance import Provenance, provenance, write_matrix
from explorer.analysis.trace_back import TraceBack
from explorer.errors import AnalysisError
from explorer.records import Trace
from models.char_lm.experiments.window import Window, state_before, window_input
from models.checkpoint import Loaded

SPAN = 60  # characters whose writes are shown
MOST = 12  # writes that are taken away with all gates computed anew; each is a row of a batch
WRITES = {nn.LSTM: ("input", 0.0), nn.GRU: ("update", 1.0)}  # the gate that decides how much is written, and its value if nothing is


@dataclass(frozen=True)
class Asked:
    """A prediction, and what of it is followed back.

    Args:
        at: Index in the window of the character after which it is made.
        target: The character whose probability is explained; "" for the most likely one.
        unit: Unit of the top layer whose writers are shown; None: all, each as far as it counts for the prediction.
        span: Number of characters whose writes are shown.
    """

    at: int
    target: str = ""
    unit: int | None = None
    span: int = SPAN


def readout(module: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Weights [vocab, unit] and bias [vocab] of the output layer, in double precision.

    Raises:
        AnalysisError: the logits are no linear function of the top layer's hidden state, or other layers lie between.
    """
    linears = [part for part in module.readout.modules() if isinstance(part, nn.Linear)]
    others = [part for part in module.readout.modules() if not isinstance(part, nn.Linear | nn.Sequential | nn.Identity)]
    if len(linears) != 1 or others or len(getattr(module, "above", ())):
        raise AnalysisError("Its predictions are no sum over the units of this layer: more than one layer lies between them.")
    (linear,) = linears
    bias = linear.bias
    return linear.weight.detach().double().numpy(), None if bias is None else bias.detach().double().numpy()


def trace_back(loaded: Loaded, window: Window, asked: Asked) -> TraceBack:
    """Follow a prediction back to the characters that wrote what it rests on.

    Args:
        loaded: The network.
        window: Its recording of the text.
        asked: The prediction.

    Raises:
        AnalysisError: a plain RNN, which keeps no part of its state as it was; or an output that is not one linear layer.
    """
    module: Any = loaded.module
    weight, bias = readout(module)
    trace, at = window.trace, asked.at
    hidden = trace.hidden[at, -1].astype(np.float64)
    logs = _log_softmax(weight @ hidden + (0 if bias is None else bias))
    answer = int(loaded.vocab.encode(asked.target)[0]) if asked.target else int(logs.argmax())
    parts, one = logit_parts(hidden, weight, bias, answer), provenance(trace, at)
    first = max(0, at + 1 - asked.span)
    written, total = _written(one, parts, asked.unit)
    held = logs[answer] - _held(trace, one, (weight, bias), asked.unit, slice(first, at + 1))[:, answer]
    ids, state = window_input(window.reading, window.part)[0][:, first : at + 1], state_before(loaded, window, first)
    chosen = first + np.argsort(-np.abs(written[first : at + 1]), kind="stable")[:MOST]
    anew, runs = np.full(at + 1 - first, np.nan), _without_writes(module, ids, state, chosen - first, asked.unit)
    if runs is not None:
        anew[chosen - first] = logs[answer] - runs[:, answer]
    unit = int(parts.strongest[0]) if asked.unit is None else asked.unit
    return TraceBack(
        tokens=trace.tokens[first : at + 1],
        start=first,
        predicted=asked.target or str(loaded.vocab.tokens[answer]),
        p=float(np.exp(logs[answer])),
        parts=parts,
        unit=asked.unit,
        written=written[first : at + 1],
        earlier=float(total - written[first : at + 1].sum()),
        total=float(total),
        held=held,
        anew=anew,
        without=_silent(module, ids, state, unit, answer),
        matrix=None if asked.unit is None else write_matrix(trace, asked.unit, steps=slice(first, at + 1)),
    )


def _written(one: Provenance, parts: LogitParts, unit: int | None) -> tuple[np.ndarray, float]:
    """What each step wrote, [time], and the sum of it with what is left of the first state."""
    if unit is None:
        written, left = one.through(parts.weights)
        return written, float(written.sum() + left)
    return one.writers[:, unit], float(one.writers[:, unit].sum() + one.initial[unit])


def _held(trace: Trace, one: Provenance, layer: tuple[np.ndarray, np.ndarray | None], unit: int | None, steps: slice) -> np.ndarray:
    """Log probabilities [time, vocab] without what each of the steps wrote, of a unit or of all, every gate as it was."""
    weight, bias = layer
    taken = one.writers[steps].copy()
    if unit is not None:
        taken[:, [other for other in range(taken.shape[1]) if other != unit]] = 0
    rest = one.state - taken
    if trace.cell is None:
        shown = rest
    else:
        output = trace.gates["output"][one.step, -1].astype(np.float64)
        shown = output * np.tanh(rest)
    return _log_softmax(shown @ weight.T + (0 if bias is None else bias))


def _without_writes(module: Any, ids: Tensor, state: Any, steps: Sequence[int] | np.ndarray, unit: int | None) -> np.ndarray | None:
    """Log probabilities [step, vocab] after ids [1, time], each without the write of one step, all later gates computed anew.

    None for a cell that cannot be run step by step.
    """
    if type(module.rnn) not in WRITES:
        return None
    gate, nothing = WRITES[type(module.rnn)]
    units = range(module.rnn.hidden_size) if unit is None else [unit]
    rows = np.arange(len(steps))
    scale, shift = (np.full((ids.shape[1], len(steps), len(units)), neutral) for neutral in (1.0, 0.0))
    scale[steps, rows], shift[steps, rows] = 0.0, nothing
    top = module.rnn.num_layers - 1
    with explorer.intervene(module, "rnn", top, units=units, part=gate, scale=scale, shift=shift) as changed, torch.inference_mode():
        wide = _wide(state, len(steps))
        logits, _ = changed(ids.expand(len(steps), -1), wide)
    return logits[:, -1].double().log_softmax(-1).numpy()


def _wide(state: Any, rows: int) -> Any:
    if state is None:
        return None
    parts = tuple(part.expand(-1, rows, -1).contiguous() for part in (state if isinstance(state, tuple) else (state,)))
    return parts if isinstance(state, tuple) else parts[0]


def _silent(module: Any, ids: Tensor, state: Any, unit: int, answer: int) -> float:
    """Probability of a token after ids [1, time] with one unit of the top layer at 0 over all of them."""
    layers = getattr(module.rnn, "num_layers", 1)
    with explorer.intervene(module, "rnn", layers - 1, units=unit) as quiet, torch.inference_mode():
        logits, _ = quiet(ids, state)
    return float(logits[0, -1].double().softmax(-1)[answer])


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    """Log probabilities, [..., vocab]."""
    high = logits - logits.max(-1, keepdims=True)
    return high - np.log(np.exp(high).sum(-1, keepdims=True))
