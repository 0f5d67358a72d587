"""The equations of one step with their numbers, as LaTeX."""

from collections.abc import Iterable

import numpy as np

from explorer.analysis.cell_step import CellStep
from explorer.figures.diagram import short
from explorer.textbook.bptt import Network
from explorer.textbook.hello import LETTERS, WANTED, Forward


def matrix(values: np.ndarray) -> str:
    """A matrix [row, column] or a column [row], two digits per number."""
    rows = [values[n : n + 1] if values.ndim == 1 else values[n] for n in range(len(values))]
    return rf"\begin{{bmatrix}} {_rows(map(short, map(float, row)) for row in rows)} \end{{bmatrix}}"


def _rows(rows: Iterable[Iterable[str]]) -> str:
    return r" \\ ".join(" & ".join(row) for row in rows).replace("−", "-")


def hello(network: Network, computed: Forward, step: int) -> list[tuple[str, str]]:
    """One step of the example "hello" in five equations, each with its name.

    Args:
        network: The weights.
        computed: All numbers of the four steps.
        step: Counted from 0.
    """
    n, t = step + 1, step
    before = computed.hidden[t - 1] if t else np.zeros(3)
    inside = computed.from_input[t] + computed.from_state[t]
    wanted = LETTERS.index(WANTED[t])
    return [
        (
            "From the letter",
            rf"W_{{xh}}\,x_{n} = {matrix(network.U)} {matrix(computed.one_hot[t].astype(int))} = {matrix(computed.from_input[t])}",
        ),
        ("From the previous step", rf"W_{{hh}}\,h_{t} = {matrix(network.W)} {matrix(before)} = {matrix(computed.from_state[t])}"),
        (
            "The new state",
            rf"h_{n} = \tanh\!\left({matrix(computed.from_input[t])} + {matrix(computed.from_state[t])}\right)"
            rf" = \tanh {matrix(inside)} = {matrix(computed.hidden[t])}",
        ),
        (
            "The logits",
            rf"W_{{hy}}\,h_{n} + b = {matrix(network.V)} {matrix(computed.hidden[t])} + {matrix(network.c)} = {matrix(computed.logits[t])}",
        ),
        (
            "Prediction and loss",
            rf"p = \mathrm{{softmax}} {matrix(computed.logits[t])} = {matrix(computed.probabilities[t])}"
            rf"\qquad -\ln {computed.probabilities[t, wanted]:.3g} = {computed.losses[t]:.2f}",
        ),
    ]


def summed(weight: str, terms: np.ndarray) -> str:
    """The gradient of a weight as the sum of what its use at each step contributes.

    Args:
        weight: Its name in LaTeX.
        terms: The contributions, [time, row, column] or [time, row].
    """
    steps = " + ".join(rf"\underbrace{{{matrix(term)}}}_{{\text{{step {t}}}}}" for t, term in enumerate(terms, 1))
    return rf"\frac{{\partial L}}{{\partial {weight}}} = {steps} = {matrix(terms.sum(0))}"


# Functions in LaTeX; others by their names.
_FUNCTION = {"sigmoid": r"\sigma", "tanh": r"\tanh", "relu": r"\mathrm{relu}", "linear": ""}
_LETTER = {"input": "i", "forget": "f", "candidate": "g", "output": "o", "reset": "r", "update": "z"}


def cell(step: CellStep) -> list[tuple[str, str]]:
    """The step of a unit gate by gate, then its new state and output, each with its name."""
    lines = []
    for gate in step.gates:
        n = {"gru": "n", "tanh": "h"}.get(step.kind, "g") if gate.name == "candidate" else _LETTER[gate.name]
        name = _function(gate.function or ("tanh" if gate.name == "candidate" else "sigmoid"))
        is_reset = step.kind == "gru" and gate.name == "candidate" and not step.resets_before
        state = r"u\,(r \odot h)" if step.resets_before and gate.name == "candidate" else r"u\,h"
        inside = r"w\,x + b + r\,(u\,h + d)" if is_reset else rf"w\,x + {state} + b"
        back = rf"{_tex(step.value('reset'))} \cdot {_tex(step.fed_back)}" if is_reset else _tex(gate.from_state)
        parts = [_tex(gate.from_input), _tex(gate.bias), back] if is_reset else [_tex(gate.from_input), back, _tex(gate.bias)]
        numbers = " + ".join(rf"({part})" if part.startswith("-") else part for part in parts)
        lines.append((gate.name, rf"{n} = {name}({inside}) = {name}({numbers}) = {name}({_tex(gate.inside)}) = {_tex(gate.value)}"))
    return [*lines, *_state(step)]


def _function(name: str) -> str:
    return _FUNCTION.get(name, rf"\mathrm{{{name.replace('_', ' ').replace(' ', chr(92) + ' ')}}}")


def _state(step: CellStep) -> list[tuple[str, str]]:
    before, sum_ = _bracketed(step.before), rf"{_tex(step.kept)} + {_bracketed(step.written)}"
    if step.kind == "lstm":
        f, i, g = (_bracketed(step.value(name)) for name in ("forget", "input", "candidate"))
        equation = rf"c = f\,c_{{-1}} + i\,g = {f} \cdot {before} + {i} \cdot {g} = {sum_} = {_tex(step.state)}"
        name = _function(step.output)
        of_cell = "c" if step.output == "linear" else rf"{name} c" if step.output == "tanh" else rf"{name}(c)"
        shown = rf"h = o {of_cell} = {_tex(step.value('output'))} \cdot {name}({_tex(step.state)}) = {_tex(step.shown)}"
        return [("kept + written", equation), ("output h", shown)]
    if step.kind == "gru":
        z, n = _tex(step.value("update")), _bracketed(step.value("candidate"))
        equation = rf"h = z\,h_{{-1}} + (1 - z)\,n = {z} \cdot {before} + (1 - {z}) \cdot {n} = {sum_} = {_tex(step.state)}"
        return [("kept + written", equation)]
    return []


def _tex(value: float) -> str:
    return short(value).replace("−", "-")


def _bracketed(value: float) -> str:
    tex = _tex(value)
    return f"({tex})" if tex.startswith("-") else tex
