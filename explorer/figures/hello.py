"""The example "hello" as a graph with numbers: unfolded over its four steps, or folded at one of them."""

import altair as alt
import numpy as np
import pandas as pd

from explorer.errors import AnalysisError
from explorer.figures.diagram import Number, Point, Sketch, short
from explorer.figures.scales import DIVERGING, Scale, css
from explorer.figures.scales import ink as readable
from explorer.figures.theme import LAYERS, ink
from explorer.textbook.bptt import Gradients
from explorer.textbook.hello import LETTERS, READ, WANTED, Forward

COLUMN, HEIGHT = 206, 366  # pixels of a step
LEAD = 30  # before the first step, for the state it begins with
OUT, ROW = 44, 23  # top of the output block and height of a letter in it
STATE, UNIT = 190, (44, 32)  # top of the hidden block and size of a unit in it
INPUT, HOT = 278, (30, 25)  # the same of the one-hot letter
BACK, BELOW = HEIGHT + 26, 78  # top of the backward row, and what it adds to the height
MIDDLE = COLUMN / 2
HALF = 1.5 * UNIT[0]  # of the hidden block


def unfolded(
    computed: Forward, chosen: int = 0, covered: bool = False, dark: bool = False, gradients: Gradients | None = None
) -> alt.TopLevelMixin:
    """The four steps side by side, with the state running from each to the next; a click selects a step: field `place`.

    Args:
        computed: All numbers of the four steps.
        chosen: The highlighted step, counted from 0.
        covered: Whether the recurrent arrow is removed: drawn dashed.
        dark: Colours for a dark ground.
        gradients: Of the backward pass, drawn as a row below; None draws none.

    Raises:
        AnalysisError: there is no such step.
    """
    _check(chosen)
    height = HEIGHT + (BELOW if gradients else 0)
    sketch = Sketch(LEAD + 4 * COLUMN, height, dark)
    sketch.box((LEAD + chosen * COLUMN + 3, 0), (COLUMN - 6, height), "#23232b" if dark else "#f1f3f7")
    level = STATE + UNIT[1] / 2
    for t in range(4):
        left = LEAD + t * COLUMN
        _column(sketch, computed, t, left)
        start = left - MIDDLE + HALF if t else 2
        _recurrent(sketch, [(start, level), (left + MIDDLE - HALF - 1, level)], covered)
        sketch.text((left, level - 13), "W_hh" if t else "h = 0", 12)
        sketch.target((left, 0), (COLUMN, height), t)
    if gradients:
        _backward(sketch, gradients, covered)
    return sketch.chart(in_words(computed, covered) + (_backward_in_words(gradients) if gradients else ""))


def _backward(sketch: Sketch, gradients: Gradients, covered: bool) -> None:
    """dL/dh at every step, from the last step back to the first, in colours on a scale of its own."""
    level = BACK + UNIT[1] / 2
    for t in range(4):
        left = LEAD + t * COLUMN
        _gradient(sketch, gradients, t, left)
        if t:
            _recurrent(sketch, [(left + MIDDLE - HALF - 1, level), (left - MIDDLE + HALF + 2, level)], covered)
            sketch.text((left, level - 13), "W_hhᵀ", 12)


def _gradient(sketch: Sketch, gradients: Gradients, t: int, left: Number) -> None:
    most = max(float(np.abs(gradients.h).max()), 1e-12)
    for unit, value in enumerate(gradients.h[t]):
        _unit(sketch, float(value), (left + MIDDLE - HALF + unit * UNIT[0], BACK), most)
    sketch.text((left + MIDDLE, BACK - 11), f"∂L/∂h of step {t + 1}", 12)


def _backward_in_words(gradients: Gradients) -> str:
    steps = "; ".join(f"step {t + 1}: {', '.join(map(short, map(float, row)))}" for t, row in enumerate(gradients.h))
    return f" Backward pass, the gradient of the loss with respect to the hidden state, {steps}."


def folded(
    computed: Forward, chosen: int = 0, covered: bool = False, dark: bool = False, gradients: Gradients | None = None
) -> alt.TopLevelMixin:
    """The folded network with a loop for its state and the numbers of one step.

    Args:
        computed, chosen, covered, dark, gradients: As `unfolded`.

    Raises:
        AnalysisError: there is no such step.
    """
    _check(chosen)
    sketch = Sketch(COLUMN + 30, HEIGHT + (BELOW if gradients else 0), dark)
    _column(sketch, computed, chosen, 0)
    right, edge = MIDDLE + HALF, COLUMN + 6
    loop = [(right, STATE + 22), (edge, STATE + 22), (edge, STATE - 22), (right - 14, STATE - 22), (right - 14, STATE - 1)]
    _recurrent(sketch, loop, covered)
    sketch.text((edge - 22, STATE - 33), "W_hh", 12)
    sketch.text((MIDDLE, HEIGHT - 3), "folded: the same network, once", 11)
    if gradients:
        _gradient(sketch, gradients, chosen, 0)
    sentences = in_words(computed, covered).split("Step ")
    backward = _backward_in_words(gradients) if gradients else ""
    return sketch.chart(f"Folded graph: the state feeds back into the network. Step {sentences[chosen + 1].strip()}{backward}")


