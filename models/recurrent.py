"""Recurrent layers by their names in cards, the initial forget bias of an LSTM, and dropout of recurrent weights."""

import torch
from torch import Tensor, nn

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
FORGET_BIAS = 1.0  # initial forget bias of an LSTM: forget gates start near 0.73, so that early gradients reach further back


def has_cell(layers: nn.Module) -> bool:
    """Whether recurrent layers keep a cell state beside the hidden one: those of torch, or others that say what their `cell` is."""
    return isinstance(layers, nn.LSTM) or getattr(layers, "cell", "") == "lstm"


def set_forget_bias(layers: nn.LSTM, bias: float = FORGET_BIAS) -> None:
    """Sets the forget bias of an LSTM, half of it in each of torch's two bias vectors (Gers et al., 2000)."""
    units = layers.hidden_size
    for layer in range(layers.num_layers):
        for part in ("ih", "hh"):
            getattr(layers, f"bias_{part}_l{layer}").data[units : 2 * units].fill_(bias / 2)


def read_with_fewer_weights(layers: nn.RNNBase, share: float, x: Tensor, state: Tensor | tuple[Tensor, Tensor] | None):
    """Output and final state of recurrent layers with a random part of their recurrent weights set to 0 for the whole call.

    One mask is used for all steps and rows, so that the recurrence is regularised without noise between steps; the remaining
    weights are scaled up, as in dropout.

    Args:
        layers: Any unidirectional nn.RNN, nn.LSTM or nn.GRU.
        share: Dropout rate of each layer's recurrent weights, 0 or more and less than 1.
        x: Inputs, [batch, time, input] if the layers are batch first.
        state: Initial state, in the form that the layers take.

    Source: Merity, Keskar and Socher, "Regularizing and Optimizing LSTM Language Models", 2018.
    """
    names = [f"weight_hh_l{layer}" for layer in range(layers.num_layers)]
    fewer = {name: nn.functional.dropout(layers.get_parameter(name), share) for name in names}
    return torch.func.functional_call(layers, fewer, (x, state))
