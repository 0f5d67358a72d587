"""When it is wrong: captions that are not true, and what attention and hiding show about why."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from models.captioning.occlusion import NEEDS, around
from models.scenes import data
from models.scenes.data import DEV
from pages._captions import compute, gallery, multiples, state
from pages._captions.compute import Told, View
from pages._captions.gallery import PHOTO, PHOTOS, SCENE
from pages._ui.progress import patiently
from pages._ui.text import plain

KEY = "captions.wrong"
LISTENED = 80  # scenes that are looked through
SHOWN = 3


def panel(view: View, about: dict, told: Told) -> None:
    """A few wrong captions: of dev scenes, or of photographs from outside the network's world."""
    (_scenes if about["kind"] == "scenes" else _photographs)(view)


def _scenes(view: View) -> None:
    """Wrong captions, each with what is true and what its words hang on."""
    found = patiently(
        f"{view.model} tells {LISTENED} scenes", f"{KEY}.cancel", _leave, lambda report: compute.wrong(view, LISTENED, report)
    )
    share = f"{len(found)} of {LISTENED}"
    st.markdown(f"**{share}** captions of scenes that it never saw are not true." + (" The first of them:" if found else ""))
    for number in found[:SHOWN]:
        _one(view.of(picture=f"{SCENE}{number}", hidden=(), word=0), number)


def _photographs(view: View) -> None:
    """What it says of things that it never saw."""
    views = [view.of(picture=f"{PHOTO}{name}", hidden=(), word=0) for name in PHOTOS]
    told = patiently(f"{view.model} tells photographs", f"{KEY}.cancel", _leave, lambda report: _all_told(views, report))
    st.markdown(
        "It learnt from photographs of people and dogs outdoors. Of these it can say little that is right. Which of its words still "
        "come from the picture, and which from the words before them?"
    )
    for each, shows, said in zip(views, (photo.shows for photo in PHOTOS.values()), told, strict=True):
        left, right = st.columns([1, 3], gap="medium")
        left.image(gallery.picture(each.picture), width=200)
        left.button("Open this photograph", key=f"{KEY}.open.{each.picture}", on_click=state.set_picture, args=(each.picture,))
        right.markdown(f"It shows {shows}. It says: **{plain(compute.caption(each).text)}**  \n{_hangs(each, said)}")


def _all_told(views: list[View], report: Callable[[int, int], None]) -> list[Told]:
    found = []
    for done, each in enumerate(views):
        report(done, len(views))
        compute.needed(each)
        found.append(compute.told(each))
    return found


def _hangs(view: View, told: Told) -> str:
    """How many words owe the picture something, and which hangs most on one place of it."""
    count = len(compute.caption(view).text.split())
    if not count:
        return "No word to ask about."
    few = int((told.visual[:count] < NEEDS).sum())
    at = int(compute.needed(view)[:count].max(1).argmax())
    enough = f"For {few} of {count} words the picture less than doubled the probability: the words before them were enough. "
    return f"{enough}“{plain(told.words[at])}” hangs most on one place; the whole picture gave it {_given(view, told, at)}"


def _leave() -> None:
    st.session_state["captions.panel"] = None


def _one(view: View, number: int) -> None:
    told, scene = compute.told(view), data.scene(number)
    words = tuple(compute.caption(view).text.split())
    true = max((said.words for said in data.captions(scene)), key=lambda said: _alike(said, words))
    st.markdown(f"It says: **{plain(' '.join(words))}**  \nTrue, and nearest to it: {plain(' '.join(true))}")
    st.markdown(_why(view, told, words, true, data.named_things(scene, words)))
    st.button("Open this scene", key=f"{KEY}.open.{number}", on_click=state.set_picture, args=(view.picture,))
    multiples.draw_words(view, told, f"{KEY}.{number - DEV}")


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    return sum(a == b for a, b in zip(one, other, strict=False)) - abs(len(one) - len(other))


def _why(view: View, told: Told, words: tuple[str, ...], true: tuple[str, ...], names: tuple[int | None, ...]) -> str:
    """What can be seen of the first word that names nothing that is there, else of the first that parts from what is true."""
    for at, word in enumerate(words):
        if word in (*data.SHAPES, *data.COLOURS) and names[at] is None:
            return f"“{plain(word)}” names nothing that is there. The picture gave it {_given(view, told, at)}"
    parts = (at for at, (said, meant) in enumerate(zip(words, true, strict=False)) if said != meant)
    at = min(next(parts, min(len(words), len(true))), len(told.words) - 1)
    start = f"All that it names is there, but not where it says. It parts from what is true at “{plain(told.words[at])}”."
    return f"{start} The picture gave that word {_given(view, told, at)}"


def _given(view: View, told: Told, at: int) -> str:
    """What the picture gave a word, and what is left of it with the place hidden that it looked at most."""
    gain = f"{told.visual[at]:+z.1f} nats"
    if told.alignment is None:
        return f"{gain}."
    grid = compute.grid(view)
    place = divmod(int(np.argmax(told.alignment.weights[at])), grid[1])
    found = compute.without(view.of(hidden=around(place, grid, state.default_hole(grid))))
    return (
        f"{gain}; with the place hidden that it looked at most: **{found.says[at]}** "
        f"(log p {found.change[0, at]:+z.1f} with grey pixels, {found.change[1, at]:+z.1f} with mean features)."
    )
