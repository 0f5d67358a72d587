"""One unit at one step as a graph with numbers, the text around the step, and the states that follow with a gate held."""

import json
from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np
import pandas as pd

from explorer.analysis.cell_step import FUNCTIONS, CellStep, Gate
from explorer.axes import Float
from explorer.errors import AnalysisError
from explorer.figures.characters import name as said
from explorer.figures.characters import sign
from explorer.figures.diagram import Number, Point, Sketch, short
from explorer.figures.scales import DIVERGING, Scale, css
from explorer.figures.scales import ink as readable
from explorer.figures.theme import LAYERS, colours, dashes, end_labels, ink, rule_at, themed, unsqueezed

WIDTH, HEIGHT = 1080, 316
ROAD, MEET, GATE = 46, 118, 166  # heights of the state line, of the operators between gates, and of the top of the gates
BOX = (124, 40)  # of a gate
LETTERS = {"input": "i", "forget": "f", "candidate": "g", "output": "o", "reset": "r", "update": "z"}
STRIP, SIDE = 17, 30  # pixels of a letter in the strip, and letters on each side


def graph(step: CellStep, dark: bool = False) -> alt.TopLevelMixin:
    """The cell with the numbers of one unit at one step: the state runs from left to right, the gates are below.

    Args:
        step: The unit at that step.
        dark: Colours for a dark ground.
    """
    sketch = Sketch(WIDTH, HEIGHT, dark)
    {"lstm": _lstm, "gru": _gru}.get(step.kind, _plain)(sketch, step)
    return sketch.chart(in_words(step))


def in_words(step: CellStep) -> str:
    """The text alternative of the graph."""
    gates = ", ".join(f"{gate.name} {short(gate.value)}" for gate in step.gates)
    shown = f", output {short(step.shown)}" if step.kind == "lstm" else ""
    kind = step.kind.upper() if step.kind != "tanh" else "Plain"
    states = f"State before {short(step.before)}, kept {short(step.kept)}, written {short(step.written)}, new state {short(step.state)}"
    return f"{kind} cell, one unit at one step: {gates}. {states}{shown}."


def strip(tokens: Sequence[str], values: Float[np.ndarray, "time"], at: int, dark: bool = False) -> alt.TopLevelMixin:
    """The text around a character, coloured by the state of the unit after each; a click selects a character: field `place`.

    Args:
        tokens: The text, [time].
        values: tanh of the cell state, or the hidden state, [time], -1..1.
        at: The selected character, counted from 0.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: there is no such character.
    """
    if not 0 <= at < len(tokens):
        raise AnalysisError(f"There is no character {at}; this text has {len(tokens)}, counted from 0.")
    first = at - letters_before(len(tokens), at)
    last = min(len(tokens), first + 2 * SIDE + 1)
    sketch, scale = Sketch(STRIP * (2 * SIDE + 1) + 4, 52, dark), Scale(DIVERGING, -1.0, 1.0)
    paint = scale.colours(dark)[np.clip(np.rint(scale.place(values[first:last]) * 255), 0, 255).astype(int)].tolist()
    for n, (index, colour) in enumerate(zip(range(first, last), paint, strict=True)):
        corner, is_chosen = (2 + n * STRIP, 8), index == at
        sketch.box(corner, (STRIP, 32), css(colour))
        sketch.text((corner[0] + STRIP / 2, 24), sign(tokens[index]), 14, readable(colour), "center bold" if is_chosen else "center")
        sketch.target(corner, (STRIP, 32), index)
    sketch.box((2 + (at - first) * STRIP, 6), (STRIP, 36), stroke=ink(dark), thick=2.5)
    sketch.text((2 + (at - first + 0.5) * STRIP, 48), "▲", 9)
    text = "".join(sign(token) for token in tokens[first:last])
    description = f"The text around character {at + 1}, {said(tokens[at]) or tokens[at]}: {text}."
    return sketch.chart(f"{description} State of the unit there: {short(float(values[at]))}.")


def letters_before(count: int, at: int) -> int:
    """Number of letters before the selected one in the strip of a text with `count` characters."""
    return at - max(0, min(at - SIDE, count - 2 * SIDE - 1))


