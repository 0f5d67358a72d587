"""Reading of untrusted picture files, their resizing for a network, and the mapping between grid cells and pixels."""

import io
import os
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from explorer.errors import ExplorerError

SIDE = 224  # width and height in pixels of a network's input; pictures are squashed to this, as in training
FORMATS = ("JPEG", "PNG", "WEBP")
LARGEST_BYTES, LARGEST_PIXELS = 10_000_000, 40_000_000
Size = tuple[int, int]

# Pillow warns from 90 megapixels; larger pictures are refused below with an error sentence.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


class PictureError(ExplorerError):
    """The file is not a picture, or is refused."""


class Box(NamedTuple):
    """A rectangle of a picture, in pixels from its upper left corner; right and bottom are exclusive."""

    left: float
    top: float
    right: float
    bottom: float


def opened(source: str | os.PathLike | bytes, name: str | None = None) -> Image.Image:
    """A picture in RGB, rotated according to its EXIF orientation, with transparent parts white.

    Args:
        source: A file, or its bytes.
        name: Name to use in error sentences for bytes.

    Raises:
        PictureError: the file is missing, over 10 MB or 40 megapixels, not a JPEG, PNG or WebP, truncated or damaged.
    """
    name = name or ("The picture" if isinstance(source, bytes) else str(source))
    content = source if isinstance(source, bytes) else _content(Path(source))
    if len(content) > LARGEST_BYTES:
        raise PictureError(f"{name} is larger than {LARGEST_BYTES // 10**6} MB. Expected a smaller picture: save it with fewer pixels.")
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)  # reads the size, decodes nothing
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(_too_large(name)) from None
    except Exception:  # Pillow raises a dozen kinds of errors for files that are not pictures
        what = "is empty" if not content else "is not a readable picture, or is truncated"
        raise PictureError(f"{name} {what}. Expected a JPEG, PNG or WebP file.") from None
    if picture.width * picture.height > LARGEST_PIXELS:
        raise PictureError(_too_large(name, (picture.width, picture.height)))
    try:
        picture.load()
        return _plain(ImageOps.exif_transpose(picture))
    except Exception as error:  # likewise for a damaged one
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise PictureError(f"{name} is truncated or damaged ({reason}). Expected a whole JPEG, PNG or WebP file: copy it again.") from None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise PictureError(f"{path} does not exist. Expected a JPEG, PNG or WebP file.") from None
    except OSError as error:
        raise PictureError(f"{path} cannot be read ({error.strerror}). Expected a JPEG, PNG or WebP file.") from None


def _too_large(name: str, size: Size | None = None) -> str:
    got = f"{size[0]:,} x {size[1]:,}" if size else "far too many"
    return f"{name} has {got} pixels; expected at most {LARGEST_PIXELS // 10**6} megapixels. Save it with fewer."


def _plain(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits per pixel, which Pillow would clip at 255
        picture = Image.fromarray((np.asarray(picture).astype(np.int64).clip(0, 65_535) >> 8).astype(np.uint8))
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        picture = Image.new("RGBA", picture.size, "white")
        picture.alpha_composite(clear)
    return picture.convert("RGB")


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