def table(computed: Forward, gradients: Gradients | None = None) -> pd.DataFrame:
    """The CSV: every number, one row per step; with the backward pass, also dL/dh."""
    parts = {
        "x": (computed.one_hot, LETTERS),
        "W_xh x": (computed.from_input, "123"),
        "W_hh previous h": (computed.from_state, "123"),
        "sum": (computed.from_input + computed.from_state, "123"),
        "h": (computed.hidden, "123"),
        "logit": (computed.logits, LETTERS),
        "p": (computed.probabilities, LETTERS),
    } | ({"dL/dh": (gradients.h, "123")} if gradients else {})
    frame = {"step": range(1, 5), "reads": list(READ), "target": list(WANTED)}
    frame |= {f"{name} {column}": values[:, n] for name, (values, columns) in parts.items() for n, column in enumerate(columns)}
    return pd.DataFrame(frame | {"loss": computed.losses})


def in_words(computed: Forward, covered: bool = False) -> str:
    """The text alternative: the input, hidden state, prediction and loss of each step."""
    steps = []
    for t, (read, wanted, answer) in enumerate(zip(READ, WANTED, computed.answers, strict=True)):
        hidden = ", ".join(map(short, computed.hidden[t]))
        p = computed.probabilities[t, LETTERS.index(wanted)]
        beginning = f"Step {t + 1} reads {read}, hidden state {hidden}, predicts {answer}"
        steps.append(f"{beginning}; target {wanted} with probability {p:.2f}, loss {computed.losses[t]:.2f}.")
    arrow = "without its recurrent arrow" if covered else "with its recurrent arrow"
    return f"Unfolded graph of the network, {arrow}. {' '.join(steps)}"


def _check(chosen: int) -> None:
    if not 0 <= chosen < 4:
        raise AnalysisError(f"There is no step {chosen}; expected 0 to 3, the letters of {READ!r}.")


def _recurrent(sketch: Sketch, points: list[Point], covered: bool) -> None:
    sketch.arrow(points, ink(sketch.dark, faint=True) if covered else _strong(sketch), dashed=covered, head=not covered)


def _strong(sketch: Sketch) -> str:
    return LAYERS[sketch.dark][1]


def _column(sketch: Sketch, computed: Forward, t: int, left: Number) -> None:
    """One step, from its letter at the bottom to its prediction at the top."""
    middle = left + MIDDLE
    wanted, answer = LETTERS.index(WANTED[t]), computed.answers[t]
    mark, colour = ("✓", LAYERS[sketch.dark][2]) if answer == WANTED[t] else ("✗", LAYERS[sketch.dark][1])
    sketch.text((left + 20, 13), f"target {WANTED[t]}, predicts {answer}", 13, style="left bold")
    sketch.text((left + COLUMN - 22, 13), mark, 16, colour, "center bold")
    sketch.text((left + 20, 31), f"loss {computed.losses[t]:.2f} = −ln {computed.probabilities[t, wanted]:.3g}", 12, style="left")
    _output(sketch, computed, t, left)
    sketch.arrow([(middle, STATE - 1), (middle, OUT + 4 * ROW + 4)])
    sketch.text((middle - 6, STATE - 22), "W_hy, softmax", 12, style="right")
    for unit, value in enumerate(computed.hidden[t]):
        _unit(sketch, float(value), (middle - HALF + unit * UNIT[0], STATE))
    sketch.arrow([(middle, INPUT - 1), (middle, STATE + UNIT[1] + 2)])
    sketch.text((middle - 6, INPUT - 24), "W_xh, tanh", 12, style="right")
    for n, hot in enumerate(computed.one_hot[t]):
        corner = (middle + (n - 2) * HOT[0], INPUT)
        fill = LAYERS[sketch.dark][0] if hot else "transparent"
        sketch.box(corner, HOT, fill, ink(sketch.dark, faint=True))
        colour = ("#000000" if sketch.dark else "#ffffff") if hot else ink(sketch.dark)
        sketch.text((corner[0] + HOT[0] / 2, INPUT + HOT[1] / 2), f"{hot:.0f}", 13, colour)
        sketch.text((corner[0] + HOT[0] / 2, INPUT + HOT[1] + 10), LETTERS[n], 11)
    sketch.text((middle, HEIGHT - 20), f"reads {READ[t]}", 17, style="center bold")


def _output(sketch: Sketch, computed: Forward, t: int, left: Number) -> None:
    """Logit and probability of each letter; the target is framed."""
    for n, letter in enumerate(LETTERS):
        y, p = OUT + n * ROW, float(computed.probabilities[t, n])
        is_wanted = letter == WANTED[t]
        if is_wanted:
            sketch.box((left + 12, y), (COLUMN - 26, ROW), stroke=LAYERS[sketch.dark][2], thick=2)
        weight = " bold" if letter == computed.answers[t] else ""
        sketch.text((left + 26, y + ROW / 2), letter, 13, style=f"center{weight}")
        sketch.text((left + 74, y + ROW / 2), short(float(computed.logits[t, n])), 13, style=f"right{weight}")
        sketch.box((left + 82, y + 5), (max(1.0, 66 * p), ROW - 10), LAYERS[sketch.dark][0])
        sketch.text((left + 82 + 66 * p + 5, y + ROW / 2), f"{p:.2f}" if p >= 0.005 else "< 0.01", 12, style=f"left{weight}")


def _unit(sketch: Sketch, value: float, corner: Point, most: float = 1.0) -> None:
    """A unit in the colour of its value, on a scale from -most to most."""
    scale = Scale(DIVERGING, -most, most)
    colour = scale.colours(sketch.dark)[round(float(scale.place(value)) * 255)].tolist()
    sketch.box(corner, UNIT, css(colour), ink(sketch.dark, faint=True))
    sketch.text((corner[0] + UNIT[0] / 2, corner[1] + UNIT[1] / 2), short(value), 14, readable(colour))
