"""What stands at one character in words: its value, the likely next characters and the surprise, as the page says it under the text."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from explorer.figures import characters
from explorer.figures.inputs import NAMED, short
from explorer.figures.scales import STEPS, Scale


def two(value: float) -> str:
    """A value with its sign and two significant digits: "+0.98", "−1.2". Below 1 it stays below 1."""
    size = abs(value)
    if size < 5e-5:
        return "0.00"
    if size >= 1:
        text = f"{math.floor(size + 0.5)}" if size >= 10 else f"{size:.1f}"
    else:
        text = f"{size:.{min(1 - math.floor(math.log10(size)), 6)}f}"
        text = "0.99" if float(text) >= 1 else text
    return ("\u2212" if value < 0 else "+") + text


def chance(p: float) -> str:
    """A probability: ".90", "<.01", "1.0"."""
    if p < 0.005:
        return "<.01"
    return "1.0" if p >= 0.995 else f"{p:.2f}"[1:]


def bits(value: float) -> str:
    """A surprise: "0.02 bits", "3.4 bits", "12 bits"."""
    digits = f"{value:.2f}" if value < 0.095 else f"{value:.0f}" if value >= 9.95 else f"{float(f'{value:.2g}'):g}"
    return f"{digits} bits"


def value(stored: int, scale: Scale) -> str:
    """The value that a stored place stands for; that of a gate has no sign."""
    text = two(float(scale.value(np.float64((stored / STEPS + 1) / 2))))
    return text if scale.is_signed else text.removeprefix("+")


def lines(figure: Any, at: int, stored: int, selection: tuple[int, int] | None = None) -> tuple[str, ...]:
    """The line of the character at the cursor, and that of what may come next.

    Args:
        figure: The StateFigure whose characters and predictions they are.
        at: Index of the character.
        stored: Place of its value on the scale.
        selection: First selected index and one past the last.
    """
    token, noun, start = figure.tokens[at], figure.noun, figure.start
    if figure.inputs is None:
        parts = [characters.shown(token), characters.name(token), f"{noun} {start + at + 1:,}"]
    else:
        parts = [*inputs_at(figure, at), f"step {start + at + 1:,}", figure.inputs.stamp(at)]
    if selection:
        first, last = (start + index for index in selection)
        parts.append(f"{last - first:,} selected ({first + 1:,} to {last:,})")
    line = f"{' · '.join(filter(None, parts))}    unit {figure.unit}: {figure.quantity} {value(stored, figure.scale)}"
    following = _following(figure, at)
    return (line, following) if following else (line,)


def inputs_at(figure: Any, at: int) -> list[str]:
    """What was read at one step, each input with its name: "rain 3.2"; of several hundred inputs the first few."""
    shown = range(len(figure.inputs.names)) if figure.alone is None else [figure.alone]
    read = [(figure.inputs.names[index], float(figure.inputs.values[at, index])) for index in shown]
    return [f"{name} {short(value) if math.isfinite(value) else 'missing'}" for name, value in read[:NAMED]]


def _following(figure: Any, at: int) -> str:
    """The likely next tokens with their probabilities, the actual one and its surprise."""
    parts = []
    if figure.next_p is not None and figure.next_tokens is not None:
        guesses = zip(map(str, figure.next_tokens[at]), map(float, figure.next_p[at]), strict=True)
        other = max(0.0, 1 - float(np.sum(figure.next_p[at])))
        parts += ["next", *(f"{characters.shown(token)} {chance(p)}" for token, p in guesses), f"others {chance(other)}"]
    if at + 1 < len(figure.tokens) and figure.inputs is None:
        parts.append(f"  actual next {figure.noun} {characters.shown(figure.tokens[at + 1])}")
        cost = math.nan if figure.bits is None else float(figure.bits[at + 1])
        parts += [f"surprise {bits(cost)}"] if math.isfinite(cost) else []
    return "   ".join(parts)


BROKEN = 5  # steps that a description names


def broken(breaks: Sequence[int]) -> str:
    """A sentence, after a space, that says before which tokens the state was reset or changed, counted from 1; empty if nowhere."""
    if not breaks:
        return ""
    named = ", ".join(f"{at + 1:,}" for at in breaks[:BROKEN]) + (f" and {len(breaks) - BROKEN:,} more" if len(breaks) > BROKEN else "")
    return f" The state was reset or changed before {'number' if len(breaks) == 1 else 'numbers'} {named}."
