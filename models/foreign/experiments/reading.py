"""A network found in a file reads a text: states and gates of the layers that are shown, and its predictions if it makes any."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import explorer
from explorer.analysis.ordering import MEMORY_TIME, VARIANCE, order
from explorer.analysis.quantities import HIDDEN, TANH_CELL, quantity
from explorer.errors import CheckpointError
from explorer.records import Trace

if TYPE_CHECKING:
    from models.checkpoint import Loaded

Predicted = tuple[list[list[str]] | None, np.ndarray | None, np.ndarray | None]
NOTHING: Predicted = (None, None, None)
LIKELY = 5  # next tokens that are listed
BACKWARD = "rnn[reverse]"


@dataclass(frozen=True, eq=False)
class FoundRun:
    """A text as a network reads it.

    Args:
        trace: States and gates of the layers that are shown.
        quantity: Name of the values, "tanh(cell)" or "hidden".
        values: Of one of these layers, [time, unit].
        order_name: Name of the order of the units.
        order: Units from the top row of the map to the bottom, [unit].
        next_tokens: The likeliest next tokens after each token, [time][rank]; None if the network predicts none.
        next_p: Their probabilities, [time, rank], or None.
        bits: Surprise at each token, [time], nan for the first one and for unknown ones; or None.
        unknown: Tokens of the text that the network does not know, sorted.
    """

    trace: Trace
    quantity: str
    values: np.ndarray
    order_name: str
    order: np.ndarray
    next_tokens: list[list[str]] | None
    next_p: np.ndarray | None
    bits: np.ndarray | None
    unknown: tuple[str, ...]


def read_text(loaded: "Loaded", text: str, is_backward: bool = False, layer: int = -1) -> FoundRun:
    """Reads a text of at least one token from the zero state and records it.

    Args:
        loaded: The network.
        text: The text.
        is_backward: Whether to show the direction that reads from the end.
        layer: Counted from 0; -1 for the last.

    Raises:
        CheckpointError: the text has no token, as one of spaces alone for a network of words.
    """
    import torch

    module: Any = loaded.module
    tokens, ids = loaded.vocab.split(text), torch.tensor(loaded.vocab.encode(text), dtype=torch.long)
    if not tokens:
        raise CheckpointError("The text has no token that the network could read. Type another text.")
    with explorer.record(module) as recording:
        out = module(ids[None])[0][0]
    trace = recording.trace(tuple(tokens), path=BACKWARD if is_backward else "rnn")
    unknown = tuple(sorted({token for token, index in zip(tokens, ids.tolist(), strict=True) if index == 0}))
    return run_of(trace, _predicted(loaded, out, ids) if module.predicts else NOTHING, unknown, layer)


def run_of(trace: Trace, predicted: Predicted, unknown: tuple[str, ...] = (), layer: int = -1) -> FoundRun:
    """A run of a trace, with one layer as a map of all units.

    Args:
        trace: States and gates.
        predicted: Likeliest next tokens, their probabilities [time, rank] and surprise [time], or None each.
        unknown: Tokens that the network does not know.
        layer: Counted from 0; -1 for the last.
    """
    layer %= trace.hidden.shape[1]
    shown = TANH_CELL if trace.cell is not None else HIDDEN
    by = MEMORY_TIME if {"forget", "update"} & trace.gates.keys() else VARIANCE
    return FoundRun(trace, shown, quantity(trace, shown, layer), by, order(trace, layer, by), *predicted, unknown)


def _predicted(loaded: "Loaded", logits: Any, ids: Any) -> Predicted:
    """The likeliest next tokens [time][rank], their probabilities [time, rank], and the surprise at each token [time]."""
    logs = logits.detach().double().log_softmax(-1)
    likely = logs.topk(min(LIKELY, logs.shape[1]), dim=-1)
    bits = np.full(len(ids), np.nan, np.float32)
    bits[1:] = -logs[:-1].gather(1, ids[1:, None])[:, 0].numpy() / math.log(2)
    bits[ids.numpy() == 0] = np.nan
    return loaded.vocab.named(likely.indices), likely.values.exp().numpy().astype(np.float32), bits
