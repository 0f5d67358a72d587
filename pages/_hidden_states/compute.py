"""What the page "Hidden states" computes, each result once for all visitors: windows of a text, values of a layer, rankings.

Each action of a visitor is one cached call of models.char_lm.experiments. Cache keys are names and texts, never arrays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from explorer.analysis.ordering import order
from explorer.analysis.quantities import quantity
from explorer.records import Trace
from models import Loaded
from models.char_lm.experiments.held import ZERO, Held, read_held
from models.char_lm.experiments.window import Window, WindowRun, record_window
from pages._ui.cache import shared_cache
from pages._ui.networks import loaded
from pages._ui.pool import Cost
from pages._ui.view import TextView

if TYPE_CHECKING:
    from explorer.analysis.attribution import Comparison
    from explorer.analysis.trace_back import TraceBack
    from explorer.analysis.unit_effects import TestedUnits
    from models.char_lm.experiments.steered import ReadOn
    from models.char_lm.experiments.transplant import Transplanted
    from models.char_lm.experiments.what_next import WhatNext

WINDOW = 10_000  # characters recorded at once; a trace of them costs some 200 MB
LIGHT = 2_000  # characters that are read in a moment
SHORT = 600  # characters in which some hundred units are silenced in a few seconds
HEAVY = Cost(megabytes=500)  # while a trace is being made, its arrays exist twice


@dataclass(frozen=True)
class View(TextView):
    """Everything needed to compute the figures of the page, and everything its link restores.

    Args:
        layer: Counted from 0.
        quantity: See analysis.quantities.
        order: Of the rows of the map, see analysis.ordering.
        unit: The chosen unit.
        part: Window of 10,000 characters, counted from 0.
        stretched: Whether the colour scale ends at the largest value of this text instead of fixed values.
        cursor: Position in the whole text.
        selection: Selected range (start, stop) in the whole text, or None.
        path: "rnn", or "rnn[reverse]" for the direction that reads from the end.

    Positions count tokens: characters, or the words of a network of words.
    """

    layer: int = 0
    quantity: str = "tanh(cell)"
    order: str = "memory time"
    unit: int = 0
    part: int = 0
    stretched: bool = False
    cursor: int = 0
    selection: tuple[int, int] | None = None
    instead: str = ZERO
    path: str = "rnn"


def is_of_characters(model: str) -> bool:
    """Whether each character of a text is a token of a network; if not, its tokens are words or bytes."""
    return loaded(model).vocab.is_of_characters


def tokens_of(model: str) -> str:
    """What the tokens of a network are called: characters, words, bytes."""
    return f"{loaded(model).vocab.noun}s"


def length(view: View) -> int:
    """Number of tokens of the text."""
    if is_of_characters(view.model):
        return len(view.text)
    count = lambda: len(loaded(view.model).vocab.split(view.text))  # noqa: E731
    return shared_cache("rows", 16).get(("length", view.model, view.text), count)


def shown_so_far(view: View) -> str:
    """The text up to the end of the shown window: a network reads no further, however long the text of a link is; words are all read."""
    return view.text[: (view.part + 1) * WINDOW] if is_of_characters(view.model) else view.text


def cost(view: View, what: str = "trace") -> Cost | None:
    """What it may use to compute something of the view; None for a short text, and where it is there already.

    Args:
        view: The view.
        what: "trace", "untrained" (the trace of the untrained network) or "silenced" (the reading with a silenced unit).
    """
    cache = shared_cache("readings", 256) if what == "silenced" else shared_cache("traces", 768)
    return None if len(shown_so_far(view)) <= LIGHT or cache.has(_key(view, what)) else HEAVY


def _key(view: View, what: str) -> tuple:
    return what, *view.reads, view.part, *((view.layer, view.unit, view.instead) if what == "silenced" else (view.path,))


def _reading(view: View, network: Loaded, report: Callable[[int, int], None]) -> Any:
    """The reading up to the end of the shown window, continued from that of the windows before it."""
    from models.char_lm.reading import read

    if not network.vocab.is_of_characters:
        whole = lambda: read(network, view.text, WINDOW, report, view.warm_up)  # noqa: E731
        return shared_cache("readings", 256).get(("reading", *view.reads), whole)
    reading = None
    for part in range(view.part + 1):
        text = shown_so_far(view.of(part=part))
        go_on = lambda text=text, after=reading: read(network, text, WINDOW, report, view.warm_up, after)  # noqa: E731
        reading = shared_cache("readings", 256).get(("reading", *view.reads, part), go_on)
    return reading


def recorded(view: View, network: Loaded, report: Callable[[int, int], None] = lambda done, total: None) -> Window:
    """Every state and gate of one window of the text.

    Args:
        view: Gives network, text, warm-up and part.
        network: The opened network of that name.
        report: Called with (done, total) characters of the text; may raise to stop.
    """
    make = lambda: record_window(network, _reading(view, network, report), view.part, view.path)  # noqa: E731
    return shared_cache("traces", 768).get(_key(view, "trace"), make)


def window(view: View, network: Loaded, report: Callable[[int, int], None] = lambda done, total: None) -> WindowRun:
    """The recorded window with the values of all units of the chosen layer. Arguments as for `recorded`."""
    run = recorded(view, network, report)
    layer = (*view.reads, view.part, view.path, view.layer)
    values = shared_cache("values", 512).get(("values", *layer, view.quantity), lambda: quantity(run.trace, view.quantity, view.layer))
    rows = shared_cache("rows", 16).get(("rows", *layer, view.order), lambda: order(run.trace, view.layer, view.order))
    return WindowRun(**vars(run), values=values, order=rows)


def untrained_trace(view: View, network: Loaded, report: Callable[[int, int], None] = lambda done, total: None) -> Trace:
    """The states of the same network with untrained weights: a baseline for every claim about a unit."""
    from models.char_lm.network import untrained
    from models.char_lm.reading import read

    def record() -> Trace:
        fresh = untrained(network, seed=0)
        reading = read(fresh, shown_so_far(view), WINDOW, report, view.warm_up)
        return record_window(fresh, reading, view.part, view.path).trace

    return shared_cache("traces", 768).get(_key(view, "untrained"), record)


def silenced_bits(view: View, network: Loaded, report: Callable[[int, int], None] = lambda done, total: None) -> np.ndarray:
    """Surprise at each character up to the end of the window, in bits, while the chosen unit is held, [time].

    Arguments as for `recorded`.
    """

    def make() -> Any:
        trace = None if view.instead == ZERO else recorded(view, network, report).trace
        silenced = Held(view.layer, (view.unit,), view.instead)
        return read_held(network, shown_so_far(view), view.warm_up, silenced, trace, report)

    return shared_cache("readings", 256).get(_key(view, "silenced"), make).bits


@dataclass(frozen=True)
class Asked:
    """A prediction that is explained by the characters before it.

    Args:
        at: Index in the whole text of the character after which it is made.
        span: Number of characters that are scored.
        target: The character whose probability is explained; "" for the most likely one.
        baseline: What an input is compared with, "zero" or "mean".
    """

    at: int
    span: int
    target: str = ""
    baseline: str = "zero"

    @property
    def part(self) -> int:
        """The window in which the scored characters begin; it may be the one before that of the prediction."""
        return max(0, self.at + 1 - self.span) // WINDOW


def cost_of(asked: Asked) -> Cost | None:
    """What it may use to compute the attributions of a prediction; None where little text is read first."""
    return HEAVY if asked.at - asked.part * WINDOW > LIGHT else None


def attributed(view: View, network: Loaded, asked: Asked, report: Callable[[int, int], None] = lambda done, total: None) -> "Comparison":
    """Attribution methods beside deletion for one prediction in the recorded window.

    Args:
        view: Gives network, text, warm-up and part.
        network: The opened network of that name.
        asked: The prediction.
        report: Called with (done, total) rows; may raise to stop.

    Raises:
        AnalysisError: there are fewer than two characters before the prediction.
    """
    from models.char_lm.experiments.attribution import Prediction, comparison

    def make() -> "Comparison":
        reading, part = recorded(view, network).reading, asked.part
        prediction = Prediction(view.text[part * WINDOW : asked.at + 1], asked.span, asked.target or None)
        return comparison(network, prediction, asked.baseline, reading.states[part], report)

    return shared_cache("attributions", 16).get(("attribution", *view.reads, view.part, asked), make)


@dataclass(frozen=True)
class Traced:
    """A prediction that is followed back to the characters that wrote what it rests on.

    Args:
        at: Index in the whole text of the character after which it is made; it lies in the shown window.
        target: The character whose probability is explained; "" for the most likely one.
        unit: Unit whose writers are shown; None: all.
    """

    at: int
    target: str = ""
    unit: int | None = None


def traced_back(view: View, network: Loaded, traced: Traced, report: Callable[[int, int], None] = lambda done, total: None) -> "TraceBack":
    """Who wrote what a prediction in the recorded window rests on. Arguments as for `attributed`.

    Raises:
        AnalysisError: a plain RNN, or an output that is not one linear layer.
    """
    from models.char_lm.experiments.trace_back import Asked as AskedBack
    from models.char_lm.experiments.trace_back import trace_back

    def make() -> "TraceBack":
        window = recorded(view, network, report)
        return trace_back(network, window, AskedBack(traced.at - window.start, traced.target, traced.unit))

    return shared_cache("attributions", 16).get(("traced", *view.reads, view.part, traced), make)


@dataclass(frozen=True)
class Steered:
    """Units that are held from one character of the shown window on.

    Args:
        at: Index in the whole text of the first character whose state is held.
        held: The units, and what they are held at; None: nothing is held.
        temperature, seed: How the text goes on.
    """

    at: int
    held: Held | None
    temperature: float
    seed: int


def steered(
    view: View, network: Loaded, asked: Steered, report: Callable[[int, int], None] = lambda done, total: None
) -> tuple["ReadOn", list[tuple[str, ...]]]:
    """The text after one character read with units held, or as the network is, and sampled continuations. Arguments as for `attributed`.

    Raises:
        InterventionError: the network cannot be run with a state held.
    """
    from models.char_lm.experiments.steered import Sampling, continuations, read_on

    def make() -> tuple["ReadOn", list[tuple[str, ...]]]:
        run, at = recorded(view, network), asked.at - view.part * WINDOW
        sampling = Sampling(temperature=asked.temperature, seed=asked.seed)
        return read_on(network, run, at, asked.held), continuations(network, run, at, sampling, asked.held, report)

    return shared_cache("rows", 16).get(("steered", *view.reads, view.part, asked), make)


@dataclass(frozen=True)
class Moved:
    """A state, or a part of it, that is put from one text into another.

    Args:
        at: Index in the whole text of the character after which the state is taken or put in.
        other: The other text; its state is that after its last character.
        is_giver: Whether the state is that of the page's text; if not, it is that of the other text.
        layer, unit: Which; None: all.
        temperature, seed: How both go on.
    """

    at: int
    other: str
    is_giver: bool
    layer: int | None
    unit: int | None
    temperature: float
    seed: int


def transplanted(
    view: View, network: Loaded, moved: Moved, report: Callable[[int, int], None] = lambda done, total: None
) -> "Transplanted":
    """What both texts say next, before and after. Arguments and errors as for `steered`."""
    from models.char_lm.experiments.steered import Sampling
    from models.char_lm.experiments.transplant import Place, transplant

    def make() -> "Transplanted":
        other = recorded(view.of(text=moved.other, part=0), network)
        places = [Place(recorded(view, network), moved.at - view.part * WINDOW), Place(other, len(other.trace.tokens) - 1)]
        giver, receiver = places if moved.is_giver else places[::-1]
        sampling = Sampling(temperature=moved.temperature, seed=moved.seed)
        return transplant(network, giver, receiver, (moved.layer, moved.unit), sampling, report)

    return shared_cache("rows", 16).get(("transplanted", *view.reads, view.part, moved), make)


def nudged(view: View, network: Loaded, report: Callable[[int, int], None] = lambda done, total: None) -> "WhatNext":
    """What the chosen unit makes the network say when it is nudged. Arguments as for `recorded`.

    Raises:
        AnalysisError: the text is too short, or the unit never changes.
        InterventionError: the network cannot be run with a changed state.
    """
    from models.char_lm.experiments.what_next import what_next

    make = lambda: what_next(network, recorded(view, network, report), view.layer, view.unit)  # noqa: E731
    return shared_cache("rows", 16).get(("nudged", *view.reads, view.part, view.layer, view.unit), make)


@dataclass(frozen=True)
class Tested:
    """A unit that is silenced beside others where something is needed.

    Args:
        wanted: What is needed, ("concept", name) or ("pattern", regular expression).
        unit: The unit.
        start: Position in the window of the first prediction that counts.
        instead: What each unit is held at, "zero", "mean" or "elsewhere".
        every: Whether all units of the layer are silenced.
    """

    wanted: tuple[str, str]
    unit: int
    start: int
    instead: str
    every: bool


def cost_of_test(run: WindowRun) -> Cost | None:
    """What it may use to silence units one by one; None for a short text."""
    return HEAVY if len(run.trace.tokens) > SHORT else None


def tested_units(
    view: View, network: Loaded, places: np.ndarray, tested: Tested, report: Callable[[int, int], None] = lambda done, total: None
) -> "TestedUnits":
    """Units of the layer silenced one by one. Arguments as for `attributed`; `places` [time] of the window are where they are needed.

    Raises:
        AnalysisError: there are too few such places.
        InterventionError, RecordingError: the network cannot be run with a unit held, or gives no gradient.
    """
    from models.char_lm.experiments.unit_effects import Question
    from models.char_lm.experiments.unit_effects import tested as test

    def make() -> "TestedUnits":
        question = Question(view.layer, tested.unit, tested.start, tested.instead, tested.every)
        return test(network, recorded(view, network, report), places, question, report)

    return shared_cache("rankings", 16).get(("tested", *view.reads, view.part, view.layer, tested), make)


def ranked(view: View, wanted: tuple, make: Callable[[], Any]) -> Any:
    """A ranking of units, cached by the concept, pattern or range in `wanted`."""
    key = ("ranked", *view.reads, view.part, view.path, view.layer, view.quantity, wanted)
    return shared_cache("rankings", 16).get(key, make)


@st.cache_resource(show_spinner=False, max_entries=4)
def ngram(corpus: str) -> Any:
    """The n-gram model of a corpus; None if none is shipped."""
    from models.ngram import load

    return load(corpus)


def ngram_bits(corpus: str, view: View) -> np.ndarray:
    """Surprise of the shipped n-gram model at each character up to the end of the window, in bits, [time]."""
    text = view.warm_up + shown_so_far(view)
    return shared_cache("rows", 16).get(("ngram", corpus, text, view.warm_up), lambda: ngram(corpus).bits(text)[len(view.warm_up) :])
