"""Sampling distributions: a network's probabilities after temperature, top-k and top-p."""

import torch
from torch import Tensor


def shares(logits: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None) -> Tensor:
    """Sampling probability of each token [vocab], given logits (or log probabilities) [vocab].

    The unknown mark, id 0, has probability 0. Temperature is applied first, then top-k, then top-p to the remaining tokens.
    """
    logits = logits.double().clone()
    logits[0] = -torch.inf
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(), len(logits)).double()
    share = ((logits - logits.max()) / temperature).softmax(-1)
    order = share.argsort(descending=True, stable=True)
    kept = share[order]
    if top_k is not None:
        kept[top_k:] = 0
        kept /= kept.sum()
    if top_p is not None:
        kept[kept.cumsum(0) - kept >= top_p] = 0  # the token that reaches the threshold is included
        kept /= kept.sum()
    return torch.zeros_like(share).scatter(0, order, kept)
