"""What a token is drawn from: the probabilities of a network, sharpened or cut."""

import torch
from torch import Tensor


def shares(logits: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None) -> Tensor:
    """What is drawn from: the probability of each token [vocab], given logits (or log-probabilities) [vocab].

    The unknown mark, number 0, is never drawn. Order: temperature, then top-k, then top-p of what is left.
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
        kept[kept.cumsum(0) - kept >= top_p] = 0  # the token that crosses the share still counts
        kept /= kept.sum()
    return torch.zeros_like(share).scatter(0, order, kept)
