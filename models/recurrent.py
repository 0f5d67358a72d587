"""Recurrent layers by the names that cards give them, how a new LSTM begins, and dropout of recurrent weights."""

import torch
from torch import Tensor, nn

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
FORGET_BIAS = 1.0  # of a new LSTM: forget gates near 0.73, so that the first gradients reach further back


def set_forget_bias(layers: nn.LSTM, bias: float = FORGET_BIAS) -> None:
    """Give every forget gate of an LSTM this bias, half of it in each of torch's two (Gers et al., 2000)."""
    units = layers.hidden_size
    for layer in range(layers.num_layers):
        for part in ("ih", "hh"):
            getattr(layers, f"bias_{part}_l{layer}").data[units : 2 * units].fill_(bias / 2)


def read_with_fewer_weights(layers: nn.RNNBase, share: float, x: Tensor, state: Tensor | tuple[Tensor, Tensor] | None):
    """The output and last state of recurrent layers with some of their weights from state to state set to 0 for the whole call.

    One mask serves all steps and rows, so the recurrence is regularised without noise from step to step; the weights left
    are scaled up, as dropout does.

    Args:
        layers: Any nn.RNN, nn.LSTM or nn.GRU of one direction.
        share: Share of each layer's recurrent weights that is dropped, 0 or more and less than 1.
        x: Inputs, [batch, time, input] where the layers are batch first.
        state: As the layers take it.

    Source: Merity, Keskar and Socher, "Regularizing and Optimizing LSTM Language Models", 2018.
    """
    names = [f"weight_hh_l{layer}" for layer in range(layers.num_layers)]
    fewer = {name: nn.functional.dropout(layers.get_parameter(name), share) for name in names}
    return torch.func.functional_call(layers, fewer, (x, state))
