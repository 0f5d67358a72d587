"""Variants of the GRU, as in torch and as in papers and lectures, computed with the same weights. They differ in two ways.

Meaning of the update gate z. torch and Cho et al. (2014): h_t = (1 - z) n + z h_{t-1}, so z = 1 keeps the state. Chung et al.
(2014) and many lectures: h_t = z n + (1 - z) h_{t-1}, so z = 1 overwrites it. Negating the rows of z in the weights turns one
into the other, because sigmoid(-a) = 1 - sigmoid(a).

Position of the reset gate r. torch: n = tanh(W x + b + r (U h + d)), after the matrix product. Cho et al.:
n = tanh(W x + b + U (r h) + d), before it. These are different networks: r scales the rows of U or its columns.

Sources: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation", 2014;
Chung et al., "Empirical Evaluation of Gated Recurrent Neural Networks on Sequence Modeling", 2014.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.char_lm.reading import Stream
from models.checkpoint import Loaded


@dataclass(frozen=True)
class Form:
    """A variant of the GRU; the default is that of torch.

    Args:
        z_writes: Whether h = z n + (1 - z) h, so that z = 1 overwrites the state.
        reset_first: Whether the reset gate is applied before the matrix product.
        negated: Whether the rows of z are negated.
    """

    z_writes: bool = False
    reset_first: bool = False
    negated: bool = False


def run(module: nn.GRU, x: Tensor, state: Tensor, form: Form) -> Tensor:
    """Output of the top layer [time, unit] of a forward GRU under one of the variants, with the module's own weights.

    Args:
        module: The GRU whose weights are used.
        x: Input, [time, feature].
        state: Initial state, [layer, unit].
        form: The variant.
    """
    with torch.inference_mode():
        for layer in range(module.num_layers):
            W, U, b, d = (getattr(module, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            h, steps = state[layer], []
            for own in x @ W.T + b:
                h = _step(own, h, (U, d), form)
                steps.append(h)
            x = torch.stack(steps)
    return x


def _step(own: Tensor, h: Tensor, weights: tuple[Tensor, Tensor], form: Form) -> Tensor:
    """One step: `own` is W x + b of the three gates, reset, update and candidate, [gate * unit]."""
    (U, d), units = weights, len(h)
    a_r, a_z = (own[: 2 * units] + U[: 2 * units] @ h + d[: 2 * units]).chunk(2)
    r, z = torch.sigmoid(a_r), torch.sigmoid(-a_z if form.negated else a_z)
    a, U, d = own[2 * units :], U[2 * units :], d[2 * units :]
    n = torch.tanh(a + U @ (r * h) + d if form.reset_first else a + r * (U @ h + d))
    return z * n + (1 - z) * h if form.z_writes else (1 - z) * n + z * h


def bits(loaded: Loaded, text: str, before: str, form: Form) -> np.ndarray:
    """Surprise in bits of each character but the first for a character GRU under one of the variants, [time].

    Args:
        loaded: The network, a GRU.
        text: Text to read, at least two characters.
        before: Preceding text, read by torch's own GRU.
        form: The variant.
    """
    module: Any = loaded.module
    ids, state = torch.tensor(loaded.vocab.encode(text)), Stream(loaded, before).state
    start = torch.zeros(module.rnn.num_layers, module.rnn.hidden_size) if state is None else state[:, 0]
    with torch.inference_mode():
        one_hot = nn.functional.one_hot(ids, module.vocab_size).float()
        x = one_hot if module.embedding is None else module.embedding(ids)
        logs = module.readout(run(module.rnn, x[:-1], start, form)).double().log_softmax(-1)
        return -logs.gather(1, ids[1:, None])[:, 0].numpy() / np.log(2)
