"""Recurrent layers by the names that cards give them, and how a new LSTM begins."""

from torch import nn

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
FORGET_BIAS = 1.0  # of a new LSTM: forget gates near 0.73, so that the first gradients reach further back


def set_forget_bias(layers: nn.LSTM, bias: float = FORGET_BIAS) -> None:
    """Give every forget gate of an LSTM this bias, half of it in each of torch's two (Gers et al., 2000)."""
    units = layers.hidden_size
    for layer in range(layers.num_layers):
        for part in ("ih", "hh"):
            getattr(layers, f"bias_{part}_l{layer}").data[units : 2 * units].fill_(bias / 2)
