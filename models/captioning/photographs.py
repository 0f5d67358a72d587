"""Photographs that come with the project: what each shows, and the outline of the animal in it, drawn by hand."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

FOLDER = Path(__file__).parents[2] / "pages/_captions/photographs"
LIST = "photographs.toml"
FINE = 20  # points on each side of a region that are compared with the outline
# Words for animals and people that captions use; the first of them in a caption is the word for the main thing in the picture.
LIVING = """
dog dogs puppy puppies cat cats kitten horse horses cow cows sheep lamb pig bird birds duck ducks chicken chickens owl animal animals man
men woman women boy boys girl girls child children person people baby couple
"""


@dataclass(frozen=True)
class Photograph:
    """A photograph that needs no download.

    Args:
        file: Name of its file.
        shows: What it shows, in a few words.
        credit: Author and licence, in Markdown.
        thing: The animal in it, with its article; empty if the photograph has no outline.
        names: Words that name the animal rightly, the most usual first.
        outline: Corners of one or more polygons around it, x and y in turn, in percent of width and height.
    """

    file: str
    shows: str
    credit: str
    thing: str = ""
    names: tuple[str, ...] = ()
    outline: tuple[tuple[float, ...], ...] = ()

    def covered(self, grid: tuple[int, int]) -> np.ndarray:
        """Share of each region of a grid that the animal covers, row by row, [in], 0..1."""
        rows, columns = grid
        fine = Image.new("L", (columns * FINE, rows * FINE))
        for corners in self.outline:
            points = [
                (x * columns * FINE / 100 - 0.5, y * rows * FINE / 100 - 0.5) for x, y in zip(corners[::2], corners[1::2], strict=True)
            ]
            ImageDraw.Draw(fine).polygon(points, 1)
        return np.asarray(fine, np.float64).reshape(rows, FINE, columns, FINE).mean((1, 3)).ravel()

    def where_looked(self, on: float, area: float) -> str:
        """Whether a network looked at the animal, given the share of its attention on it and the share of the picture it covers."""
        if on >= 0.5:
            return f"mostly at {self.thing}"
        return f"{'more' if on > area else 'no more'} at {self.thing} than elsewhere"

    def is_named(self, words: Sequence[str]) -> bool:
        """Whether a caption names the animal rightly."""
        return any(word in self.names for word in words)


def listed(folder: Path = FOLDER) -> dict[str, Photograph]:
    """The photographs of a folder by name, in the order of its list."""
    table = tomllib.loads((folder / LIST).read_text(encoding="utf-8"))
    return {name: Photograph(**row | {key: _frozen(row[key]) for key in ("names", "outline") if key in row}) for name, row in table.items()}


def _frozen(values: list) -> tuple:
    return tuple(tuple(value) if isinstance(value, list) else value for value in values)


def main_word(words: Sequence[str]) -> int | None:
    """Index of the first word for an animal or a person in a caption; None if there is none."""
    return next((index for index, word in enumerate(words) if word in LIVING.split()), None)
