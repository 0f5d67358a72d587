"""Attention of a captioner: the picture once per word, dimmed where weights are small, and maps over its regions."""

import base64
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import altair as alt
import numpy as np
import pandas as pd
from PIL import Image

from explorer.axes import Float, UInt8
from explorer.figures.theme import ink, themed

DIMMED = 0.65  # opacity of the black over what was not looked at: 35 % of its light remains
HEAT = ((0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164))  # a heat map's colours from 0 to 1 (inferno)
HEATED = 0.62  # its opacity everywhere
SHOWN = 448  # pixels of the longer side of a picture that is drawn
STRIP = 4  # how many times as long as it is short a picture is drawn at most
ACROSS = 4  # small multiples in a row
SIGNED = {False: ("#2166ac", "#f7f7f7", "#b35806"), True: ("#2166ac", "#1e1e24", "#b35806")}
CENTRED = "weight on the region centred here"  # a region late in a network has seen nearly the whole picture


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture with the attention weights of its regions for each word.

    Args:
        picture: [row, column, channel], 0..255; of any shape, squashed to a square only for the network.
        words: Of the caption, [out].
        weights: Of its regions row by row, 0 or more, [out, in]; what is below 0 is dimmed like 0.
        grid: Rows and columns of the regions.
        root: Whether the scale is that of the square root, which shows small weights too.
    """

    picture: UInt8[np.ndarray, "row column 3"]
    words: tuple[str, ...]
    weights: Float[np.ndarray, "out in"]
    grid: tuple[int, int]
    root: bool = False

    @property
    def top(self) -> float:
        """The largest weight of the whole caption: one scale for all its words."""
        return max(float(self.weights.max(initial=0.0)), 1e-12)

    def shares(self, word: int, size: tuple[int, int], smooth: bool = False) -> np.ndarray:
        """The weights of a word on the scale of the whole caption, for each pixel of a size (width, height), [row, column], 0..1."""
        weights = np.clip(self.weights[word] / self.top, 0, 1)
        return spread(np.sqrt(weights) if self.root else weights, self.grid, size, smooth)


def spread(values: Float[np.ndarray, "in"], grid: tuple[int, int], size: tuple[int, int], smooth: bool = False) -> np.ndarray:
    """Values of regions expanded to the pixels of a picture, [row, column].

    The squash to a square keeps shares of both sides: cell (r, c) of R x C covers rows from r/R to (r + 1)/R of the
    picture's height and columns from c/C to (c + 1)/C of its width, whatever its shape.

    Args:
        values: Of the regions row by row, [in].
        grid: Their rows and columns.
        size: Width and height of the picture.
        smooth: Straight lines between the centres of cells, in place of the cells as they are.
    """
    table = np.asarray(values, np.float64).reshape(grid)
    (rows, columns), (width, height) = grid, size
    down, across = ((np.arange(n) + 0.5) * cells / n for n, cells in ((height, rows), (width, columns)))
    if not smooth:
        return table[down.astype(int)[:, None], across.astype(int)[None]]
    by_row = np.stack([np.interp(across - 0.5, np.arange(columns), row) for row in table])
    return np.stack([np.interp(down - 0.5, np.arange(rows), column) for column in by_row.T], 1)


def overlay(shares: Float[np.ndarray, "row column"], heat: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """What lies over each pixel: its colour, [row, column, channel], 0..255, and its opacity, [row, column, 1], 0..1.

    Args:
        shares: The weight of each pixel on the scale of the caption, 0..1.
        heat: A heat map over the whole picture; else black, the less of it the larger the weight.
    """
    if not heat:
        return np.zeros((*shares.shape, 3)), DIMMED * (1 - shares[..., None])
    stops = np.linspace(0, 1, len(HEAT))
    colours = np.stack([np.interp(shares, stops, channel) for channel in np.array(HEAT, np.float64).T], -1)
    return colours, np.full((*shares.shape, 1), HEATED)


def dimmed(seen: Seen, word: int, smooth: bool = False, heat: bool = False) -> np.ndarray:
    """The picture [row, column, channel] with what was not looked at for a word dimmed, or under a heat map."""
    height, width = seen.picture.shape[:2]
    colour, share = overlay(seen.shares(word, (width, height), smooth), heat)
    return np.floor((1 - share) * seen.picture + share * colour + 0.5).astype(np.uint8)


def mask(seen: Seen, word: int, smooth: bool = False, heat: bool = False) -> bytes:
    """What lies over the picture for a word, as a small PNG to be stretched over it; see `overlay`."""
    rows, columns = seen.grid
    size = (columns * 8, rows * 8) if smooth else (columns, rows)
    colour, share = overlay(seen.shares(word, size, smooth), heat)
    return png(np.floor(np.concatenate([colour, share * 255], 2) + 0.5).astype(np.uint8))


def png(pixels: UInt8[np.ndarray, "row column channel"]) -> bytes:
    """Pixels [row, column, channel] as PNG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def address(content: bytes) -> str:
    """A PNG as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def fitted(picture: UInt8[np.ndarray, "row column 3"], side: int = SHOWN) -> np.ndarray:
    """The picture [row, column, channel] made to fit into a square of `side` pixels; it never grows, and its shape is kept.

    A strip alone is drawn as if it were STRIP times as long as it is short: no place in it could be seen or pressed.
    """
    small = Image.fromarray(picture)
    small.thumbnail((side, side), Image.Resampling.BICUBIC)
    least = max(small.size) // STRIP
    width, height = (max(length, least) for length in small.size)
    return np.asarray(small if (width, height) == small.size else small.resize((width, height), Image.Resampling.BICUBIC))


def multiples(seen: Seen, notes: Sequence[str], smooth: bool = True, dark: bool = False, heat: bool = False) -> alt.TopLevelMixin:
    """The picture once for each word, with the word and a note below; one scale for the whole caption.

    Args:
        seen: What to show.
        notes: Below each word, [out].
        smooth: As `spread`.
        dark: Colours for a dark ground.
        heat: As `overlay`.
    """
    seen = replace(seen, picture=fitted(seen.picture, 224))
    height, width = seen.picture.shape[:2]
    panels = []
    for index, (word, note) in enumerate(zip(seen.words, notes, strict=True)):
        frame = pd.DataFrame({"url": [address(png(dimmed(seen, index, smooth, heat)))]})
        image = (
            alt.Chart(frame)
            .mark_image(width=width, height=height, aria=False)
            .encode(url=alt.Url("url:N"), x=alt.XValue(width / 2), y=alt.YValue(height / 2))
        )
        title = alt.TitleParams([word], subtitle=[note], orient="bottom", color=ink(dark), subtitleColor=ink(dark), anchor="middle")
        panels.append(image.properties(width=width, height=height, title=title))
    figure = alt.concat(*panels, columns=ACROSS, spacing=14)
    return themed(figure, f"The picture once for each word, bright where the attention is. {in_words(seen)}", dark)


def region_map(seen: Seen, word: int, values: Float[np.ndarray, "in"], name: str, dark: bool = False) -> alt.TopLevelMixin:
    """A map of one value per region, in colours with 0 neutral, next to the picture itself.

    Args:
        seen: The picture, its words and its grid; the weights are not used.
        word: Index of the word that the values belong to.
        values: Of the regions row by row, [in].
        name: What the values are.
        dark: Colours for a dark ground.
    """
    picture = fitted(seen.picture, 300)
    (height, width), (rows, columns) = picture.shape[:2], seen.grid
    row, column = np.divmod(np.arange(rows * columns), columns)
    frame = pd.DataFrame({"row": row + 1, "column": column + 1, "value": values})
    frame = frame.assign(left=column * width / columns, right=(column + 1) * width / columns)
    frame = frame.assign(top=row * height / rows, bottom=(row + 1) * height / rows)
    end = float(np.abs(values).max(initial=0.0)) or 1.0
    scale = alt.Scale(domain=[-end, 0, end], range=list(SIGNED[dark]), interpolate="rgb")
    colour = alt.Color("value:Q", scale=scale, legend=alt.Legend(title=[name, "this word"], values=[-end, 0, end], format=".2g"))
    x = alt.X("left:Q", axis=None, scale=alt.Scale(domain=[0, width], nice=False))
    y = alt.Y("top:Q", axis=None, scale=alt.Scale(domain=[0, height], nice=False, reverse=True))
    tooltip = ["row", "column", alt.Tooltip("value", format=".2g", title=name)]
    cells = alt.Chart(frame).mark_rect().encode(x=x, x2=alt.X2("right:Q"), y=y, y2=alt.Y2("bottom:Q"), color=colour, tooltip=tooltip)
    plain = alt.Chart(pd.DataFrame({"url": [address(png(picture))]})).mark_image(width=width, height=height, aria=False)
    plain = plain.encode(url=alt.Url("url:N"), x=alt.XValue(width / 2), y=alt.YValue(height / 2))
    sides = [chart.properties(width=width, height=height) for chart in (plain, cells)]
    most, description = int(np.argmax(values)), f"{name[:1].upper()}{name[1:]}, for the word {seen.words[word]!r}, next to the picture."
    description = f"{description} Largest at row {row[most] + 1}, column {column[most] + 1} of {rows} × {columns}: {values[most]:.2g}."
    return themed(alt.hconcat(*sides, spacing=14), description, dark)


@dataclass(frozen=True)
class Looks:
    """How pictures are drawn.

    Args:
        hidden: Regions that are hidden, counted from 0 row by row.
        smooth: As `spread`.
        heat: As `overlay`.
        dark: Colours for a dark ground.
    """

    hidden: tuple[int, ...] = ()
    smooth: bool = True
    heat: bool = False
    dark: bool = False


def of_word(maps: Mapping[str, Seen], word: int, note: str, looks: Looks) -> alt.TopLevelMixin:
    """The picture of one word, once under each of several maps, side by side; hidden regions are grey.

    Args:
        maps: Name of a map -> the same picture and words with its values, each on the scale of the whole caption.
        word: Index of the word.
        note: Below the pictures.
        looks: How they are drawn.
    """
    panels = []
    for name, seen in maps.items():
        small = replace(seen, picture=fitted(seen.picture))
        height, width = small.picture.shape[:2]
        frame = pd.DataFrame({"url": [address(png(dimmed(small, word, looks.smooth, looks.heat)))]})
        image = alt.Chart(frame).mark_image(width=width, height=height, aria=False)
        image = image.encode(url=alt.Url("url:N"), x=alt.XValue(width / 2), y=alt.YValue(height / 2))
        holes = [
            alt.Chart(pd.DataFrame({"hidden": [1]})).mark_rect(color="#888888", aria=False).encode(
                x=alt.XValue(width * column / small.grid[1]), x2=alt.X2Value(width * (column + 1) / small.grid[1]),
                y=alt.YValue(height * row / small.grid[0]), y2=alt.Y2Value(height * (row + 1) / small.grid[0]),
            )
            for row, column in (divmod(region, small.grid[1]) for region in looks.hidden)
        ]  # fmt: skip
        panels.append(alt.layer(image, *holes).properties(width=width, height=height, title=name))
    first = next(iter(maps.values()))
    lines = [" ".join(first.words), *re.split(r"(?<=\.) ", note)]  # a sentence a line
    colour = ink(looks.dark)
    title = alt.TitleParams([first.words[word]], subtitle=lines, orient="bottom", color=colour, subtitleColor=colour)
    figure = alt.hconcat(*panels, spacing=14).properties(title=title)
    spoken = " ".join(
        f"{name}: {in_words(Seen(seen.picture, (seen.words[word],), seen.weights[[word]], seen.grid))}" for name, seen in maps.items()
    )
    return themed(figure, f"The picture for the word {first.words[word]!r}. {spoken}", looks.dark)


def in_words(seen: Seen, most: int = 30) -> str:
    """The part of the picture with the largest value for each word: the text alternative."""
    rows, columns = seen.grid
    parts = []
    for word, weights in list(zip(seen.words, seen.weights, strict=True))[:most]:
        row, column = divmod(int(np.argmax(weights)), columns)
        parts.append(f"{word}: {where((row + 0.5) / rows, (column + 0.5) / columns)}, {weights.max():.2g}")
    more = f"; and {len(seen.words) - most} more" if len(seen.words) > most else ""
    return f"Largest value of each word: {'; '.join(parts)}{more}."


def where(down: float, across: float) -> str:
    """The ninth of a picture that a point is in, given as shares of its height and width."""
    names = ("top", "", "bottom")[min(2, int(down * 3))], ("left", "", "right")[min(2, int(across * 3))]
    return " ".join(filter(None, names)) or "centre"
