"""The character language model: a vanilla RNN, LSTM or GRU that predicts the next character."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from models.checkpoint import Loaded
from models.recurrent import CELLS, FORGET_BIAS, has_cell, read_with_fewer_weights, set_forget_bias


class CharLM(nn.Module):
    """Character language model: logits for the next character after each character.

    x_t = E[character t] (its one-hot vector if `embedding` is 0); h_t = cell(x_t, h_{t-1}), in stacked layers;
    logits_t = W h_t + b.

    Args:
        vocab_size: Number of characters, the unknown mark included.
        cell: "rnn" (tanh), "lstm" or "gru".
        layers: Number of recurrent layers.
        units: Units per layer.
        embedding: Width of the character embedding; 0 uses one-hot vectors, as the earliest character models did.
        dropout: Dropout rate between layers and before the output layer, in training only.
        recurrent: Dropout rate of the recurrent weights, fixed over a window, in training only (Merity et al., 2018).
        inputs: Dropout rate of embedding dimensions, fixed over a window, in training only (Gal and Ghahramani, 2016).

    Source: Karpathy, "The Unreasonable Effectiveness of Recurrent Neural Networks", 2015.
    """

    def __init__(self, vocab_size: int, cell: str, layers: int = 2, units: int = 512, embedding=64, dropout=0.0, recurrent=0.0, inputs=0.0):
        super().__init__()
        if cell not in CELLS:
            raise ValueError(f"cell is {cell!r}; expected one of {', '.join(CELLS)}.")
        if not (0 <= recurrent < 1 and 0 <= inputs < 1):
            raise ValueError(f"recurrent is {recurrent} and inputs {inputs}; expected shares, 0 or more and less than 1.")
        self.embedding = nn.Embedding(vocab_size, embedding) if embedding else None
        self.vocab_size, self.recurrent, self.inputs = vocab_size, recurrent, inputs
        self.rnn = CELLS[cell](embedding or vocab_size, units, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.dropout = nn.Dropout(dropout)
        self.readout = nn.Linear(units, vocab_size)
        if cell == "lstm":
            self.set_forget_bias(FORGET_BIAS)

    def set_forget_bias(self, bias: float) -> None:
        """Sets the forget bias of an LSTM, half of it in each of torch's two bias vectors (Gers et al., 2000)."""
        set_forget_bias(self.rnn, bias)

    def forward(self, ids: Tensor, state=None) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
        """Logits [batch, time, vocab] for the character after each of `ids` [batch, time], and the final state."""
        x = self.embedding(ids) if self.embedding is not None else nn.functional.one_hot(ids, self.vocab_size).to(self.readout.weight.dtype)
        hidden, state = self._read(x, state)
        return self.readout(self.dropout(hidden)), state

    def _read(self, x: Tensor, state) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
        if self.training and self.inputs:  # one mask per row, the same at every step
            x = x * nn.functional.dropout(x.new_ones(len(x), 1, x.shape[2]), self.inputs)
        if self.training and self.recurrent:
            return read_with_fewer_weights(self.rnn, self.recurrent, x, state)
        return self.rnn(x, state)


def first_logits(module: Any) -> Tensor:
    """Logits [vocab] for the first character of a text, from the zero state."""
    first = next(module.readout.parameters())
    return module.readout(first.new_zeros(first.shape[1]))


def memory(module: Any, state: Tensor | tuple[Tensor, ...]) -> Tensor:
    """What the recurrent layers keep, [layer, batch, unit], in a returned state: tanh of the cell, or the hidden state."""
    if has_cell(module.rnn):
        return state[1].tanh()
    return state[0] if isinstance(state, tuple) else state


def costs(logits: Tensor, came: Tensor) -> Tensor:
    """Cross-entropy in nats of each character, [time], from the logits [time, vocab] and the actual characters `came` [time]."""
    return -logits.log_softmax(-1).gather(1, came[:, None])[:, 0]


def untrained(loaded: Loaded, seed: int = 0, forget_bias: float | None = None) -> Loaded:
    """The same network with newly initialised weights: the untrained baseline for claims about units.

    Args:
        loaded: The trained network.
        seed: Seed of the weights.
        forget_bias: Forget bias of an LSTM; default: as its class begins, FORGET_BIAS for a CharLM.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = type(loaded.module)(**loaded.card["arguments"])
    if forget_bias is not None and isinstance(module.rnn, nn.LSTM):
        set_forget_bias(module.rnn, forget_bias)
    return replace(loaded, module=module.eval().requires_grad_(False))
