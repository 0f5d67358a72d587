"""What the page of hidden states computes, each once for all visitors: readings, traces, values.

Caches go by names and texts, never by arrays.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from explorer.analysis.quantities import quantity
from explorer.analysis.units import order
from explorer.records import Trace
from pages._ui.cache import shared_cache
from pages._ui.networks import loaded

WINDOW = 10_000  # characters traced at once; a trace of them costs some 200 MB
CALL = 500  # characters in a call: each begins with the state that torch returned, so rounding cannot add up


@dataclass(frozen=True)
class View:
    """What is looked at: enough to compute every picture of the page, and all that a link restores.

    Args:
        model: Name of a checkpoint. text: what it reads. warm_up: what it reads before, unseen.
        layer: Counted from 0. quantity: see analysis.quantities. order: of the map's rows. unit: the chosen one.
        part: Window of 10,000 characters, counted from 0.
        stretched: Whether colours reach to the largest value of this text, not to the fixed ends.
    """

    model: str
    text: str
    warm_up: str = ""
    layer: int = 0
    quantity: str = "tanh(cell)"
    order: str = "memory time"
    unit: int = 0
    part: int = 0
    stretched: bool = False

    def of(self, **changes: Any) -> "View":
        """The same view with some of it changed."""
        return replace(self, **changes)


@st.cache_resource
def _tracers() -> threading.Semaphore:
    # A trace in the making holds its arrays twice: two at a time keep twenty visitors within memory.
    return threading.Semaphore(2)


def no_report(done: int, total: int) -> None:
    """Reports to nobody."""


def reading(view: View, report: Callable[[int, int], None] = no_report):
    """The network's pass over the whole text: states at the borders of windows, bits, likely next characters."""
    from models.char_lm.reading import read

    key = ("reading", view.model, view.text, view.warm_up)
    return shared_cache("readings", 256).get(key, lambda: read(loaded(view.model), view.text, WINDOW, report, before=view.warm_up))


def silenced_reading(view: View):
    """The same pass with the chosen unit held at 0."""
    from models.char_lm.network import silenced
    from models.char_lm.reading import read

    def make():
        model = loaded(view.model)
        quiet = replace(model, module=silenced(model.module, view.layer, view.unit))
        return read(quiet, view.text, WINDOW, no_report, before=view.warm_up)

    key = ("silenced", view.model, view.text, view.warm_up, view.layer, view.unit)
    return shared_cache("readings", 256).get(key, make)


def trace(view: View) -> Trace:
    """Every state and gate of one window of the text."""
    key = ("trace", view.model, view.text, view.warm_up, view.part)
    return shared_cache("traces", 768).get(key, lambda: _traced(loaded(view.model), view))


def untrained_trace(view: View) -> Trace:
    """What the same network held before it was trained: the baseline of every claim about a unit."""
    from models.char_lm.network import untrained

    key = ("untrained", view.model, view.text, view.warm_up, view.part)
    return shared_cache("traces", 768).get(key, lambda: _traced(untrained(loaded(view.model), seed=0), view, own=False))


def _traced(model, view: View, own: bool = True) -> Trace:
    import explorer
    from models.char_lm.reading import read, window_input

    pass_ = reading(view) if own else read(model, view.text, WINDOW, no_report, before=view.warm_up)
    ids, state = window_input(pass_, view.part)
    with _tracers(), explorer.record(model.module) as recording:
        for piece in ids.split(CALL, dim=1):
            _, state = model.module(piece, state)
    with _tracers():
        return recording.trace(window_tokens(view))


def window_tokens(view: View) -> tuple[str, ...]:
    """The characters of the window."""
    return tuple(view.text[view.part * WINDOW : (view.part + 1) * WINDOW])


def values(view: View) -> np.ndarray:
    """The chosen quantity of the chosen layer, [time, unit]."""
    key = ("values", view.model, view.text, view.warm_up, view.part, view.layer, view.quantity)
    return shared_cache("values", 512).get(key, lambda: quantity(trace(view), view.quantity, view.layer))


def rows(view: View) -> tuple[int, ...]:
    """Units in the order of the map, top row first."""
    key = ("rows", view.model, view.text, view.warm_up, view.part, view.layer, view.order)
    return shared_cache("rows", 16).get(key, lambda: tuple(int(u) for u in order(trace(view), view.layer, view.order)))


def ranked(view: View, wanted: tuple, make: Callable[[], Any]) -> Any:
    """A ranking of units, kept by what was asked."""
    key = ("ranked", view.model, view.text, view.warm_up, view.part, view.layer, view.quantity, wanted)
    return shared_cache("rankings", 16).get(key, make)


@st.cache_resource(show_spinner=False, max_entries=4)
def ngram(corpus: str) -> Any:
    """The n-gram counts of a corpus, as small as they ship; None where none is shipped."""
    from models.ngram import load

    return load(corpus)


def ngram_bits(corpus: str, view: View) -> np.ndarray:
    """What each character of the text costs the shipped n-gram, [time]."""
    key = ("ngram", corpus, view.text, view.warm_up)
    return shared_cache("rows", 16).get(key, lambda: ngram(corpus).bits(view.warm_up + view.text)[len(view.warm_up) :])
