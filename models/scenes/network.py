"""The captioner of drawn scenes: it learns to see and to tell at once, and each of its regions sees only what is near."""

import numpy as np
import torch
from torch import Tensor, nn

from models.captioning.network import Captioner, Memory

GRID = (14, 14)
CHANNELS = 64


class SceneCaptioner(Captioner):
    """A Captioner with eyes of its own: four convolutions of 3 x 3, trained with the rest.

    A region is what is there and where it is. What: of a square of 31 of 112 pixels around its centre, 28 % of a side, and of nothing
    else: to name a thing the network must look at it. The frozen encoder of photographs sees nearly the whole picture in each region;
    there a map could point anywhere and the word still be right. Where: its row and its column, one-hot, and left so, that z_t may
    hold how far down and how far across the look went. Led through the same layer as what is there, places were hardly learnt.

    Three things differ from a Captioner. h_0 = c_0 = 0, so that what is known of a picture is known by looking.
    e_ti = v^T tanh(W [h_{t-1}; E y_{t-1}] + U a_i): the word before is read before it looks. In Xu et al. h_{t-1} alone chooses the
    place, and has not read word t - 1: where two things might be named, the look for "circle" cannot know that "red" was said.
    And the forget gate's bias begins at 1 (Jozefowicz et al., 2015): a place is seen three words before it is said.

    Args:
        vocab_size, attention, units, embedding, width, dropout: As a Captioner's; more units than rows and columns.
    """

    def __init__(
        self, vocab_size: int, attention: str = "soft", units: int = 128, embedding: int = 64, width: int = 64, dropout: float = 0.0
    ):
        if units <= sum(GRID):
            raise ValueError(f"units is {units}; expected more than {sum(GRID)}, which hold rows and columns.")
        super().__init__(vocab_size, attention, GRID[0] * GRID[1], CHANNELS + sum(GRID), units, embedding, width, dropout)
        layers: list[nn.Module] = []
        for channels, out, stride in ((3, 16, 2), (16, 32, 2), (32, CHANNELS, 2), (CHANNELS, CHANNELS, 1)):
            near = nn.Conv2d(channels, out, 3, stride, 1)
            nn.init.kaiming_normal_(near.weight, nonlinearity="relu")  # torch's own are so small that figures are lost on the way
            nn.init.zeros_(near.bias)  # pyright: ignore[reportArgumentType]
            layers += [near, nn.ReLU()]
        if self.looks:
            del self.begin
            self.query = nn.Linear(units + embedding, width)
        self.eyes = nn.Sequential(*layers)
        self.region = nn.Linear(CHANNELS, units - sum(GRID))
        with torch.no_grad():
            self.decoder.bias_ih[units : 2 * units] += 1
        row, column = (torch.eye(side) for side in GRID)
        self.register_buffer("place", torch.cat([row.repeat_interleave(GRID[1], 0), column.repeat(GRID[0], 1)], 1))

    def encode(self, features: Tensor) -> Memory:
        """Take in what `look` gave, [batch, in, channel]: what is there goes through a layer, where it is does not."""
        what, where = features.split([CHANNELS, sum(GRID)], -1)
        regions = torch.cat([self.dropout(torch.relu(self.region(self.dropout(what)))), where], -1)
        return Memory(regions, self.key(regions) if self.looks else regions[..., :0], regions.mean(1))

    def start(self, memory: Memory) -> tuple[Tensor, Tensor]:
        """The decoder's state before the first word, each [batch, unit]: nothing is known yet."""
        return torch.zeros_like(memory.whole), torch.zeros_like(memory.whole)

    def known(self, hidden: Tensor, embedded: Tensor) -> Tensor:
        """What chooses where to look, [batch, known]: h_{t-1} and E y_{t-1}."""
        return torch.cat([hidden, embedded], -1)

    def look(self, pictures: list[np.ndarray] | Tensor) -> Tensor:
        """The vectors [picture, in, channel] of squashed pictures, each [row, column, channel] of 224 x 224, 0..255."""
        table = pictures if isinstance(pictures, Tensor) else torch.from_numpy(np.stack(pictures))
        seen = nn.functional.avg_pool2d(table.to(self.bias).movedim(-1, 1) / 128 - 1, 2)
        vectors = self.eyes(seen).flatten(2).transpose(1, 2)
        return torch.cat([vectors, self.get_buffer("place").expand(len(vectors), -1, -1)], -1)
