"""Patching: a state of one text is put into another, and the network reads on from there.

>>> with patched(module, trace, step=40, into=12) as changed:
...     out = changed(other)
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from explorer.errors import InterventionError
from explorer.interventions import Module, intervene
from explorer.records import Trace


@contextmanager
def patched(
    module: Module, trace: Trace, step: int, into: int, layers: int | Sequence[int] | None = None, units: int | Sequence[int] | None = None
) -> Iterator[Module]:
    """A copy of the module whose state after one step of its next text is, in part or in whole, that of a recorded text.

    If what follows changes as the recorded text would have it, the network keeps what it knows in that part of the state. With
    all layers and units the network reads on as if it had read the recorded text.

    Args:
        module: The module that was recorded, or one of the same form. Nothing of it changes.
        trace: Record of the text that the state comes from.
        step: The step of that text after which the state is taken, counted from 0; -1 is the last.
        into: The step of the other text after which the state is put in, counted from 0 over all calls in the block.
        layers: One layer or several, counted from 0. None: all.
        units: One unit or several of each layer, counted from 0. None: all.

    Yields:
        The copy: call it like the module, or record it. h and, of an LSTM, c are replaced together.

    Raises:
        InterventionError: there is no such step, layer or unit, the states are complex, single units of projected states are asked for,
            or as `intervene`.
        RecordingError: nothing recurrent is inside, or it is compiled.

    Source: Meng et al., "Locating and Editing Factual Associations in GPT", 2022, section 2.1, there of hidden states of layers.
    """
    steps, count, width = trace.hidden.shape
    if not -steps <= step < steps:
        raise InterventionError(f"step is {step}; the record has {steps} steps, 0 to {steps - 1}.")
    if np.iscomplexobj(trace.hidden):
        raise InterventionError(f"The states of '{trace.source}' are complex numbers; only real states can be put into another text.")
    chosen = range(count) if layers is None else [layers] if isinstance(layers, int) else layers
    if outside := [layer for layer in chosen if not 0 <= layer < count]:
        raise InterventionError(f"There is no layer {outside[0]}; the record has {count}, 0 to {count - 1}.")
    parts: dict[str, Any] = {"hidden": trace.hidden} if trace.cell is None else {"cell": trace.cell, "hidden": trace.hidden}
    if units is not None and any(states.shape[2] != width for states in parts.values()):
        raise InterventionError(f"'{trace.source}' projects its hidden states, so that units of c and h differ; expected units=None, all.")
    which = range(width) if units is None else [units] if isinstance(units, int) else list(units)
    if outside := [unit for unit in which if not 0 <= unit < width]:
        raise InterventionError(f"There is no unit {outside[0]}; the record has {width}, 0 to {width - 1}.")
    with ExitStack() as stack:
        changed = module
        for layer in chosen:
            for part, states in parts.items():
                own = range(states.shape[2]) if units is None else which
                value = states[step, layer, list(own)].astype(np.float64)
                block = intervene(changed, trace.source, layer, units=own, value=value, part=part, steps=into)
                changed = stack.enter_context(block)
        yield changed
