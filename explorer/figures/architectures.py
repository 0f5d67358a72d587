"""Networks as graphs: stacked layers, two directions, and input-output patterns."""

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np

from explorer.axes import Float
from explorer.errors import AnalysisError
from explorer.figures.characters import sign
from explorer.figures.diagram import Number, Point, Sketch
from explorer.figures.scales import DIVERGING, Scale, css
from explorer.figures.theme import LAYERS, ink

COLUMN, ROW, LEAD = 84, 74, 110  # pixels of a step, of a layer, and of the names before them
UNIT, MOST = 15, 4  # pixels of a unit in a node, and units shown
FOOT = 54  # below the lowest node, for the input


@dataclass(frozen=True, eq=False)
class Path:
    """One layer in one direction: its name, its states [time, unit] at -1..1, and whether it reads from the end."""

    name: str
    states: np.ndarray
    reverse: bool = False


def stacked(paths: Sequence[Path], tokens: Sequence[str], changed: Float[np.ndarray, "path time"], dark: bool = False) -> alt.TopLevelMixin:
    """Layers on top of each other, the lowest first: each reads the states of the layer below.

    Args:
        paths: The layers.
        tokens: Input of the lowest layer, [time].
        changed: Distance of each state from that of another text, [path, time]; nodes are framed where it is not 0.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: no layer, or states that do not fit the tokens.
    """
    sketch = _sketch(paths, tokens, dark)
    for n, path in enumerate(paths):
        _row(sketch, path, _level(paths, n), changed[n])
        for t in range(len(tokens)):
            below = _level(paths, n - 1) - 16 if n else _level(paths, 0) + FOOT - 12
            sketch.arrow([(_x(t), below), (_x(t), _level(paths, n) + 17)])
    _tokens(sketch, tokens, _level(paths, 0) + FOOT)
    return sketch.chart(_in_words("Stacked network", paths, tokens, changed))


def bidirectional(
    paths: Sequence[Path], tokens: Sequence[str], changed: Float[np.ndarray, "path time"], dark: bool = False
) -> alt.TopLevelMixin:
    """Two layers that both read the tokens, one from the left and one from the right; the state of a position is both together.

    Args: as `stacked`, [path, time].

    Raises:
        AnalysisError: no layer, or states that do not fit the tokens.
    """
    sketch = _sketch(paths, tokens, dark)
    for t in range(len(tokens)):
        foot, side, top = _level(paths, 0) + FOOT - 12, _x(t) + 40, _level(paths, 1)
        sketch.arrow([(_x(t), foot), (_x(t), _level(paths, 0) + 17)])
        sketch.arrow([(_x(t) + 8, foot), (side, foot - 12), (side, top + 34), (_x(t), top + 34), (_x(t), top + 17)])
    for n, path in enumerate(paths):
        _row(sketch, path, _level(paths, n), changed[n])
    _tokens(sketch, tokens, _level(paths, 0) + FOOT)
    return sketch.chart(_in_words("Bidirectional network", paths, tokens, changed))


# Which of four steps get input, and which give output.
PATTERNS = {
    "one to many": ((0,), (0, 1, 2, 3)),
    "many to one": ((0, 1, 2, 3), (3,)),
    "many to many, at once": ((0, 1, 2, 3), (0, 1, 2, 3)),
    "many to many, afterwards": ((0, 1), (2, 3)),
}


def pattern(name: str, dark: bool = False) -> alt.TopLevelMixin:
    """At which steps a recurrent network gets input and gives output, as a small graph.

    Args:
        name: One of PATTERNS.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is no such pattern.
    """
    if name not in PATTERNS:
        raise AnalysisError(f"There is no pattern {name!r}; expected one of {', '.join(PATTERNS)}.")
    reads, answers = PATTERNS[name]
    sketch, step, size = Sketch(232, 150, dark), 56, (30, 26)
    for t in range(4):
        x = 32 + t * step
        sketch.box((x - 15, 62), size, LAYERS[dark][2])
        if t:
            sketch.arrow([(x - step + 15, 75), (x - 16, 75)])
        if t in reads:
            sketch.box((x - 15, 118), size, LAYERS[dark][1])
            sketch.arrow([(x, 118), (x, 89)])
        if t in answers:
            sketch.box((x - 15, 6), size, LAYERS[dark][0])
            sketch.arrow([(x, 62), (x, 33)])
    steps = {"gets input": reads, "gives output": answers}
    actions = " and ".join(f"{verb} at step {', '.join(str(t + 1) for t in places)}" for verb, places in steps.items())
    return sketch.chart(f"{name.capitalize()}: of four steps the network {actions}.")


def _sketch(paths: Sequence[Path], tokens: Sequence[str], dark: bool) -> Sketch:
    if not paths or not len(tokens) or any(len(path.states) != len(tokens) for path in paths):
        raise AnalysisError(f"Each layer needs a state for each of the {len(tokens)} tokens, and there must be at least one of each.")
    return Sketch(LEAD + COLUMN * len(tokens) + 10, ROW * len(paths) + FOOT + 10, dark)


def _x(t: int) -> Number:
    return LEAD + COLUMN * (t + 0.5)


def _level(paths: Sequence[Path], n: int) -> Number:
    """Height of a layer's nodes; the first layer is the lowest."""
    return ROW * (len(paths) - n) - 34


def _row(sketch: Sketch, path: Path, y: Number, changed: np.ndarray) -> None:
    """A layer: its name, its nodes, the arrows from step to step."""
    strong, time = LAYERS[sketch.dark][1], len(path.states)
    sketch.text((4, y), path.name, 13, style="left bold")
    for t in range(time):
        if t:
            left, right = (_x(t - 1) + 32, y), (_x(t) - 33, y)
            sketch.arrow([right, left] if path.reverse else [left, right], strong)
        _node(sketch, path.states[t], (_x(t), y), bool(changed[t]))


def _node(sketch: Sketch, states: np.ndarray, at: Point, changed: bool) -> None:
    """A state as its first units, in the colours of their values."""
    colours, units = Scale(DIVERGING, -1.0, 1.0).colours(sketch.dark), states[:MOST]
    left = at[0] - UNIT * len(units) / 2
    for n, value in enumerate(units):
        fill = css(colours[round(float(np.clip(value + 1, 0, 2)) / 2 * 255)])
        sketch.box((left + n * UNIT, at[1] - 13), (UNIT, 26), fill, ink(sketch.dark, faint=True))
    if changed:
        sketch.box((left - 3, at[1] - 16), (UNIT * len(units) + 6, 32), stroke=LAYERS[sketch.dark][0], thick=3)


def _tokens(sketch: Sketch, tokens: Sequence[str], y: Number) -> None:
    sketch.text((4, y), "input", 13, style="left")
    for t, token in enumerate(tokens):
        sketch.text((_x(t), y), "".join(map(sign, token)), 16, style="center bold")


def _in_words(what: str, paths: Sequence[Path], tokens: Sequence[str], changed: np.ndarray) -> str:
    ways = ", ".join(f"{path.name} from the {'right' if path.reverse else 'left'}" for path in paths)
    counts = "; ".join(f"{path.name} at {int((row != 0).sum())} of {len(tokens)} steps" for path, row in zip(paths, changed, strict=True))
    return f"{what} over {' '.join(tokens)}: {ways}. Changed states: {counts}."
