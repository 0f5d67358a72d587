"""Wrong captions, and what attention and occlusion show about their first wrong word."""

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from models import Loaded
from models.captioning.experiments.captions import CaptionRun
from models.captioning.occlusion import NEEDS, around
from models.decoding import no_report
from models.scenes import data
from models.scenes.data import DEV
from pages._captions import compute, gallery, multiples, state
from pages._captions.compute import View
from pages._captions.gallery import PHOTO, PHOTOS, SCENE
from pages._ui.progress import patiently
from pages._ui.text import plain

KEY = "captions.wrong"
CAPTIONED = 80  # held-out scenes
SHOWN = 3  # of the wrong captions


def panel(view: View, about: dict, network: Loaded, run: CaptionRun) -> None:
    """Wrong captions: of held-out scenes, or of photographs unlike the training data."""
    (_scenes if state.knows_truth(about) else _photographs)(view, network)


def _scenes(view: View, network: Loaded) -> None:
    """The first wrong captions, each with the nearest true one and its first wrong word."""
    label = f"Captioning {CAPTIONED} scenes with {view.model}"
    work, cost = partial(compute.wrong, view, network, CAPTIONED), compute.cost_of_wrong(view, CAPTIONED)
    false = patiently(label, f"{KEY}.cancel", _leave, work, cost)
    share = f"{len(false)} of {CAPTIONED}"
    st.markdown(f"**{share}** captions of held-out scenes are false." + (f" The first {min(SHOWN, len(false))}:" if false else ""))
    for index in false[:SHOWN]:
        _one(view.of(picture=f"{SCENE}{index}", hidden=(), word=0), network, index)


def _photographs(view: View, network: Loaded) -> None:
    """Captions of photographs that show none of the things in the training data."""
    photos = {name: photo for name, photo in PHOTOS.items() if not photo.thing}
    views = [view.of(picture=f"{PHOTO}{name}", hidden=(), word=0) for name in photos]
    label, work = f"Captioning photographs with {view.model}", partial(_runs, views, network)
    runs = patiently(label, f"{KEY}.cancel", _leave, work, compute.cost(views))
    st.markdown(
        "These photographs are unlike the training data (people and dogs outdoors), so their captions are mostly wrong. Which words still "
        "depend on the picture, and which only on the previous words?"
    )
    for photo_view, photo, run in zip(views, photos.values(), runs, strict=True):
        name = photo_view.picture
        left, right = st.columns([1, 3], gap="medium")
        left.image(gallery.picture(name), width=200)
        left.button("Open this photograph", key=f"{KEY}.open.{name}", on_click=state.set_picture, args=(name,))
        right.markdown(f"The picture shows {photo.shows}. Caption: **{plain(run.text)}**  \n{_depends(photo_view, network, run)}")


def _runs(views: list[View], network: Loaded, report: Callable[[int, int], None]) -> list[CaptionRun]:
    runs = []
    for done, view in enumerate(views):
        report(done, len(views))
        runs.append(compute.run(view, compute.picture_input(view, network), no_report))
    return runs


def _depends(view: View, network: Loaded, run: CaptionRun) -> str:
    """How many words depend on the picture, and which depends most on a single region; `run` has an occlusion map."""
    count = len(run.text.split())
    if not count or run.needed is None:
        return "The caption is empty."
    few = int((run.visual[:count] < NEEDS).sum())
    at = int(run.needed[:count].max(1).argmax())
    enough = f"For {few} of {count} words the picture less than doubles the probability: the previous words are enough. "
    gain = _gain(view, network, run, at)
    return f"{enough}“{plain(run.words[at])}” depends most on a single region. Gain from the whole picture: {gain}"


def _leave() -> None:
    st.session_state["captions.panel"] = None


def _one(view: View, network: Loaded, index: int) -> None:
    run, scene = compute.caption(view, network), data.scene(index)
    words = tuple(run.text.split())
    true = max((reference.words for reference in data.captions(scene)), key=lambda reference: _alike(reference, words))
    st.markdown(f"Caption: **{plain(' '.join(words))}**  \nNearest true caption: {plain(' '.join(true))}")
    at, why = _why(run.words, words, true, data.named_things(scene, words))
    st.markdown(f"{why} Gain of this word from the picture: {_gain(view, network, run, at)}")
    st.button("Open this scene", key=f"{KEY}.open.{index}", on_click=state.set_picture, args=(view.picture,))
    multiples.draw_words(view, run, f"{KEY}.{index - DEV}")


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    return sum(a == b for a, b in zip(one, other, strict=False)) - abs(len(one) - len(other))


def _why(spoken: tuple[str, ...], words: tuple[str, ...], true: tuple[str, ...], things: tuple[int | None, ...]) -> tuple[int, str]:
    """The first word for something that is not in the scene, else the first that differs from a true caption: its index, and a sentence.

    Args:
        spoken: The caption, the end mark last.
        words: The caption without its end mark.
        true: The nearest true caption.
        things: The figure in the scene that each of `words` names; None where it names none.
    """
    for at, word in enumerate(words):
        if word in (*data.SHAPES, *data.COLOURS) and things[at] is None:
            return at, f"“{plain(word)}” names an object that is not in the scene."
    errors = (at for at, (said, meant) in enumerate(zip(words, true, strict=False)) if said != meant)
    at = min(next(errors, min(len(words), len(true))), len(spoken) - 1)
    return at, f"All named objects are in the scene, but not where the caption puts them. First error: “{plain(spoken[at])}”."


def _gain(view: View, network: Loaded, run: CaptionRun, at: int) -> str:
    """How much a word gains from the picture, and whether it stays with the region hidden that it looked at most."""
    gain = f"{run.visual[at]:+z.1f} nats"
    if run.alignment is None:
        return f"{gain}."
    cell = divmod(int(np.argmax(run.alignment.weights[at])), run.grid[1])
    without = compute.without(view.of(hidden=around(cell, run.grid, state.default_hole(run.grid))), network)
    return (
        f"{gain}. With the region it looked at most hidden: **{without.says[at]}** "
        f"(log probability {without.change[0, at]:+z.1f} with {view.fill} pixels, {without.change[1, at]:+z.1f} with mean features)."
    )