def courses(series: Mapping[str, Float[np.ndarray, "time"]], tokens: Sequence[str], what: str, dark: bool = False) -> alt.TopLevelMixin:
    """The state of a unit from a step on, unchanged and with a gate held at that step.

    Args:
        series: Values by name, each [time]; the first is highlighted.
        tokens: The characters after which the values are taken, [time].
        what: What the values are.
        dark: Colours for a dark ground.

    Raises:
        AnalysisError: no series, or one of another length than the text.
    """
    if not series or any(len(values) != len(tokens) for values in series.values()) or not len(tokens):
        raise AnalysisError(f"Each line needs a value for each of the {len(tokens)} characters, and there must be at least one.")
    named = dict(zip(series, [(ink(dark), [1, 0]), (LAYERS[dark][1], [6, 3]), (LAYERS[dark][0], [2, 2])], strict=False))
    parts = [
        pd.DataFrame({"position": range(len(tokens)), "token": list(tokens), "value": np.asarray(v, float), "series": n})
        for n, v in series.items()
    ]
    frame = pd.concat(parts, ignore_index=True)
    signs = f"{json.dumps([sign(token) for token in tokens], ensure_ascii=False)}[datum.value]"
    axis = alt.Axis(values=list(range(len(tokens))), labelExpr=signs, labelOverlap=False, labelAngle=0, grid=False, ticks=False)
    x = alt.X("position:Q", title=None, axis=axis, scale=alt.Scale(nice=False))
    most = max(1.0, *(float(np.abs(values).max()) for values in series.values()))
    y = alt.Y("value:Q", title=what, scale=alt.Scale(domain=[-most, most]))
    tooltip = ["series", "token", alt.Tooltip("value", format=".3f")]
    lines = alt.Chart(frame).mark_line(strokeWidth=2).encode(x=x, y=y, color=colours(named), strokeDash=dashes(named), tooltip=tooltip)
    ends = end_labels(frame, named, (-most, most), 150, dark, x)
    sentences = " ".join(
        f"{name}: {short(float(v[0]))} at first, {short(float(v[-1]))} after {len(tokens) - 1} more characters."
        for name, v in series.items()
    )
    chart = alt.layer(rule_at(0.0, dark), lines, *ends).properties(width=14 * len(tokens), height=150)
    return themed(unsqueezed(chart), f"State of the unit after each character. {sentences}", dark)


def table(step: CellStep) -> pd.DataFrame:
    """The CSV: every number of the step."""
    rows = [
        {"quantity": g.name, "from input": g.from_input, "from state": g.from_state, "bias": g.bias, "sum": g.inside, "value": g.value}
        for g in step.gates
    ]
    rows += [{"quantity": name, "value": getattr(step, name)} for name in ("before", "kept", "written", "state", "shown")]
    return pd.DataFrame(rows)


def _lstm(sketch: Sketch, step: CellStep) -> None:
    forget, write, add, state, show = 210, 420, 420, 640, 860
    _road(sketch, [(40, "previous c", step.before), (state, "c", step.state)], (forget, "×"), (add, "+"))
    _ledger(sketch, step, forget, add)
    _rise(sketch, (forget, GATE - 1), (forget, ROAD + 15))
    _operator(sketch, (write, MEET), "×")
    _rise(sketch, (write, MEET - 13), (write, ROAD + 15))
    for x, name in ((write - 75, "input"), (write + 75, "candidate")):
        _gate(sketch, step.gate(name), x)
        sketch.arrow([(x, GATE - 1), (x, MEET), (write + (-14 if x < write else 14), MEET)])
    _gate(sketch, step.gate("forget"), forget - 20)
    sketch.arrow([(state + 30, ROAD), (show - 15, ROAD)])
    sketch.text(((state + show) / 2 + 8, ROAD - 12), f"{_called(step.output)} {short(FUNCTIONS[step.output](step.state))}", 12)
    _operator(sketch, (show, ROAD), "×")
    _gate(sketch, step.gate("output"), show)
    _rise(sketch, (show, GATE - 1), (show, ROAD + 15))
    sketch.arrow([(show + 14, ROAD), (WIDTH - 92, ROAD)])
    _node(sketch, (WIDTH - 60, ROAD), "h", step.shown)


def _gru(sketch: Sketch, step: CellStep) -> None:
    keep, add = 210, 520
    _road(sketch, [(40, "previous h", step.before), (WIDTH - 60, "h", step.state)], (keep, "×"), (add, "+"))
    _ledger(sketch, step, keep, add)
    _gate(sketch, step.gate("update"), keep - 20)
    _rise(sketch, (keep, GATE - 1), (keep, ROAD + 15))
    _operator(sketch, (add, MEET), "×")
    _rise(sketch, (add, MEET - 13), (add, ROAD + 15))
    sketch.arrow([(keep + 44, GATE + 14), (add - 90, GATE + 14), (add - 90, MEET), (add - 14, MEET)])
    sketch.text((add - 96, MEET + 14), f"1 − z = {short(1 - step.value('update'))}", 12, style="right")
    _gate(sketch, step.gate("candidate"), add + 90, "n", "U (r h)" if step.resets_before else "r (U h + d)")
    sketch.arrow([(add + 90, GATE - 1), (add + 90, MEET), (add + 14, MEET)])
    _gate(sketch, step.gate("reset"), add + 330)
    sketch.arrow([(add + 330 - BOX[0] / 2, GATE + 20), (add + 90 + BOX[0] / 2 + 2, GATE + 20)])
    sketch.text((add + 210, GATE + 8), "r × h" if step.resets_before else f"r × {short(step.fed_back)}", 12)


