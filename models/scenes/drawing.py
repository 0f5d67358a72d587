"""Pictures of figures: with a soft light and a shadow over a landscape, or flat on one colour."""

import math
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from models.captioning.images import Box

Colour = tuple[int, int, int]
Figure = tuple[str, Colour, Box]  # shape, colour and bounding box in pixels
LIGHT = 0.30  # how far a figure's colour goes towards white at its upper left
SHADE = 0.16  # and towards black at its lower right
SHADOW = 0.30  # largest opacity of a shadow
HILLS = ((0.60, 0.035, 1.3, 0.4), (0.74, 0.045, 0.9, 2.6))  # far and near: height, swing, waves across the picture, phase
BRIGHT = 3 * 110  # sum of red, green and blue of a sky by day
LANDSCAPES: dict[Colour, tuple[Colour, Colour, Colour, Colour]] = {  # of a flat ground: sky, sky at the horizon, far hill, near hill
    (250, 250, 248): ((206, 226, 244), (248, 250, 250), (234, 241, 247), (220, 231, 241)),  # snow
    (205, 205, 200): ((178, 198, 210), (228, 228, 216), (190, 202, 176), (166, 186, 148)),  # morning
    (150, 155, 160): ((128, 152, 176), (198, 206, 210), (124, 150, 164), (100, 128, 144)),  # lake
    (90, 95, 100): ((66, 76, 112), (178, 146, 144), (86, 88, 102), (64, 70, 80)),  # dusk
    (25, 28, 32): ((14, 20, 44), (54, 66, 100), (28, 38, 52), (17, 24, 34)),  # night
    (225, 205, 165): ((236, 204, 150), (248, 232, 204), (216, 186, 134), (198, 164, 112)),  # desert
    (175, 205, 225): ((146, 194, 232), (216, 234, 242), (164, 204, 152), (134, 184, 120)),  # meadow
}


def is_bright(ground: Colour) -> bool:
    """Whether the sky of a landscape is bright, as by day; `ground` names the landscape, one of LANDSCAPES."""
    sky, *_ = LANDSCAPES[ground]
    return sum(sky) > BRIGHT


def shaded(ground: Colour, figures: list[Figure], side: int) -> Image.Image:
    """Figures lit from the upper left, each with a soft shadow, over a landscape; `side` pixels square, antialiased.

    Args:
        ground: Names the landscape, one of LANDSCAPES.
        figures: What to draw.
        side: Width and height in pixels.
    """
    picture = _landscape(ground, side).copy()
    for shape, colour, box in figures:
        size = box.right - box.left
        blur = max(1, round(size * 0.07))
        below = Box(box.left + size * 0.05, box.top + size * 0.09, box.right + size * 0.05, box.bottom + size * 0.09)
        share, corner = _mask(shape, below, 3 * blur)
        soft = share.filter(ImageFilter.GaussianBlur(blur)).point([round(SHADOW * value) for value in range(256)])
        picture.paste((0, 0, 0), corner, soft)
        share, corner = _mask(shape, box)
        picture.paste(_lit(colour).resize(share.size), corner, share)
    return picture


def flat(ground: Colour, figures: list[Figure], side: int) -> Image.Image:
    """Figures in one colour each on a ground of one colour; arguments as for `shaded`."""
    picture = Image.new("RGB", (side, side), ground)
    for shape, colour, box in figures:
        share, corner = _mask(shape, box)
        picture.paste(colour, corner, share)
    return picture


@cache
def _landscape(ground: Colour, side: int) -> Image.Image:
    """A sky that grows paler towards two hills, which are darker towards the bottom."""
    sky, horizon, *hills = (np.array(colour, np.float64) for colour in LANDSCAPES[ground])
    down, across = (np.arange(side)[:, None] + 0.5) / side, (np.arange(side)[None] + 0.5) / side
    picture = sky + (horizon - sky) * np.clip(down / HILLS[0][0], 0, 1)[..., None] + np.zeros((side, side, 1))
    for colour, (height, swing, waves, phase) in zip(hills, HILLS, strict=True):
        edge = height + swing * np.sin(2 * math.pi * waves * across + phase)
        share = np.clip((down - edge) * side + 0.5, 0, 1)[..., None]
        darker = 1 - 0.12 * np.clip((down - edge) / (1 - height), 0, 1)[..., None]
        picture += (colour * darker - picture) * share
    return Image.fromarray(np.floor(picture + 0.5).astype(np.uint8))


@cache
def _lit(colour: Colour, side: int = 64) -> Image.Image:
    """A square of a colour, lit from the upper left."""
    at = (np.arange(side) + 0.5) / side
    slope = 1 - at[:, None, None] - at[None, :, None]  # 1 at the upper left, -1 at the lower right
    main = np.array(colour, np.float64)
    lit = np.where(slope > 0, main + (255 - main) * LIGHT * slope, main * (1 + SHADE * slope))
    return Image.fromarray(np.floor(lit + 0.5).astype(np.uint8))


def _mask(shape: str, box: Box, margin: int = 0) -> tuple[Image.Image, tuple[int, int]]:
    """How much of each pixel a shape covers, antialiased, with a margin around its box; and the upper left corner (x, y)."""
    left, top = math.floor(box.left) - margin, math.floor(box.top) - margin
    width, height = math.ceil(box.right) + margin - left, math.ceil(box.bottom) + margin - top
    large = Image.new("L", (2 * width, 2 * height))
    _draw(ImageDraw.Draw(large), shape, *(2 * (at - start) for at, start in zip(box, (left, top, left, top), strict=True)))
    return large.reduce(2), (left, top)


def _draw(pen: ImageDraw.ImageDraw, shape: str, left: float, top: float, right: float, bottom: float) -> None:
    x, y, half = (left + right) / 2, (top + bottom) / 2, (right - left) / 2
    if shape == "circle":
        pen.ellipse((left, top, right, bottom), 255)
    elif shape == "ring":
        pen.ellipse((left, top, right, bottom), outline=255, width=round(half * 0.5))
    elif shape == "square":
        pen.rectangle((left, top, right, bottom), 255)
    elif shape == "triangle":
        pen.polygon([(x, top), (right, bottom), (left, bottom)], 255)
    elif shape == "cross":
        arm = half * 0.35
        pen.rectangle((left, y - arm, right, y + arm), 255)
        pen.rectangle((x - arm, top, x + arm, bottom), 255)
    else:
        reach = [half if point % 2 == 0 else half * 0.45 for point in range(10)]
        turns = [math.pi * (point / 5 - 0.5) for point in range(10)]
        pen.polygon([(x + r * math.cos(turn), y + r * math.sin(turn)) for r, turn in zip(reach, turns, strict=True)], 255)
