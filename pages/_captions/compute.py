"""Cached computations of the Captions page, shared by all visitors: captions, occlusion maps, and captions with hidden regions.

Each gesture is one call of models.captioning.experiments. Its parts are cached here, so that the occlusion map is computed once and not
again for every hidden region. Cache keys are names and parameters, never arrays: a picture is called `scene:7`, `photo:temple`, or
`own:` with its checksum.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

import models
from models import Loaded
from models.captioning import card
from models.captioning.card import Answers
from models.captioning.experiments.captions import CaptionRun, PictureInput, caption_run, hide_regions, run_of, taken_apart
from models.captioning.experiments.dependence import Dependence, looked_at
from models.captioning.experiments.dependence import dependence as depends
from models.captioning.occlusion import Without
from models.decoding import Hypothesis, no_report
from models.scenes import data
from pages._captions import gallery
from pages._ui import networks
from pages._ui.cache import shared_cache
from pages._ui.pool import Cost
from pages._ui.view import PageView

HEAVY = Cost(megabytes=300)


@dataclass(frozen=True)
class View(PageView):
    """What the visitor looks at: all that the page computes from and that a link restores.

    Args:
        model: Name of a checkpoint.
        picture: Name of a picture.
        word: Index of the selected word.
        hidden: Hidden regions, counted from 0 row by row.
        fill: What replaces hidden pixels, one of models.captioning.occlusion.FILLS.
        width: Beam width; 1 is greedy decoding.
    """

    model: str
    picture: str
    word: int = 0
    hidden: tuple[int, ...] = ()
    fill: str = "grey"
    width: int = 3


@st.cache_resource(show_spinner="Loading the image encoder ...", max_entries=4)
def _eye(model: str, _network: Loaded) -> Callable:
    from models.captioning.caption import feature_extractor

    return feature_extractor(_network)


def _kept(model: str, picture: str, part: tuple, compute: Callable[[], Any]) -> Any:
    return shared_cache("captions", 128).get((model, picture, *part), compute)


def cost(views: Sequence[View]) -> Cost | None:
    """What the occlusion maps of some views may use; None if all are there already."""
    cache = shared_cache("captions", 128)
    return None if all(cache.has((view.model, view.picture, "needed", view.width)) for view in views) else HEAVY


def cost_of_wrong(view: View, count: int) -> Cost | None:
    """What the captions of so many scenes may use; None if they are there already. Arguments as for `wrong`."""
    return None if shared_cache("captions", 128).has(("wrong", view.model, count)) else HEAVY


@st.cache_data(show_spinner=False, ttl=30)
def answers(model: str) -> Answers | None:
    """What `python -m models measure MODEL photographs` measured with the weights of today; None if it has not been run."""
    measured = card.answers(models.file_of(f"{model}-photographs.json"))
    return measured if measured and measured["weights"] == networks.fingerprint(model) else None


def picture_input(view: View, network: Loaded) -> PictureInput:
    """The picture of a view with its network; intermediate results are cached for all visitors.

    Args:
        view: Names network and picture.
        network: The network of that name, loaded.
    """
    extract = lambda pictures: _eye(view.model, network)(pictures)  # noqa: E731
    return PictureInput(network, extract, gallery.seen(view.picture), partial(_kept, view.model, view.picture))


def caption(view: View, network: Loaded) -> CaptionRun:
    """The caption of the whole picture, word by word; the hidden regions of the view are ignored.

    Args:
        view: Names network, picture and width.
        network: The network of that name, loaded.
    """
    return caption_run(picture_input(view, network), view.width)


def other_caption(view: View, network: Loaded, hypothesis: Hypothesis) -> CaptionRun:
    """A given caption of the whole picture, word by word."""
    source = picture_input(view, network)
    return source.keep(("other caption", hypothesis.tokens), lambda: run_of(network, source.features(), hypothesis))


def without(view: View, network: Loaded) -> Without:
    """The captions with the hidden regions replaced, and how the log probability of each original word changes."""
    source = picture_input(view, network)
    return hide_regions(source, caption_run(source, view.width), view.hidden, view.fill, view.width)


def dependence(view: View, source: PictureInput, run: CaptionRun, side: int) -> Dependence:
    """What the selected word depends on.

    Args:
        view: Names network, picture, word and width.
        source: Picture and network of the view, see `picture_input`.
        run: The caption of the whole picture.
        side: Side of the square to hide in a fine grid, in regions.
    """
    regions = looked_at(run.alignment.weights[view.word], run.grid, side) if run.alignment else ()
    return depends(source, run, view.word, regions, view.fill, view.width)


def run(view: View, source: PictureInput, report: Callable[[int, int], None] | None) -> CaptionRun:
    """All that the page shows of a caption: its words, the occlusion map of each, and the captions with hidden regions.

    Args:
        view: Network, picture, hidden regions and beam width.
        source: Picture and network of the view, see `picture_input`.
        report: Called with (done, total) regions; may raise to stop. None leaves out the occlusion map.
    """
    return taken_apart(source, view.hidden or None, view.fill, view.width, report)


def samples(view: View, network: Loaded, temperature: float, count: int = 5, seed: int = 0) -> list[Hypothesis]:
    """Captions of the whole picture sampled word by word; the same seed gives the same captions."""
    from models.captioning import caption as captioning

    module: Any = network.module
    source = picture_input(view, network)
    draw = lambda: captioning.samples(module, source.features(), temperature, count, seed)  # noqa: E731
    return source.keep(("samples", temperature, count, seed), draw)


def wrong(view: View, network: Loaded, count: int, report: Callable[[int, int], None] = no_report) -> list[int]:
    """Numbers of the held-out scenes, among the first of the dev part, whose caption is false.

    Args:
        view: Names the network.
        network: The network of that name, loaded.
        count: How many scenes to caption.
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