def _plain(sketch: Sketch, step: CellStep) -> None:
    middle = WIDTH / 2
    sketch.text((40, ROAD), f"Nothing is kept: the new state is the {_called(step.gates[0].function or 'tanh')} alone.", 13, style="left")
    _node(sketch, (middle, ROAD), "h", step.state)
    _gate(sketch, step.gate("candidate"), middle, "h")
    _rise(sketch, (middle, GATE - 1), (middle, ROAD + 16))


def _road(sketch: Sketch, nodes: Sequence[tuple[Number, str, float]], times: tuple[Number, str], plus: tuple[Number, str]) -> None:
    """The line of the state: from its node through two operators to its next node."""
    strong = LAYERS[sketch.dark][1]
    stops = [(nodes[0][0] + 30, times[0] - 15), (times[0] + 14, plus[0] - 15), (plus[0] + 14, nodes[1][0] - 32)]
    for start, stop in stops:
        sketch.arrow([(start, ROAD), (stop, ROAD)], strong)
    for x, label, value in nodes:
        _node(sketch, (x, ROAD), label, value)
    for x, symbol in (times, plus):
        _operator(sketch, (x, ROAD), symbol)


def _ledger(sketch: Sketch, step: CellStep, times: Number, plus: Number) -> None:
    sketch.text(((times + plus) / 2, ROAD - 14), f"kept {short(step.kept)}", 13, style="center bold")
    sketch.text((plus + 8, (ROAD + MEET) / 2 + 2), f"written {short(step.written)}", 13, style="left bold")


def _rise(sketch: Sketch, start: Point, stop: Point) -> None:
    sketch.arrow([start, stop])


def _operator(sketch: Sketch, at: Point, symbol: str) -> None:
    sketch.box((at[0] - 13, at[1] - 13), (26, 26), "#2a2a33" if sketch.dark else "#ffffff", ink(sketch.dark), 1.5)
    sketch.text((at[0], at[1]), symbol, 17)


def _node(sketch: Sketch, at: Point, label: str, value: float) -> None:
    """A state in its colour; values outside -1..1 get the colour of the nearer end."""
    scale = Scale(DIVERGING, -1.0, 1.0)
    colour = scale.colours(sketch.dark)[round(float(np.clip(scale.place(value), 0, 1)) * 255)].tolist()
    sketch.box((at[0] - 30, at[1] - 17), (60, 34), css(colour), ink(sketch.dark, faint=True))
    sketch.text(at, short(value), 15, readable(colour), "center bold")
    sketch.text((at[0], at[1] - 27), label, 13)


def _called(function: str) -> str:
    """A function as the drawing names it."""
    return {"sigmoid": "σ", "linear": "unchanged"}.get(function, function.replace("_", " "))


def _gate(sketch: Sketch, gate: Gate, x: Number, letter: str = "", state: str = "U h") -> None:
    """A gate: a box filled according to its value, and below it the terms of the sum inside."""
    is_gate, left = gate.name != "candidate", x - BOX[0] / 2
    tint = ("#4d3a63" if sketch.dark else "#d9cbe8") if is_gate else ("#3a3a44" if sketch.dark else "#e9eaee")
    sketch.box((left, GATE), (max(1.0, BOX[0] * (gate.value if is_gate else 1.0)), BOX[1]), tint)
    sketch.box((left, GATE), BOX, stroke=ink(sketch.dark), thick=1.5)
    sketch.text((x, GATE + 13), gate.name if letter != "h" else "new state", 12)
    sketch.text((x, GATE + 29), f"{letter or LETTERS[gate.name]} = {short(gate.value)}", 15, style="center bold")
    lines = [("W x", gate.from_input), (state, gate.from_state), ("bias", gate.bias)]
    for n, (label, value) in enumerate(lines):
        sketch.text((x - 8, GATE + 58 + 18 * n), label, 12, style="right")
        sketch.text((x + 52, GATE + 58 + 18 * n), short(value), 12, style="right")
    function = _called(gate.function or ("sigmoid" if is_gate else "tanh"))
    sketch.arrow([(x - 56, GATE + 103), (x + 56, GATE + 103)], head=False)
    sketch.text((x + 52, GATE + 116), f"{function} ( {short(gate.inside)} )", 13, style="right bold")
