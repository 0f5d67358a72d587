"""What tests of recordings share."""

import pytest
import torch
from torch import Tensor, nn


class Pair(nn.Module):
    """A stranger's model: two recurrent networks of different width."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.GRU(3, 4, bidirectional=True, batch_first=True)
        self.decoder = nn.ModuleDict({"rnn": nn.LSTM(8, 5, num_layers=2, dropout=0.5, batch_first=True)})
        self.out = nn.Linear(5, 7)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.decoder["rnn"](self.encoder(x)[0])[0])


@pytest.fixture
def pair() -> Pair:
    torch.manual_seed(0)
    return Pair().eval()
