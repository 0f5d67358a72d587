"""Interventions on a character network: silence a unit, clamp a gate, and follow the network after a clamped step."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

import explorer
from models.char_lm.network import CharLM, memory
from models.char_lm.reading import Stream
from models.checkpoint import Loaded


@dataclass(frozen=True)
class Clamp:
    """A gate, "forget", and the value at which it is clamped, 0 or 1."""

    gate: str
    value: int


@dataclass(frozen=True, eq=False)
class Continuation:
    """The network's behaviour after a step.

    Args:
        held: Value of the unit after the step and after each following character, [time]: tanh of the cell, or the hidden state.
        p: Probability of each next character after the step, [vocab].
        bits: Surprise of each following character in bits, [time - 1]; for an unknown character that of the unknown mark only.
    """

    held: np.ndarray
    p: np.ndarray
    bits: np.ndarray = field(repr=False)


def given(loaded: Loaded, before: str, character: str) -> tuple[Tensor, Any]:
    """Input of a step: the character as ids [1, 1], and the state after the preceding text."""
    return torch.tensor([loaded.vocab.encode(character)]), Stream(loaded, before).state


def continuation(loaded: Loaded, before: str, text: str, layer: int, unit: int, clamp: Clamp | None = None) -> Continuation:
    """The network's behaviour from a step on, optionally with one gate of one unit clamped at that step only.

    Args:
        loaded: The network.
        before: Preceding text.
        text: The text from the step on; its first character is the step.
        layer: Index of the layer, counted from 0.
        unit: Index of the unit, counted from 0.
        clamp: The gate of that unit to clamp; None for no intervention.

    Raises:
        InterventionError: there is no such unit or gate, see `explorer.clamped`.
    """
    return continuations(loaded, before, text, layer, unit, [clamp])[0]


def continuations(
    loaded: Loaded, before: str, text: str, layer: int, unit: int, clamps: Sequence[Clamp | None]
) -> tuple[Continuation, ...]:
    """A continuation for each of several clamps. The preceding text is read once, and what follows the step is read by all together.

    A step of a batch takes hardly longer than a step of one row, because most of its time is spent on fetching the weights.

    Args:
        loaded, before, text, layer, unit: As for `continuation`.
        clamps: The gate to clamp, or None for no intervention.

    Raises:
        InterventionError: as continuation.
    """
    own: Any = loaded.module
    ids, start = torch.tensor(loaded.vocab.encode(text)), Stream(loaded, before).state
    values, logs = np.empty((len(ids), len(clamps))), []
    with torch.inference_mode():
        firsts = [own if clamp is None else gate_held(own, layer, unit, clamp.gate, clamp.value) for clamp in clamps]
        logits, state = _together([first(ids[:1][None], start) for first in firsts])
        for step in range(len(ids)):
            if step:
                logits, state = own(ids[step].expand(len(clamps), 1), state)
            values[step] = memory(own, state)[layer, :, unit].numpy()
            logs.append(logits[:, 0].double().log_softmax(-1))
        costs = np.array([-log[:, token].numpy() / np.log(2) for log, token in zip(logs, ids[1:], strict=False)]).reshape(-1, len(clamps))
    return tuple(Continuation(values[:, row], logs[0][row].exp().numpy(), costs[:, row]) for row in range(len(clamps)))


def _together(steps: Sequence[tuple[Tensor, Any]]) -> tuple[Tensor, Any]:
    """Logits [row, 1, vocab] and state of several steps as one batch."""
    logits, states = zip(*steps, strict=True)
    parts = zip(*states, strict=True) if isinstance(states[0], tuple) else [states]
    joined = tuple(torch.cat(part, 1) for part in parts)
    return torch.cat(logits), joined if isinstance(states[0], tuple) else joined[0]


def silenced(module: CharLM, layer: int, unit: int) -> CharLM:
    """A copy of the network in which one unit is exactly 0 at every step, see `explorer.silenced`.

    Raises:
        InterventionError: there is no such layer or unit.
    """
    with explorer.silenced(module, "rnn", layer, unit) as quiet:
        return quiet


def gate_held(module: CharLM, layer: int, unit: int, gate: str, value: int) -> CharLM:
    """A copy of the network in which one gate of one unit is exactly 0 or 1 at every step, see `explorer.clamped`.

    Raises:
        InterventionError: there is no such layer, unit or gate.
    """
    with explorer.clamped(module, "rnn", layer, unit, gate, value) as held:
        return held
