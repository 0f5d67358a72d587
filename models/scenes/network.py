"""The scene captioner: a convolutional encoder with a small receptive field, trained together with the decoder."""

import numpy as np
import torch
from torch import Tensor, nn

from models.captioning.network import Captioner, Memory

GRID = (14, 14)
CHANNELS = 64


class SceneCaptioner(Captioner):
    """A Captioner with its own image encoder, four 3 x 3 convolutions trained jointly with the decoder.

    The features of a region hold its content and its position. The content comes from a receptive field of 31 of 112 pixels around
    the region's centre, 28 % of a side, so the network must attend to a thing to name it. In the frozen encoder of photographs the
    receptive field of each region is nearly the whole picture, so attention could be anywhere and the word still be correct. The
    position is the one-hot row and column, not projected, so that z_t contains the position of the attention. When position passed
    through the same layer as content, positions were hardly learnt.

    There are three differences from a Captioner. The initial state is h_0 = c_0 = 0, so that all information about the picture
    passes through attention. The attention query includes the previous word: e_ti = v^T tanh(W [h_{t-1}; E y_{t-1}] + U a_i). In Xu
    et al. the query is h_{t-1} alone, which has not read word t - 1; with two things in the scene, the attention for "circle" cannot
    depend on the word "red" before it. The forget bias starts at 1 (Jozefowicz et al., 2015), because a position must be remembered
    for three words before it is named.

    Args:
        vocab_size: As in Captioner.
        attention: As in Captioner.
        units: As in Captioner; more than the sum of rows and columns.
        embedding: As in Captioner.
        width: As in Captioner.
        dropout: As in Captioner.
    """

    def __init__(
        self, vocab_size: int, attention: str = "soft", units: int = 128, embedding: int = 64, width: int = 64, dropout: float = 0.0
    ):
        if units <= sum(GRID):
            raise ValueError(f"units is {units}; expected more than {sum(GRID)}, the units for rows and columns.")
        super().__init__(vocab_size, attention, GRID[0] * GRID[1], CHANNELS + sum(GRID), units, embedding, width, dropout)
        layers: list[nn.Module] = []
        for channels, out, stride in ((3, 16, 2), (16, 32, 2), (32, CHANNELS, 2), (CHANNELS, CHANNELS, 1)):
            near = nn.Conv2d(channels, out, 3, stride, 1)
            nn.init.kaiming_normal_(near.weight, nonlinearity="relu")  # with torch's default scale the signal vanishes over the layers
            nn.init.zeros_(near.bias)  # pyright: ignore[reportArgumentType]
            layers += [near, nn.ReLU()]
        if self.looks:
            del self.begin
            self.query = nn.Linear(units + embedding, width)
        self.eyes = nn.Sequential(*layers)
        self.region = nn.Linear(CHANNELS, units - sum(GRID))
        with torch.no_grad():
            self.decoder.bias_ih[units : 2 * units] += 1
        row, column = (torch.eye(side, device="cpu") for side in GRID)  # without memory, torch would import its compiler for it
        self.register_buffer("place", torch.cat([row.repeat_interleave(GRID[1], 0), column.repeat(GRID[0], 1)], 1))

    def encode(self, features: Tensor) -> Memory:
        """The decoder's memory from features of `look` [batch, in, channel]: content is projected, position is not."""
        what, where = features.split([CHANNELS, sum(GRID)], -1)
        regions = torch.cat([self.dropout(torch.relu(self.region(self.dropout(what)))), where], -1)
        return Memory(regions, self.key(regions) if self.looks else regions[..., :0], regions.mean(1))

    def start(self, memory: Memory) -> tuple[Tensor, Tensor]:
        """The decoder's initial state, zero, each [batch, unit]."""
        return torch.zeros_like(memory.whole), torch.zeros_like(memory.whole)

    def known(self, hidden: Tensor, embedded: Tensor) -> Tensor:
        """The attention query, [batch, known]: h_{t-1} and E y_{t-1}."""
        return torch.cat([hidden, embedded], -1)

    def look(self, pictures: list[np.ndarray] | Tensor) -> Tensor:
        """Features [picture, in, channel] of squashed pictures, each [row, column, channel] of 224 x 224, 0..255."""
        table = pictures if isinstance(pictures, Tensor) else torch.from_numpy(np.stack(pictures))
        seen = nn.functional.avg_pool2d(table.to(self.bias).movedim(-1, 1) / 128 - 1, 2)
        vectors = self.eyes(seen).flatten(2).transpose(1, 2)
        return torch.cat([vectors, self.get_buffer("place").expand(len(vectors), -1, -1)], -1)
