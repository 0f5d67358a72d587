"""Synthetic scenes by index: pictures of known things, their positions, and all true captions. Generation is deterministic."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from pathlib import Path

from PIL import Image

from models.captioning.images import SIDE, Box
from models.corpora import DataError
from models.scenes import drawing

SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
COLOURS = {
    "red": (214, 40, 40), "orange": (245, 145, 30), "yellow": (240, 220, 60), "green": (40, 150, 70), "blue": (45, 85, 200),
    "purple": (130, 60, 160), "pink": (245, 150, 190),
}  # fmt: skip
GROUNDS = tuple(drawing.LANDSCAPES)
SIDES = (0.12, 1 / 3)  # range of a thing's side relative to the picture's; at most a ninth of its area
SIZES = {"small": (0.12, 0.19), "medium": (0.19, 0.26), "large": (0.26, 1 / 3)}
THINGS = (2, 3)  # number of things in a scene
GAP = 0.02  # minimum gap between two things
CLEAR = 0.08  # minimum offset, relative to the picture, for a relation such as "left of" to be true
DEV = 10**9  # first scene of dev; training never gets this far
DRAWN = Path("drawn scenes")  # placeholder for the data file of other families


def find(corpus: str) -> Path:
    """A placeholder, because scenes are generated and not read from a file."""
    return DRAWN


def read(path: Path) -> None:
    """Nothing, because scenes are generated when they are needed.

    Raises:
        DataError: a data file was given.
    """
    if path != DRAWN:
        raise DataError(f"{path} was given as training data; expected none, because scenes are generated. Omit --data.")


@dataclass(frozen=True)
class Thing:
    """A figure in a scene; its centre and side are relative to the picture's side."""

    shape: str
    colour: str
    x: float
    y: float
    side: float

    @property
    def name(self) -> str:
        """Its name, such as "red circle"."""
        return f"{self.colour} {self.shape}"

    @property
    def size(self) -> str:
        """Its size class, one of SIZES."""
        return next(name for name, (_, most) in SIZES.items() if self.side <= most + 1e-12)

    def box(self, side: int = SIDE) -> Box:
        """Its bounding box in a picture of `side` pixels."""
        half = self.side / 2
        return Box((self.x - half) * side, (self.y - half) * side, (self.x + half) * side, (self.y + half) * side)


@dataclass(frozen=True)
class Scene:
    """Things in front of a landscape, one of GROUNDS; they have different names and do not overlap."""

    ground: tuple[int, int, int]
    things: tuple[Thing, ...]

    @property
    def is_by_day(self) -> bool:
        """Whether its sky is bright."""
        return drawing.is_bright(self.ground)


@dataclass(frozen=True)
class Said:
    """A caption with the index of the thing that each of its words names; None for words that name none."""

    words: tuple[str, ...]
    things: tuple[int | None, ...]

    @property
    def text(self) -> str:
        """The caption as text."""
        return " ".join(self.words)


def scene(index: int) -> Scene:
    """The scene with an index; the same at every call."""
    drawn = random.Random(f"scene {index}")
    names = drawn.sample([(shape, colour) for shape in SHAPES for colour in COLOURS], drawn.choice(THINGS))
    things: list[Thing] = []
    while len(things) < len(names):
        least, most = SIZES[drawn.choice(list(SIZES))]
        side = drawn.uniform(least, most)
        x, y = (drawn.uniform(side / 2, 1 - side / 2) for _ in range(2))
        apart = [max(abs(x - other.x), abs(y - other.y)) - (side + other.side) / 2 for other in things]
        if all(gap > GAP for gap in apart):
            things.append(Thing(*names[len(things)], x, y, side))
    return Scene(drawn.choice(GROUNDS), tuple(things))


def captions(scene: Scene) -> list[Said]:
    """All captions of the grammar that are true of a scene: a relation between two things, or one thing and its position."""
    said = []
    for first, second in permutations(range(len(scene.things)), 2):
        for relation in _relations(scene.things[first], scene.things[second]):
            said.append(_said(("a", first), *((word, None) for word in relation.split()), ("a", second), scene=scene))
    for index, thing in enumerate(scene.things):
        said.append(_said(("a", index), *((word, None) for word in ("at", "the", *_place(thing).split())), scene=scene))
    return said


def is_true(scene: Scene, words: Sequence[str]) -> bool:
    """Whether a caption is true of a scene, that is, one of `captions(scene)`."""
    return tuple(words) in {said.words for said in captions(scene)}


def named_things(scene: Scene, words: Sequence[str]) -> tuple[int | None, ...]:
    """For each word of a caption, the index of the thing in the scene whose colour or shape it names; else None."""
    numbers = {tuple(thing.name.split()): index for index, thing in enumerate(scene.things)}
    named: list[int | None] = [None] * len(words)
    for position, pair in enumerate(pairwise(words)):
        if pair in numbers:
            named[position] = named[position + 1] = numbers[pair]
    return tuple(named)


def _said(*parts: tuple[str, int | None], scene: Scene) -> Said:
    words: list[str] = []
    things: list[int | None] = []
    for word, thing in parts:
        named = [word] if thing is None else [_article(scene.things[thing]), *scene.things[thing].name.split()]
        words += named
        things += [None, thing, thing] if thing is not None else [None]
    return Said(tuple(words), tuple(things))


def _article(thing: Thing) -> str:
    return "an" if thing.colour[0] in "aeiou" else "a"


def _relations(one: Thing, other: Thing) -> list[str]:
    across, down = other.x - one.x, other.y - one.y
    sides = ["left of"] * (across > CLEAR) + ["right of"] * (across < -CLEAR)
    return sides + ["above"] * (down > CLEAR) + ["below"] * (down < -CLEAR)


def _place(thing: Thing) -> str:
    """The position of a thing: the ninth of the picture that contains its centre."""
    down = ("top", "", "bottom")[min(2, int(thing.y * 3))]
    across = ("left", "", "right")[min(2, int(thing.x * 3))]
    return f"{down} {across}".strip() or "centre"


def picture(scene: Scene, side: int = SIDE, is_flat: bool = False) -> Image.Image:
    """The picture of a scene, `side` pixels square, antialiased.

    Args:
        scene: What to draw.
        side: Width and height in pixels.
        is_flat: Without landscape, light and shadows: the first stage of training sees such pictures.
    """
    draw = drawing.flat if is_flat else drawing.shaded
    return draw(scene.ground, [(thing.shape, COLOURS[thing.colour], thing.box(side)) for thing in scene.things], side)
