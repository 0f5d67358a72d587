"""What would have happened: a character network goes on from a step at which one gate of one unit was held at 0 or 1."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.char_lm.network import gate_held
from models.char_lm.reading import Pass
from models.checkpoint import Loaded


@dataclass(frozen=True, eq=False)
class Course:
    """What follows a step.

    Args:
        held: What the unit holds after it and after each character that follows, [time]: tanh of the cell, or the hidden state.
        p: Probability of each next character after the step, [vocab].
        bits: What each following character cost, [time - 1]; characters outside the vocabulary cost their mark alone.
    """

    held: np.ndarray
    p: np.ndarray
    bits: np.ndarray = field(repr=False)


def given(loaded: Loaded, before: str, character: str) -> tuple[Tensor, Any]:
    """What the network is given at a step: the character as ids [1, 1], and the state after everything before it."""
    return torch.tensor([loaded.vocab.encode(character)]), Pass(loaded, before).state


def course(loaded: Loaded, before: str, text: str, place: tuple[int, int], gate: tuple[str, int] | None = None) -> Course:
    """Go on from a step, as the network would, or with one gate of one unit held at that step and free again after it.

    Args:
        loaded: The network.
        before: Read first. text: read then; its first character is the step.
        place: Layer and unit, counted from 0.
        gate: Which gate of that unit is held and at what, ("forget", 0); None holds none.

    Raises:
        InterventionError: there is no such unit or gate, see `explorer.clamped`.
    """
    own: Any = loaded.module
    first = own if gate is None else gate_held(own, *place, *gate)
    ids, state = torch.tensor(loaded.vocab.encode(text)), Pass(loaded, before).state
    held, logs = [], []
    with torch.inference_mode():
        for n, number in enumerate(ids):
            logits, state = (own if n else first)(number[None, None], state)
            value = state[1].tanh() if isinstance(state, tuple) else state
            held.append(float(value[place[0], 0, place[1]]))
            logs.append(logits[0, 0].double().log_softmax(-1))
        costs = [-float(log[number]) / np.log(2) for log, number in zip(logs, ids[1:], strict=False)]
    return Course(np.array(held), logs[0].exp().numpy(), np.array(costs))
