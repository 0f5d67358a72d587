"""What a unit makes a network say: its state is nudged once, at many places of a text, and the next predictions are compared.

Two answers stand side by side. The Jacobian, of the state after one token and the later logits, says what an infinitely small nudge does,
scaled up. The real nudge is run. Signs differ from place to place and cancel in a mean, so quantiles over places are given.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

import explorer
from explorer.errors import AnalysisError
from models.char_lm.experiments.window import Window, window_input
from models.checkpoint import Loaded

HORIZONS = (1, 5, 20)  # the prediction of the next token, of the fifth, of the twentieth; the text itself is read in between
PLACES = 64  # at most
FEWEST = 8  # places that are needed for quantiles


@dataclass(frozen=True, eq=False)
class WhatNext:
    """How the logits change, less their mean over the vocabulary, after a nudge of one unit.

    Args:
        horizons: How many tokens later, [horizon].
        places: Indices in the window of the tokens after which the state was nudged, [place].
        nudge: By how much, one standard deviation of the unit on this text.
        linear: The Jacobian times the nudge, [place, horizon, vocab].
        real: The change after the real nudge, [place, horizon, vocab].
        p: Probability of each token without the nudge, [place, horizon, vocab].
    """

    horizons: tuple[int, ...]
    places: np.ndarray
    nudge: float
    linear: np.ndarray
    real: np.ndarray
    p: np.ndarray

    def strongest(self, count: int) -> np.ndarray:
        """Tokens whose probability the real nudge changes most at each horizon, by the mean size over places, [horizon, rank].

        Not by the logit alone: that of a token which never comes next may change most.
        """
        changed = self.p * np.exp(self.real)
        changed /= changed.sum(axis=-1, keepdims=True)
        return np.argsort(-np.abs(changed - self.p).mean(axis=0), axis=1, kind="stable")[:, :count]

    def agreement(self) -> np.ndarray:
        """Correlation of the Jacobian's answer with the real one over all places and tokens, at each horizon, [horizon]."""
        return np.array([np.corrcoef(self.linear[:, at].ravel(), self.real[:, at].ravel())[0, 1] for at in range(len(self.horizons))])


def what_next(loaded: Loaded, window: Window, layer: int, unit: int) -> WhatNext:
    """Nudge the state of one unit after up to 64 tokens of a window, one at a time, and read on.

    Args:
        loaded: The network, which predicts.
        window: The recorded window.
        layer: Index of the layer, counted from 0.
        unit: Index of the unit, counted from 0.

    Raises:
        AnalysisError: the text is too short, the unit never changes, or the network has recurrent layers that the window does not show.
        InterventionError: the network cannot be run with a changed state.

    Source of the product with the Jacobian: Townsend, "A new trick for calculating Jacobian vector products", 2017.
    """
    module: Any = loaded.module
    if len(getattr(module, "below", ())) or len(getattr(module, "above", ())):
        raise AnalysisError("This network has recurrent layers beside those that are shown, so its state cannot be put together from them.")
    ids = window_input(window.reading, window.part)[0][0]
    last = len(ids) - HORIZONS[-1]
    if last < FEWEST:
        raise AnalysisError(f"The text has {len(ids)} tokens here; nudging needs at least {HORIZONS[-1] + FEWEST}.")
    places = np.unique(np.linspace(1, last, min(PLACES, last)).astype(int))
    carried = window.trace.hidden if window.trace.cell is None else window.trace.cell
    nudge = float(carried[:, layer, unit].std())
    if nudge == 0:
        raise AnalysisError(f"Unit {unit} of layer {layer + 1} has the same value after every token of this text.")
    read = torch.stack([ids[at : at + HORIZONS[-1]] for at in places])
    state, like = _states(loaded, window, places), next(module.parameters())

    def logits(shift: Tensor) -> Tensor:
        """After a shift of each row, [1, place, 1]."""
        steps = torch.tensor(HORIZONS) - 1
        with explorer.intervene(module, "rnn", layer, units=unit, shift=shift, steps=0) as nudged:
            after = nudged(read, state)[0][:, steps].double()
        return after - after.mean(dim=-1, keepdim=True)

    shift = like.new_zeros(1, len(places), 1, requires_grad=True)
    with torch.enable_grad():
        before = logits(shift)
        linear = _jacobian_times(before, shift, nudge)
    with torch.no_grad():
        real = logits(shift + nudge) - before
    return WhatNext(HORIZONS, places, nudge, linear.detach().numpy(), real.numpy(), before.detach().softmax(-1).numpy())


def _jacobian_times(after: Tensor, shift: Tensor, nudge: float) -> Tensor:
    """Derivative of `after` [place, horizon, vocab] by the shift of each place, times a nudge.

    One backward pass gives the derivative of one number by all shifts. Here all numbers are wanted by one shift each: the gradient is
    linear in the weights that it is given for the numbers, so its own derivative by these weights is what is wanted.
    """
    weights = torch.zeros_like(after, requires_grad=True)
    (gradient,) = torch.autograd.grad(after, shift, weights, create_graph=True)
    (product,) = torch.autograd.grad(gradient, weights, torch.full_like(gradient, nudge))
    return product


def _states(loaded: Loaded, window: Window, places: np.ndarray) -> Any:
    """The state before each place as rows of a batch, as the module takes it."""
    like = next(loaded.module.parameters())
    parts = [part for part in (window.trace.hidden, window.trace.cell) if part is not None]
    rows = tuple(torch.from_numpy(np.ascontiguousarray(part[places - 1].transpose(1, 0, 2))).to(like) for part in parts)
    return rows if len(rows) == 2 else rows[0]
