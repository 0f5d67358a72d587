"""The gradient of what characters of a text cost a network, on its way back through the text.

Cost is the cross-entropy of a character given all before it, in nats.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

import explorer
from explorer.gradients.contributions import InputGradient, input_gradient
from explorer.records import GradientFlow
from models.char_lm.network import costs
from models.char_lm.reading import Stream, numbers
from models.checkpoint import Loaded


@dataclass(frozen=True)
class Span:
    """The part of a text that a gradient goes back through.

    Args:
        text: All that is read.
        start: Index of the first character that the gradient goes back to; what stands before it is read all the same.
        at: Index of the character whose cost it is of, start < at < len(text); the character before it made the prediction.
    """

    text: str
    start: int
    at: int

    @property
    def tokens(self) -> tuple[str, ...]:
        """The characters that the gradient goes back to; the last one made the prediction."""
        return tuple(self.text[self.start : self.at])


@dataclass(frozen=True, eq=False)
class Flow:
    """The gradient of one character's cost: its norms at every state before, and the probability that the character had."""

    norms: GradientFlow
    probability: float


def flow(loaded: Loaded, span: Span) -> Flow:
    """Norms of the gradient of one character's cost with respect to every state before it."""
    recording, every = _recorded(loaded, span)
    return Flow(explorer.gradient_flow(recording, every[-1], span.tokens), float(np.exp(-every[-1].item())))


def summed(loaded: Loaded, span: Span) -> GradientFlow:
    """Norms of the gradient of the cost of all characters of the span together: what training sees."""
    recording, every = _recorded(loaded, span)
    return explorer.gradient_flow(recording, every.sum(), span.tokens)


def contributions(loaded: Loaded, span: Span) -> InputGradient:
    """The gradient of one character's cost with respect to each character before it, alone and times the input."""
    recording, every = _recorded(loaded, span)
    return input_gradient(recording, every[-1], span.tokens)


def _recorded(loaded: Loaded, span: Span) -> tuple[Any, Any]:
    """A recording of the network over the span, and the cost of every character that it predicts there, [time]."""
    module: Any = loaded.module
    before, ids = Stream(loaded, span.text[: span.start]), numbers(loaded, span.text[span.start : span.at + 1])
    with explorer.record(module, gradients=True) as recording:
        logits, _ = module(ids[None, :-1], before.state)
    return recording, costs(logits[0], ids[1:])
