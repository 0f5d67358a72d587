"""The captioner of drawn scenes: it learns to see and to tell at once, and each of its regions sees only what is near."""

import numpy as np
import torch
from torch import Tensor, nn

from models.captioner import Captioner

GRID = (14, 14)
CHANNELS = 64


class SceneCaptioner(Captioner):
    """A Captioner with eyes of its own: four convolutions of 3 x 3, trained with the rest.

    A region's vector depends on a square of 31 of 112 pixels around its centre, 28 % of a side, and on where it is (its row and its
    column, one-hot), on nothing else: to name a thing the network must look at it. The frozen encoder of photographs sees
    nearly the whole picture in each region; there a map could point anywhere and the word still be right.

    Args:
        vocab_size, attention, units, embedding, width, dropout: As a Captioner's.
    """

    place: Tensor

    def __init__(
        self, vocab_size: int, attention: str = "soft", units: int = 128, embedding: int = 64, width: int = 64, dropout: float = 0.0
    ):
        super().__init__(vocab_size, attention, GRID[0] * GRID[1], CHANNELS + sum(GRID), units, embedding, width, dropout)
        layers: list[nn.Module] = []
        for channels, out, stride in ((3, 16, 2), (16, 32, 2), (32, CHANNELS, 2), (CHANNELS, CHANNELS, 1)):
            near = nn.Conv2d(channels, out, 3, stride, 1)
            nn.init.kaiming_normal_(near.weight, nonlinearity="relu")  # torch's own are so small that figures are lost on the way
            nn.init.zeros_(near.bias)  # pyright: ignore[reportArgumentType]
            layers += [near, nn.ReLU()]
        self.eyes = nn.Sequential(*layers)
        row, column = (torch.eye(side) for side in GRID)
        self.register_buffer("place", torch.cat([row.repeat_interleave(GRID[1], 0), column.repeat(GRID[0], 1)], 1))

    def look(self, pictures: list[np.ndarray] | Tensor) -> Tensor:
        """The vectors [picture, in, channel] of squashed pictures, each [row, column, channel] of 224 x 224, 0..255."""
        table = pictures if isinstance(pictures, Tensor) else torch.from_numpy(np.stack(pictures))
        seen = nn.functional.avg_pool2d(table.to(self.bias).movedim(-1, 1) / 128 - 1, 2)
        vectors = self.eyes(seen).flatten(2).transpose(1, 2)
        return torch.cat([vectors, self.place.expand(len(vectors), -1, -1)], -1)
