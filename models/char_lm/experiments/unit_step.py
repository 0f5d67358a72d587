"""One unit of a character network at one character: its step taken apart, and what the forms of the GRU make of a text."""

from typing import Any

import numpy as np

import explorer
from explorer.analysis.cell_step import CellStep
from explorer.analysis.quantities import HIDDEN, TANH_CELL, quantity
from explorer.recording.preactivations import cell_step
from explorer.records import Trace
from models.char_lm.experiments.gate_clamping import given
from models.char_lm.gru_variants import Form, bits
from models.checkpoint import Loaded

GRU_FORMS = {
    "torch: z = 1 keeps, reset after the matrix product": Form(),
    "z = 1 writes": Form(z_writes=True),
    "z = 1 writes, and the rows of z negated": Form(z_writes=True, negated=True),
    "reset before the matrix product": Form(reset_first=True),
}


def held(trace: Trace, layer: int, unit: int) -> np.ndarray:
    """What a unit holds after each character, [time]: tanh of the cell where there is one, else the hidden state."""
    return quantity(trace, TANH_CELL if trace.cell is not None else HIDDEN, layer)[:, unit]


def step(loaded: Loaded, before: str, token: str, layer: int, unit: int) -> CellStep:
    """A unit at a character, taken apart: a recording listens to that one step.

    Args:
        loaded: The network.
        before: All that was read before the character.
        token: The character.
        layer, unit: Counted from 0.
    """
    module: Any = loaded.module
    ids, state = given(loaded, before, token)
    with explorer.record(module) as recording:
        module(ids, state)
    return cell_step(recording, recording.trace(token), 0, layer, unit)


def gru_forms(loaded: Loaded, text: str, warm_up: str) -> dict[str, float]:
    """Mean bits per character of a text in each form of the GRU, with the network's own weights, by what the form is.

    Args:
        loaded: The network, a GRU.
        text: At least two characters.
        warm_up: What is read first, by torch itself.
    """
    return {name: float(bits(loaded, text, warm_up, form).mean()) for name, form in GRU_FORMS.items()}


def likeliest(loaded: Loaded, p: np.ndarray, count: int = 3) -> list[tuple[str, float]]:
    """The likeliest characters with their probabilities; p [vocab]."""
    return [(loaded.vocab.tokens[index], float(p[index])) for index in np.argsort(-p, kind="stable")[:count]]
