"""The GRU as torch computes it, and as lectures and papers write it: two differences, run side by side on the same weights.

Which end of z keeps. torch and Cho et al. (2014): h_t = (1 - z) n + z h_{t-1}: 1 keeps. Chung et al. (2014) and many lectures:
h_t = z n + (1 - z) h_{t-1}: 1 writes. One is the other with the rows of z negated, for sigmoid(-a) = 1 - sigmoid(a).

Where the reset gate stands. torch: n = tanh(W x + b + r (U h + d)), after the matrix product. Cho et al.:
n = tanh(W x + b + U (r h) + d), before it. These are two networks: what is reset is a number of each row or of each column of U.

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
    """Which GRU is computed; torch's own by default.

    Args:
        z_writes: Whether h = z n + (1 - z) h, so that 1 writes.
        reset_first: Whether the reset gate stands before the matrix product.
        negated: Whether the rows of z are taken with the other sign.
    """

    z_writes: bool = False
    reset_first: bool = False
    negated: bool = False


def run(module: nn.GRU, x: Tensor, state: Tensor, form: Form) -> Tensor:
    """Output of the top layer [time, unit] of a GRU that reads forwards, in one of the forms, with the module's own weights.

    Args:
        module: Whose weights are taken.
        x: What it reads, [time, feature].
        state: What it begins with, [layer, unit].
        form: Which GRU.
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
    """What each character but the first costs a character GRU in one of the forms, [time], bits.

    Args:
        loaded: The network, a GRU.
        text: At least two characters. before: what is read first, by torch itself.
        form: Which GRU.
    """
    module: Any = loaded.module
    ids, state = torch.tensor(loaded.vocab.encode(text)), Stream(loaded, before).state
    start = torch.zeros(module.rnn.num_layers, module.rnn.hidden_size) if state is None else state[:, 0]
    with torch.inference_mode():
        one_hot = nn.functional.one_hot(ids, module.vocab_size).float()
        x = one_hot if module.embedding is None else module.embedding(ids)
        logs = module.readout(run(module.rnn, x[:-1], start, form)).double().log_softmax(-1)
        return -logs.gather(1, ids[1:, None])[:, 0].numpy() / np.log(2)
