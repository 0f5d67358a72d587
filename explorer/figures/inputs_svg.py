"""The inputs of a state figure as SVG: a lane for each, with its name and its ends, and an axis of steps or dates below them."""

from html import escape
from typing import NamedTuple

import numpy as np

from explorer.figures.inputs import Inputs, short, thinned, ticks

LANE, NAME, PLOT = 62, 18, 40  # pixels of an input: all, its name, its line
AXIS, APART = 20, 110  # pixels of the axis, and between two of its ticks


class Frame(NamedTuple):
    """Where the lanes stand and in which colours.

    Args:
        left, top, width: In pixels.
        column: Pixels of a step.
        text, quiet, edge: Colours.
    """

    left: int | float
    top: int | float
    width: int | float
    column: int | float
    text: str
    quiet: str
    edge: str


def height(inputs: Inputs, alone: int | None) -> int:
    """Pixels of all lanes and the axis."""
    return LANE * len(shown(inputs, alone)) + AXIS


def shown(inputs: Inputs, alone: int | None) -> list[int]:
    """Which inputs are drawn."""
    return list(range(len(inputs.names))) if alone is None else [alone]


def lanes(inputs: Inputs, alone: int | None, start: int, frame: Frame) -> str:
    """All inputs, one below the other, and the axis."""
    steps, level = ticks(inputs.levels(start)[0], frame.column, APART)
    printed = inputs.levels(start)[1]
    kind = printed[min(level, len(printed) - 1)]
    bottom = frame.top + LANE * len(shown(inputs, alone))
    parts = []
    for step in steps:
        x = frame.left + (step + 0.5) * frame.column
        label = inputs.label(step, kind, start)
        anchor = "start" if x < frame.left + 40 else "end" if x > frame.left + frame.width - 40 else "middle"
        parts.append(f'<rect x="{x - 0.5:g}" y="{frame.top:g}" width="1" height="{bottom - frame.top + 4:g}" fill="{frame.edge}"/>')
        parts.append(_words(x, bottom + 16, label, frame.quiet, anchor))
    for lane, index in enumerate(shown(inputs, alone)):
        parts.append(_lane(inputs, index, frame._replace(top=frame.top + LANE * lane)))
    return f'<g font-family="sans-serif" font-size="12">{"".join(parts)}</g>'


def _lane(inputs: Inputs, index: int, frame: Frame) -> str:
    low, high = inputs.ends[index]
    parts = [
        f'<text x="{frame.left:g}" y="{frame.top + 13:g}" fill="{frame.text}" font-weight="600">{escape(_visible(inputs.names[index]))}'
        f'<tspan font-weight="400" fill="{frame.quiet}" dx="8">{short(low)} to {short(high)}</tspan></text>',
        f'<rect x="{frame.left:g}" y="{frame.top + NAME + PLOT - 0.5:g}" width="{frame.width:g}" height="1" fill="{frame.edge}"/>',
    ]
    for piece in thinned(inputs.values[:, index], frame.column, frame.width):
        points = " ".join(f"{frame.left + x:.2f},{frame.top + height_of(value, low, high):.2f}" for x, value in piece)
        if len(piece) == 1:
            x, y = points.split(",")
            parts.append(f'<circle cx="{x}" cy="{y}" r="1.5" fill="{frame.text}"/>')
        else:
            parts.append(f'<polyline points="{points}" fill="none" stroke="{frame.text}" stroke-width="1.5" stroke-linejoin="round"/>')
    return "".join(parts)


def height_of(value: int | float, low: int | float, high: int | float) -> float:
    """Pixels from the top of a lane to a value; a constant input is drawn in the middle."""
    share = 0.5 if high <= low else (value - low) / (high - low)
    return NAME + 2 + (1 - share) * (PLOT - 4)


def cursor(inputs: Inputs, alone: int | None, at: int, frame: Frame) -> str:
    """A line through all lanes at the cursor, and a dot on each input that has a value there."""
    x, many = frame.left + (at + 0.5) * frame.column, len(shown(inputs, alone))
    parts = [f'<rect x="{x - 0.5:g}" y="{frame.top:g}" width="1" height="{LANE * many:g}" fill="{frame.text}" opacity="0.55"/>']
    for lane, index in enumerate(shown(inputs, alone)):
        value = float(inputs.values[at, index])
        if np.isfinite(value):
            y = frame.top + LANE * lane + height_of(value, *inputs.ends[index])
            parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="4" fill="{frame.text}"/>')
    return "".join(parts)


def _words(x: int | float, y: int | float, words: str, fill: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" fill="{fill}" text-anchor="{anchor}">{escape(words)}</text>'


def _visible(name: str) -> str:
    return "".join(letter if letter.isprintable() else "\u25a1" for letter in name)
