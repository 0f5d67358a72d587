"""Occlusion: a caption with some regions of its picture hidden, by other pixels or by the features of the mean picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFilter

from models.captioning.images import spread

if TYPE_CHECKING:
    from torch import Tensor

    from models.checkpoint import Loaded
    from models.decoding import Search

FILLS = ("grey", "blur")  # what replaces hidden pixels
ACROSS = 3  # side of the hidden square in regions, of 14
COARSE = 7  # regions per side; in such a coarse grid each region has seen nearly the whole picture
GREY = 127  # becomes about 0 in an encoder
NEEDS = float(np.log(2))  # loss in nats of a word whose probability is halved
WOULD, WOULD_NOT, CANNOT_TELL = "stays", "disappears", "cannot tell"  # verdict on a word when regions are hidden
CHANGES, STAYS = "changes", "stays"  # the same for an example, as stored in cards


@dataclass(frozen=True, eq=False)
class Without:
    """A caption with some regions hidden, in two ways.

    Args:
        pixels: The new caption with other pixels in the hidden regions.
        mean: The new caption with the features of the mean picture there.
        change: Change in log probability of each original word, given the same previous words, [way, out]; ways as above.
        says: For each word WOULD, WOULD_NOT or CANNOT_TELL, [out].
    """

    pixels: str
    mean: str
    change: np.ndarray
    says: tuple[str, ...]


def around(cell: tuple[int, int], grid: tuple[int, int], side: int) -> tuple[int, ...]:
    """The regions of a square with side `side` around a cell, clipped to the grid."""
    reach = side // 2
    rows, columns = (range(max(0, at - reach), min(cells, at + reach + 1)) for at, cells in zip(cell, grid, strict=True))
    return tuple(row * grid[1] + column for row in rows for column in columns)


def side(grid: tuple[int, int]) -> int:
    """Side of the square that is hidden together, in regions: of a coarse grid one region, which has seen nearly the whole picture."""
    return ACROSS if grid[0] > COARSE else 1


def squares(grid: tuple[int, int]) -> list[tuple[int, ...]]:
    """The regions that an occlusion map hides together, for each region of a grid: itself in a coarse grid, else the square around it.

    In a fine grid its neighbours show nearly the same, so a word hardly misses one region alone.
    """
    cells = ((row, column) for row in range(grid[0]) for column in range(grid[1]))
    return [around(cell, grid, side(grid)) for cell in cells]


def filled(picture: np.ndarray, regions: Sequence[int], grid: tuple[int, int], fill: str = "grey") -> np.ndarray:
    """A picture [row, column, channel] with other pixels in some regions; every other pixel stays as it is.

    Args:
        picture: A square network input.
        regions: Regions to fill, counted from 0 row by row.
        grid: Rows and columns of the regions.
        fill: "grey", or "blur": the picture itself, blurred by an eighth of its side.
    """
    side = len(picture)
    holes = np.zeros(grid[0] * grid[1])
    holes[list(regions)] = 1
    other = np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(side / 8))) if fill == "blur" else np.uint8(GREY)
    return np.where(spread(holes, grid, (side, side))[..., None] > 0, other, picture).astype(np.uint8)


def without(loaded: "Loaded", own: "Tensor", other: "Tensor", regions: Sequence[int], search: "Search", tokens: Sequence[int]) -> Without:
    """The captions with some regions hidden, and the change in log probability of each original word.

    Args:
        loaded: A captioner.
        own: Features of the picture, [in, channel].
        other: Features of the picture with other pixels in those regions, [in, channel].
        regions: Hidden regions, counted from 0 row by row.
        search: Search settings for the new captions.
        tokens: Ids of the original words, the end mark last, [out].
    """
    from models.captioning import caption

    module: Any = loaded.module
    mean = caption.without(module, own, regions)
    before, *after = (caption.log_probabilities(module, features[None].to(mean), tokens)[0] for features in (own, other, mean))
    new = [caption.describe(module, loaded.vocab, features, search).text for features in (other, mean)]
    change = np.stack(after) - before
    return Without(new[0], new[1], change, says(change))


def says(change: np.ndarray) -> tuple[str, ...]:
    """Whether each word stays or disappears when a region is hidden; decided only where both ways of hiding agree.

    Args:
        change: Change in log probability of each word, [way, out], nats.
    """
    lost = -change > NEEDS
    return tuple(WOULD_NOT if ways.all() else CANNOT_TELL if ways.any() else WOULD for ways in lost.T)
