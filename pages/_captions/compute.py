"""What the page of captions computes, each once for all visitors: captions, their attention, and what they are without a place.

Caches go by names and parameters, never by arrays: a picture has a name, `scene:7`, `photo:temple` or `own:` and its checksum.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import streamlit as st

from explorer.records import Alignment
from models.decoding import Hypothesis, no_report
from models.scenes import data
from pages._captions import gallery
from pages._ui.cache import shared_cache
from pages._ui.networks import loaded


@dataclass(frozen=True)
class View:
    """What is looked at: enough to compute every picture of the page, and all that a link restores.

    Args:
        model: Name of a checkpoint. picture: name of a picture.
        word: Place of the chosen word.
        hidden: Regions that are hidden, counted from 0 row by row.
        fill: What stands in hidden pixels, one of models.captioning.occlusion.FILLS.
        width: Hypotheses kept side by side; 1 is greedy.
    """

    model: str
    picture: str
    word: int = 0
    hidden: tuple[int, ...] = ()
    fill: str = "grey"
    width: int = 3

    def of(self, **changes: Any) -> "View":
        """The same view with some of it changed."""
        return replace(self, **changes)


@dataclass(frozen=True, eq=False)
class Told:
    """A caption word by word.

    Args:
        words: As they are read, the end mark last where the caption came to an end, [out].
        gates: Visual gate of each word, [out], 0..1; None where the network has none.
        visual: log p(word | picture) - log p(word | mean picture), [out], nats.
        alignment: Where it was looked; None where the network has no attention.
        hypothesis: What it was made of.
    """

    words: tuple[str, ...]
    gates: np.ndarray | None
    visual: np.ndarray
    alignment: Alignment | None
    hypothesis: Hypothesis = field(repr=False)


@st.cache_resource(show_spinner="Opening what it sees with ...", max_entries=4)
def _eye(model: str) -> Callable:
    from models.captioning.caption import eye

    return eye(loaded(model))


def grid(view: View) -> tuple[int, int]:
    """Rows and columns of the regions."""
    from models.captioning import caption as captioning_caption

    return captioning_caption.grid(loaded(view.model))


def pixels(view: View) -> np.ndarray:
    """What the network sees, hidden regions filled, [row, column, channel]."""
    from models.captioning import occlusion

    return occlusion.filled(gallery.seen(view.picture), view.hidden, grid(view), view.fill)


def _features(view: View) -> Any:
    """What the decoder is given of the picture, [in, channel]."""
    key = ("features", view.model, view.picture, view.hidden, view.fill)
    return shared_cache("captions", 128).get(key, lambda: _eye(view.model)([pixels(view)])[0])


def _network(view: View) -> tuple[Any, Any]:
    found = loaded(view.model)
    return found.module, found.vocab


def caption(view: View) -> Any:
    """The caption of a view's picture, with hidden pixels filled: see models.captioning.caption.Caption."""
    from models.captioning.caption import BEAM, describe

    key = ("caption", view.model, view.picture, view.hidden, view.fill, view.width)
    return shared_cache("captions", 128).get(key, lambda: describe(*_network(view), _features(view), replace(BEAM, width=view.width)))


def told(view: View, hypothesis: int = 0) -> Told:
    """One of the hypotheses, word by word."""
    return told_of(view, caption(view).hypotheses[hypothesis])


def told_of(view: View, found: Hypothesis) -> Told:
    """Any caption of a view's picture, word by word."""
    from models.captioning import caption as captioning_caption

    def make() -> Told:
        module, words = _network(view)
        names = tuple(words.tokens[number] for number in found.tokens)
        alignment = None if found.attention is None else Alignment(places(view), names, found.attention, grid(view))
        gates = captioning_caption.visual_gates(module, _features(view), found)
        return Told(names, gates, captioning_caption.visual(module, _features(view), found.tokens), alignment, found)

    key = ("told", view.model, view.picture, view.hidden, view.fill, found.tokens)
    return shared_cache("captions", 128).get(key, make)


def places(view: View) -> tuple[str, ...]:
    """The names of the regions, row by row."""
    rows, columns = grid(view)
    return tuple(f"row {row + 1}, column {column + 1}" for row in range(rows) for column in range(columns))


def samples(view: View, temperature: float, count: int = 5, seed: int = 0) -> list[Hypothesis]:
    """Captions drawn word by word, not searched; the same seed draws the same."""
    from models.captioning import caption as captioning_caption

    key = ("samples", view.model, view.picture, temperature, count, seed)
    plain = view.of(hidden=())

    def make() -> list[Hypothesis]:
        return captioning_caption.samples(_network(view)[0], _features(plain), temperature, count, seed)

    return shared_cache("captions", 128).get(key, make)


def likely(view: View, found: Told, word: int) -> list[tuple[str, float]]:
    """The words that were likeliest at a step, with their probabilities."""
    names = [_network(view)[1].tokens[number] for number in found.hypothesis.top[word]]
    return list(zip(names, np.exp(found.hypothesis.top_log_probabilities[word]).tolist(), strict=True))


def needed(view: View, report: Callable[[int, int], None] = no_report) -> np.ndarray:
    """How much each word of the caption loses when a region is given the mean picture's features, [out, in], nats.

    Args:
        view: Its hidden regions are not asked for.
        report: Called with (done, total) regions; may raise to stop.
    """
    from models.captioning import caption as captioning_caption

    plain = view.of(hidden=())
    key = ("needed", view.model, view.picture, view.width)
    tokens = told(plain).hypothesis.tokens
    return shared_cache("captions", 128).get(key, lambda: captioning_caption.needed(_network(view)[0], _features(plain), tokens, report))


def without(view: View) -> Any:
    """The caption without the hidden regions, and what its words cost then: see models.captioning.occlusion.Without."""
    from models.captioning import occlusion
    from models.captioning.caption import BEAM

    def make() -> occlusion.Without:
        plain, search = view.of(hidden=()), replace(BEAM, width=view.width)
        return occlusion.without(loaded(view.model), _features(plain), _features(view), view.hidden, search, told(plain).hypothesis.tokens)

    return shared_cache("captions", 128).get(("without", view.model, view.picture, view.hidden, view.fill, view.width), make)


def wrong(view: View, count: int, report: Callable[[int, int], None] = no_report) -> list[int]:
    """Numbers of the first dev scenes whose caption is not true of them.

    Args:
        view: Names the network.
        count: How many are looked through.
        report: Called with (done, total) scenes; may raise to stop.
    """

    def make() -> list[int]:
        found = []
        for done in range(count):
            report(done, count)
            number = data.DEV + done
            words = caption(View(view.model, f"{gallery.SCENE}{number}")).text.split()
            found += [number] * (not data.is_true(data.scene(number), words))
        return found

    return shared_cache("captions", 128).get(("wrong", view.model, count), make)
