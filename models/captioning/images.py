"""Reading of untrusted picture files, their resizing for a network, and the mapping between grid cells and pixels."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from models.captioning import decoder
from models.captioning.decoder import EXPECTED, PictureError, identified, loaded

SIDE = 224  # width and height in pixels of a network's input; pictures are squashed to this, as in training
FORMATS = ("JPEG", "PNG", "WEBP")  # decoded here; all others in a process of their own, see models.captioning.decoder
LARGEST_BYTES = 10_000_000
Size = tuple[int, int]


class Box(NamedTuple):
    """A rectangle of a picture, in pixels from its upper left corner; right and bottom are exclusive."""

    left: float
    top: float
    right: float
    bottom: float


def opened(source: str | os.PathLike | bytes, name: str | None = None) -> Image.Image:
    """A picture in RGB, rotated according to its EXIF orientation, with transparent parts white; of several frames, the first.

    Args:
        source: A file, or its bytes, of any format that Pillow reads, or HEIC.
        name: Name to use in error sentences for bytes.

    Raises:
        PictureError: the file is missing, over 10 MB or 40 megapixels, not a picture, truncated or damaged.
    """
    name = name or ("The picture" if isinstance(source, bytes) else str(source))
    content = source if isinstance(source, bytes) else _content(Path(source))
    if len(content) > LARGEST_BYTES:
        raise PictureError(f"{name} is larger than {LARGEST_BYTES // 10**6} MB. Expected a smaller picture: save it with fewer pixels.")
    if not content:
        raise PictureError(f"{name} is empty. {EXPECTED}.")
    picture = identified(content, name, FORMATS)
    if picture is None:
        return decoder.decoded(content, name)
    return loaded(picture, name)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise PictureError(f"{path} does not exist. {EXPECTED}.") from None
    except OSError as error:
        raise PictureError(f"{path} cannot be read ({error.strerror}). {EXPECTED}.") from None


def squashed(picture: Image.Image, side: int = SIDE) -> np.ndarray:
    """The whole picture resized to `side` x `side`, ignoring its aspect ratio; [row, column, channel], 0..255.

    A picture that already has this size is returned unchanged.
    """
    return np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC))


def cell_box(row: int, column: int, grid: tuple[int, int], size: Size) -> Box:
    """The rectangle of a grid cell [row, column] in a picture of size (width, height); squashing preserves relative positions."""
    (rows, columns), (width, height) = grid, size
    return Box(column * width / columns, row * height / rows, (column + 1) * width / columns, (row + 1) * height / rows)


def cell_at(x: float, y: float, grid: tuple[int, int], size: Size) -> tuple[int, int]:
    """The grid cell (row, column) of a point in a picture; a point outside belongs to the nearest cell."""
    (rows, columns), (width, height) = grid, size
    return min(max(int(y * rows // height), 0), rows - 1), min(max(int(x * columns // width), 0), columns - 1)


def spread(weights: np.ndarray, grid: tuple[int, int], size: Size) -> np.ndarray:
    """Weights [in] of a grid, row by row from the upper left, expanded to the pixels [row, column] of a picture.

    A pixel belongs to the cell that contains its centre.
    """
    (rows, columns), (width, height) = grid, size
    down = ((np.arange(height) + 0.5) * rows // height).astype(int)
    across = ((np.arange(width) + 0.5) * columns // width).astype(int)
    return np.asarray(weights).reshape(grid)[down[:, None], across[None]]
