"""When it is wrong: captions that are not true, and what attention and hiding show about why."""

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
LISTENED = 80  # scenes that are looked through
SHOWN = 3


def panel(view: View, about: dict, network: Loaded, run: CaptionRun) -> None:
    """A few wrong captions: of dev scenes, or of photographs from outside the network's world."""
    (_scenes if state.knows_truth(about) else _photographs)(view, network)


def _scenes(view: View, network: Loaded) -> None:
    """Wrong captions, each with what is true and what its words hang on."""
    label = f"{view.model} tells {LISTENED} scenes"
    false = patiently(label, f"{KEY}.cancel", _leave, partial(compute.wrong, view, network, LISTENED))
    share = f"{len(false)} of {LISTENED}"
    st.markdown(f"**{share}** captions of scenes that it never saw are not true." + (" The first of them:" if false else ""))
    for index in false[:SHOWN]:
        _one(view.of(picture=f"{SCENE}{index}", hidden=(), word=0), network, index)


def _photographs(view: View, network: Loaded) -> None:
    """What it says of things that it never saw."""
    views = [view.of(picture=f"{PHOTO}{name}", hidden=(), word=0) for name in PHOTOS]
    runs = patiently(f"{view.model} tells photographs", f"{KEY}.cancel", _leave, partial(_runs, views, network))
    st.markdown(
        "It learnt from photographs of people and dogs outdoors. Of these it can say little that is right. Which of its words still "
        "come from the picture, and which from the words before them?"
    )
    for photo_view, photo, run in zip(views, PHOTOS.values(), runs, strict=True):
        name = photo_view.picture
        left, right = st.columns([1, 3], gap="medium")
        left.image(gallery.picture(name), width=200)
        left.button("Open this photograph", key=f"{KEY}.open.{name}", on_click=state.set_picture, args=(name,))
        right.markdown(f"It shows {photo.shows}. It says: **{plain(run.text)}**  \n{_hangs(photo_view, network, run)}")


def _runs(views: list[View], network: Loaded, report: Callable[[int, int], None]) -> list[CaptionRun]:
    runs = []
    for done, view in enumerate(views):
        report(done, len(views))
        runs.append(compute.run(view, compute.picture_input(view, network), no_report))
    return runs


def _hangs(view: View, network: Loaded, run: CaptionRun) -> str:
    """How many words owe the picture something, and which hangs most on one place of it; `run` knows what is needed."""
    count = len(run.text.split())
    if not count or run.needed is None:
        return "No word to ask about."
    few = int((run.visual[:count] < NEEDS).sum())
    at = int(run.needed[:count].max(1).argmax())
    enough = f"For {few} of {count} words the picture less than doubled the probability: the words before them were enough. "
    given = _given(view, network, run, at)
    return f"{enough}“{plain(run.words[at])}” hangs most on one place; the whole picture gave it {given}"


def _leave() -> None:
    st.session_state["captions.panel"] = None


def _one(view: View, network: Loaded, index: int) -> None:
    run, scene = compute.caption(view, network), data.scene(index)
    words = tuple(run.text.split())
    true = max((reference.words for reference in data.captions(scene)), key=lambda reference: _alike(reference, words))
    st.markdown(f"It says: **{plain(' '.join(words))}**  \nTrue, and nearest to it: {plain(' '.join(true))}")
    at, why = _why(run.words, words, true, data.named_things(scene, words))
    st.markdown(f"{why} {_given(view, network, run, at)}")
    st.button("Open this scene", key=f"{KEY}.open.{index}", on_click=state.set_picture, args=(view.picture,))
    multiples.draw_words(view, run, f"{KEY}.{index - DEV}")


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    return sum(a == b for a, b in zip(one, other, strict=False)) - abs(len(one) - len(other))


def _why(spoken: tuple[str, ...], words: tuple[str, ...], true: tuple[str, ...], things: tuple[int | None, ...]) -> tuple[int, str]:
    """The first word that names nothing that is there, else the first that parts from what is true: its index, and a sentence.

    Args:
        spoken: The caption, the end mark last.
        words: The caption without its end mark.
        true: The true caption that is nearest to it.
        things: What each of `words` names in the scene; None where it names nothing.
    """
    for at, word in enumerate(words):
        if word in (*data.SHAPES, *data.COLOURS) and things[at] is None:
            return at, f"“{plain(word)}” names nothing that is there. The picture gave it"
    parting = (at for at, (said, meant) in enumerate(zip(words, true, strict=False)) if said != meant)
    at = min(next(parting, min(len(words), len(true))), len(spoken) - 1)
    start = f"All that it names is there, but not where it says. It parts from what is true at “{plain(spoken[at])}”."
    return at, f"{start} The picture gave that word"


def _given(view: View, network: Loaded, run: CaptionRun, at: int) -> str:
    """What the picture gave a word, and what is left of it with the place hidden that it looked at most."""
    gain = f"{run.visual[at]:+z.1f} nats"
    if run.alignment is None:
        return f"{gain}."
    cell = divmod(int(np.argmax(run.alignment.weights[at])), run.grid[1])
    without = compute.without(view.of(hidden=around(cell, run.grid, state.default_hole(run.grid))), network)
    return (
        f"{gain}; with the place hidden that it looked at most: **{without.says[at]}** "
        f"(log p {without.change[0, at]:+z.1f} with grey pixels, {without.change[1, at]:+z.1f} with mean features)."
    )
