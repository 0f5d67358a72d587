"""One unit of a character network at one character: its gates and their terms; and a text read by four variants of the GRU."""

from typing import Any

import numpy as np

import explorer
from explorer.analysis.cell_step import CellStep, Gate
from explorer.analysis.quantities import HIDDEN, TANH_CELL, quantity
from explorer.recording.preactivations import cell_step
from explorer.records import Trace
from models.char_lm.experiments.gate_clamping import given
from models.char_lm.gru_variants import Form, bits
from models.checkpoint import Loaded

GRU_FORMS = {
    "torch: z = 1 keeps, reset after the matrix product": Form(),
    "z = 1 writes": Form(z_writes=True),
    "z = 1 writes, with the rows of z negated": Form(z_writes=True, negated=True),
    "reset before the matrix product": Form(reset_first=True),
}


def held(trace: Trace, layer: int, unit: int) -> np.ndarray:
    """State of a unit after each character, [time]: tanh of the cell state if there is one, else the hidden state."""
    return quantity(trace, TANH_CELL if trace.cell is not None else HIDDEN, layer)[:, unit]


def step(loaded: Loaded, before: str, token: str, layer: int, unit: int) -> CellStep:
    """The step of a unit at a character: its gates and their terms, recorded from that one step.

    Args:
        loaded: The network.
        before: All text read before the character.
        token: The character.
        layer: Index of the layer, counted from 0.
        unit: Index of the unit, counted from 0.
    """
    module: Any = loaded.module
    ids, state = given(loaded, before, token)
    if hasattr(module.rnn, "inside"):
        return _written_step(module, module.input_of_shown(ids, state)[0, 0].detach(), state, unit)
    with explorer.record(module) as recording:
        module(ids, state)
    return cell_step(recording, recording.trace(token, path="rnn"), 0, layer, unit)


def _written_step(module: Any, x: Any, state: Any, unit: int) -> CellStep:
    """The step of a unit of a cell that torch does not have; x [input] is its input, and the state begins with its own."""
    own, zeros = module.rnn, x.new_zeros(module.rnn.hidden_size)
    given = () if state is None else state if isinstance(state, tuple) else (state,)
    states = [part[0, 0] for part in given] or [zeros, zeros]
    gates = []
    for one in own.inside(x, states[0]):
        from_input, from_state, bias, value = (float(part[unit]) for part in (one.from_input, one.from_state, one.bias, one.value))
        gates.append(Gate(one.name, from_input, from_state, bias, value, one.function))
    is_after = own.cell == "gru" and not own.resets_before
    return CellStep(
        kind="tanh" if own.cell == "rnn" else own.cell,
        gates=tuple(gates),
        before=float(states[1 if own.cell == "lstm" else 0][unit]),
        fed_back=gates[-1].from_state / gates[0].value if is_after and gates[0].value else 0.0,
        resets_before=own.resets_before,
        output=own.state_name,
    )


def gru_forms(loaded: Loaded, text: str, warm_up: str) -> dict[str, float]:
    """Mean bits per character of a text in each variant of the GRU, with the network's own weights, by the name of the variant.

    Args:
        loaded: The network, a GRU.
        text: At least two characters.
        warm_up: Text read first, by torch itself.
    """
    return {name: float(bits(loaded, text, warm_up, form).mean()) for name, form in GRU_FORMS.items()}


def likeliest(loaded: Loaded, p: np.ndarray, count: int = 3) -> list[tuple[str, float]]:
    """The most likely characters with their probabilities; p [vocab]."""
    return [(loaded.vocab.tokens[index], float(p[index])) for index in np.argsort(-p, kind="stable")[:count]]
