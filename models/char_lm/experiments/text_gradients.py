"""Gradients of a character network's loss, backwards through a text.

The loss at a character is its cross-entropy in nats given the preceding text.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import explorer
from explorer.gradients.contributions import InputGradient, input_gradient
from explorer.records import GradientFlow
from models.char_lm.network import costs
from models.char_lm.reading import Stream, numbers
from models.checkpoint import Loaded


@dataclass(frozen=True)
class Span:
    """The part of a text through which a gradient is followed back.

    Args:
        text: The whole text that is read.
        start: Index of the first character to which the gradient is followed; the text before it is read too.
        at: Index of the predicted character, start < at < len(text); the prediction is made at the character before it.
    """

    text: str
    start: int
    at: int

    @property
    def tokens(self) -> tuple[str, ...]:
        """The characters through which the gradient is followed; the prediction is made at the last one."""
        return tuple(self.text[self.start : self.at])


@dataclass(frozen=True, eq=False)
class Flow:
    """The gradient of the loss at one character: its norms at all earlier states, and the probability of the character."""

    norms: GradientFlow
    probability: float


def flow(loaded: Loaded, span: Span) -> Flow:
    """Norms of the gradient of the loss at one character with respect to all earlier states."""
    recording, every = _recorded(loaded, span)
    return Flow(explorer.gradient_flow(recording, every[-1], span.tokens, path="rnn"), float(np.exp(-every[-1].item())))


def summed(loaded: Loaded, span: Span) -> GradientFlow:
    """Norms of the gradient of the summed loss of all characters of the span, as used in training."""
    recording, every = _recorded(loaded, span)
    return explorer.gradient_flow(recording, every.sum(), span.tokens, path="rnn")


def contributions(loaded: Loaded, span: Span) -> InputGradient:
    """Gradient, and gradient x input, of the loss at one character with respect to each earlier character."""
    module: Any = loaded.module
    if hasattr(module.rnn, "inside"):  # a cell that torch does not have
        return _by_autograd(loaded, span)
    recording, every = _recorded(loaded, span)
    return input_gradient(recording, every[-1], span.tokens, path="rnn")


def _by_autograd(loaded: Loaded, span: Span) -> InputGradient:
    """The same from autograd alone, in the precision of the network: what is smaller than that can hold counts as zero."""
    module: Any = loaded.module
    before, ids = Stream(loaded, span.text[: span.start]), numbers(loaded, span.text[span.start : span.at + 1])
    x = module.input_of_shown(ids[None, :-1], before.state).detach().requires_grad_()
    loss = costs(module.from_shown(x, before.state)[0], ids[1:])[-1]
    gradient, read = (part[0].double().numpy() for part in (torch.autograd.grad(loss, x)[0], x.detach()))
    with np.errstate(divide="ignore"):
        return InputGradient(np.log10(np.linalg.norm(gradient, axis=1)), (gradient * read).sum(1))


def _recorded(loaded: Loaded, span: Span) -> tuple[Any, Any]:
    """A recording of the network over the span, and the loss at every character predicted there, [time]."""
    module: Any = loaded.module
    before, ids = Stream(loaded, span.text[: span.start]), numbers(loaded, span.text[span.start : span.at + 1])
    with explorer.record(module, gradients=True) as recording:
        logits, _ = module(ids[None, :-1], before.state)
    return recording, costs(logits[0], ids[1:])
