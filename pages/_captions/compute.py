"""What the page of captions computes, each once for all visitors: captions, what their words need, and captions without some regions.

A gesture is one cached call of models.captioning.experiments. Caches go by names and parameters, never by arrays: a picture has a
name, `scene:7`, `photo:temple` or `own:` and its checksum.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from models import Loaded
from models.captioning.experiments.captions import CaptionRun, caption_run, hide_regions, run_of
from models.captioning.occlusion import Without, filled
from models.decoding import Hypothesis, no_report
from models.scenes import data
from pages._captions import gallery
from pages._ui.cache import shared_cache
from pages._ui.view import PageView


@dataclass(frozen=True)
class View(PageView):
    """What is looked at: enough to compute every picture of the page, and all that a link restores.

    Args:
        model: Name of a checkpoint. picture: name of a picture.
        word: Index of the chosen word.
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


@st.cache_resource(show_spinner="Opening what it sees with ...", max_entries=4)
def _eye(model: str, _network: Loaded) -> Callable:
    from models.captioning.caption import feature_extractor

    return feature_extractor(_network)


def features(view: View, network: Loaded, hidden: tuple[int, ...] = ()) -> Any:
    """What the decoder is given of the picture with the pixels of some regions filled, [in, channel]."""
    from models.captioning.caption import grid

    def see() -> Any:
        return _eye(view.model, network)([filled(gallery.seen(view.picture), hidden, grid(network), view.fill)])[0]

    return shared_cache("captions", 128).get(("features", view.model, view.picture, hidden, view.fill), see)


def caption(view: View, network: Loaded) -> CaptionRun:
    """The caption of the whole picture, word by word: its hidden regions are not asked for.

    Args:
        view: Names network, picture and width.
        network: The network of that name, opened.
    """
    own, key = features(view, network), ("caption", view.model, view.picture, view.width)
    return shared_cache("captions", 128).get(key, lambda: caption_run(network, own, view.width))


def other_caption(view: View, network: Loaded, hypothesis: Hypothesis) -> CaptionRun:
    """Any caption of the whole picture, word by word."""
    key = ("other caption", view.model, view.picture, hypothesis.tokens)
    return shared_cache("captions", 128).get(key, lambda: run_of(network, features(view, network), hypothesis))


def needed(view: View, network: Loaded, report: Callable[[int, int], None] = no_report) -> np.ndarray:
    """How much each word of the caption loses when a region is given the mean picture's features, [out, in], nats.

    Args:
        view: Names network, picture and width.
        network: The network of that name, opened.
        report: Called with (done, total) regions; may raise to stop.
    """
    from models.captioning import caption as captioning

    module: Any = network.module
    tokens = caption(view, network).hypothesis.tokens
    measure = lambda: captioning.occlusion_importance(module, features(view, network), tokens, report)  # noqa: E731
    return shared_cache("captions", 128).get(("needed", view.model, view.picture, view.width), measure)


def without(view: View, network: Loaded) -> Without:
    """The caption without the hidden regions, and what its words cost then."""

    def hide() -> Without:
        own, other = features(view, network), features(view, network, view.hidden)
        return hide_regions(network, caption(view, network), own, other, view.hidden, view.width)

    return shared_cache("captions", 128).get(("without", view.model, view.picture, view.hidden, view.fill, view.width), hide)


def run(view: View, network: Loaded, report: Callable[[int, int], None] | None) -> CaptionRun:
    """All that the page shows of a caption: word by word, what each word needs, and what it is without the hidden regions.

    Args:
        view: What is looked at.
        network: The network of its name, opened.
        report: Called with (done, total) regions; may raise to stop. Without it, what is needed is not worked out.
    """
    lost = needed(view, network, report) if report else None
    return replace(caption(view, network), needed=lost, without=without(view, network) if view.hidden else None)


def samples(view: View, network: Loaded, temperature: float, count: int = 5, seed: int = 0) -> list[Hypothesis]:
    """Captions of the whole picture, drawn word by word, not searched; the same seed draws the same."""
    from models.captioning import caption as captioning

    module: Any = network.module
    key = ("samples", view.model, view.picture, temperature, count, seed)
    draw = lambda: captioning.samples(module, features(view, network), temperature, count, seed)  # noqa: E731
    return shared_cache("captions", 128).get(key, draw)


def wrong(view: View, network: Loaded, count: int, report: Callable[[int, int], None] = no_report) -> list[int]:
    """Numbers of the first dev scenes whose caption is not true of them.

    Args:
        view: Names the network.
        network: The network of that name, opened.
        count: How many are looked through.
        report: Called with (done, total) scenes; may raise to stop.
    """

    def look_through() -> list[int]:
        false = []
        for done, index in enumerate(range(data.DEV, data.DEV + count)):
            report(done, count)
            words = caption(View(view.model, f"{gallery.SCENE}{index}"), network).text.split()
            false += [index] * (not data.is_true(data.scene(index), words))
        return false

    return shared_cache("captions", 128).get(("wrong", view.model, count), look_through)
