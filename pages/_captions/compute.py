"""What the page of captions computes, each once for all visitors: captions, what their words need, and captions without some regions.

A gesture is one call of models.captioning.experiments, which keeps its parts here: what each word needs is worked out once, not again
for each place that is hidden. Caches go by names and parameters, never by arrays: a picture has a name, `scene:7`, `photo:temple` or
`own:` and its checksum.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from models import Loaded
from models.captioning.experiments.captions import CaptionRun, PictureInput, caption_run, hide_regions, run_of, taken_apart
from models.captioning.occlusion import Without
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


def _kept(model: str, picture: str, part: tuple, compute: Callable[[], Any]) -> Any:
    return shared_cache("captions", 128).get((model, picture, *part), compute)


def picture_input(view: View, network: Loaded) -> PictureInput:
    """The picture of a view before its network; parts of what is computed of it are kept for all visitors.

    Args:
        view: Names network and picture.
        network: The network of that name, opened.
    """
    extract = lambda pictures: _eye(view.model, network)(pictures)  # noqa: E731
    return PictureInput(network, extract, gallery.seen(view.picture), partial(_kept, view.model, view.picture))


def caption(view: View, network: Loaded) -> CaptionRun:
    """The caption of the whole picture, word by word: its hidden regions are not asked for.

    Args:
        view: Names network, picture and width.
        network: The network of that name, opened.
    """
    return caption_run(picture_input(view, network), view.width)


def other_caption(view: View, network: Loaded, hypothesis: Hypothesis) -> CaptionRun:
    """Any caption of the whole picture, word by word."""
    source = picture_input(view, network)
    return source.keep(("other caption", hypothesis.tokens), lambda: run_of(network, source.features(), hypothesis))


def without(view: View, network: Loaded) -> Without:
    """The caption without the hidden regions, and what its words cost then."""
    source = picture_input(view, network)
    return hide_regions(source, caption_run(source, view.width), view.hidden, view.fill, view.width)


def run(view: View, source: PictureInput, report: Callable[[int, int], None] | None) -> CaptionRun:
    """All that the page shows of a caption: word by word, what each word needs, and what it is without the hidden regions.

    Args:
        view: What is looked at.
        source: Its picture and network, see `picture_input`.
        report: Called with (done, total) regions; may raise to stop. Without it, what is needed is not worked out.
    """
    return taken_apart(source, view.hidden or None, view.fill, view.width, report)


def samples(view: View, network: Loaded, temperature: float, count: int = 5, seed: int = 0) -> list[Hypothesis]:
    """Captions of the whole picture, drawn word by word, not searched; the same seed draws the same."""
    from models.captioning import caption as captioning

    module: Any = network.module
    source = picture_input(view, network)
    draw = lambda: captioning.samples(module, source.features(), temperature, count, seed)  # noqa: E731
    return source.keep(("samples", temperature, count, seed), draw)


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
