"""Deep recurrent networks as graphs: one more layer before the state, between states or after it, and a skip connection."""

from collections import deque
from typing import Literal

import altair as alt

from explorer.errors import AnalysisError
from explorer.figures.diagram import Number, Point, Sketch
from explorer.figures.theme import LAYERS, ink

STEPS = 3
SKIP = "skip connection"  # past the additional layer of a deep transition
DEEP = ("deep input", "deep transition", "deep output", SKIP)
Part = Literal["input", "before", "state", "between", "after", "output"]
Node = tuple[Part, int]  # a part of the network at a step, counted from 1; "between" leads to the state of its step
Edge = tuple[Node, Node]

WIDTH, HEIGHT, STEP, START = 262, 208, 96, 32  # pixels
LEVELS: dict[Part, Number] = {"input": 188, "before": 146, "state": 104, "between": 104, "after": 62, "output": 20}
ARC = 16  # how far a skip connection rises above the states
BOX, SMALL = (30, 26), (26, 18)  # of an input, a state or an output; of a layer that makes the network deep


def edges(name: str) -> list[Edge]:
    """The arrows of a graph, each from a node to the node that reads it.

    Args:
        name: One of DEEP.

    Raises:
        AnalysisError: there is no such graph.
    """
    if name not in DEEP:
        raise AnalysisError(f"There is no graph {name!r}; expected one of {', '.join(DEEP)}.")
    arrows: list[Edge] = []
    for t in range(1, STEPS + 1):
        arrows += _chain(("input", t), ("before", t), ("state", t), name == "deep input")
        arrows += _chain(("state", t), ("after", t), ("output", t), name == "deep output")
        if t > 1:
            arrows += _chain(("state", t - 1), ("between", t), ("state", t), name in ("deep transition", SKIP))
            if name == SKIP:
                arrows.append((("state", t - 1), ("state", t)))
    return arrows


def _chain(start: Node, layer: Node, end: Node, is_deep: bool) -> list[Edge]:
    return [(start, layer), (layer, end)] if is_deep else [(start, end)]


def shortest(name: str) -> int:
    """Arrows on the shortest path from the state of the first step to that of the last: the layers that a gradient must pass.

    Args:
        name: One of DEEP.

    Raises:
        AnalysisError: there is no such graph.
    """
    arrows, start = edges(name), ("state", 1)
    steps, waiting = {start: 0}, deque([start])
    while waiting:
        node = waiting.popleft()
        for source, target in arrows:
            if source == node and target not in steps:
                steps[target] = steps[node] + 1
                waiting.append(target)
    return steps["state", STEPS]


def deep(name: str, dark: bool = False) -> alt.TopLevelMixin:
    """The graph of a deep recurrent network over three steps; what makes it deep has the fourth colour.

    Args:
        name: One of DEEP.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is no such graph.
    """
    arrows, sketch = edges(name), Sketch(WIDTH, HEIGHT, dark)
    colours: dict[Part, str] = {"input": LAYERS[dark][1], "state": LAYERS[dark][2], "output": LAYERS[dark][0]}
    for part, t in dict.fromkeys(node for arrow in arrows for node in arrow):
        (x, y), size = _centre((part, t)), _size(part)
        sketch.box((x - size[0] / 2, y - size[1] / 2), size, colours.get(part, LAYERS[dark][3]))
    for source, target in arrows:
        is_skip = _is_skip(source, target, arrows)
        sketch.arrow(_way(source, target, is_skip), LAYERS[dark][3] if is_skip else ink(dark))
    more = sorted({part for arrow in arrows for part, _ in arrow} - set(colours))
    names = {"before": "between input and state", "between": "between one state and the next", "after": "between state and output"}
    skip = ", and an arrow from state to state past it" if name == SKIP else ""
    where = ", ".join(names[part] for part in more)
    return sketch.chart(f"{name.capitalize()}: a recurrent network over {STEPS} steps with one more layer {where}{skip}.")


def _centre(node: Node) -> Point:
    part, t = node
    return START + (t - 1) * STEP - (STEP / 2 if part == "between" else 0), LEVELS[part]


def _size(part: Part) -> tuple[int, int]:
    return BOX if part in ("input", "state", "output") else SMALL


def _is_skip(source: Node, target: Node, arrows: list[Edge]) -> bool:
    """Whether an arrow goes past a layer that stands between the same two nodes."""
    return any((source, node) in arrows and (node, target) in arrows for node in {end for _, end in arrows})


def _way(source: Node, target: Node, is_skip: bool) -> list[Point]:
    """The points of an arrow from edge to edge of its boxes; one that skips a layer goes above it."""
    (x1, y1), (x2, y2) = _centre(source), _centre(target)
    (across1, down1), (across2, down2) = _size(source[0]), _size(target[0])
    if is_skip:
        side, top = 4, y1 - down1 / 2
        return [(x1 + side, top), (x1 + side + ARC, top - ARC), (x2 - side - ARC, top - ARC), (x2 - side, top - 1)]
    if y1 == y2:
        return [(x1 + across1 / 2, y1), (x2 - across2 / 2 - 1, y2)]
    return [(x1, y1 - down1 / 2), (x2, y2 + down2 / 2 + 1)]
