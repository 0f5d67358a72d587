"""When it is wrong: scenes whose caption is not true, and what attention and hiding show about why."""

import numpy as np
import streamlit as st

from models import scenes
from models.hiding import ACROSS, around
from models.scenes import DEV
from pages._panels.captions import choice, multiples
from pages._shared import captions
from pages._shared.captions import Told, View
from pages._shared.gallery import SCENE
from pages._shared.guard import patiently
from pages._shared.text import plain

KEY = "captions.wrong"
LISTENED = 40  # scenes that are looked through
SHOWN = 3


def panel(view: View, about: dict, told: Told) -> None:
    """A few wrong captions of dev scenes, each with what is true and what its words hang on."""
    if about["kind"] != "scenes":
        st.info(
            "Whether a caption of a photograph is wrong is for you to say: nobody wrote down what is true of it. Hide what a wrong word "
            "looked at: if the word stays, it came from the words before it. For drawn scenes the truth is known: choose them above."
        )
        return
    found = patiently(
        f"{view.model} tells {LISTENED} scenes", f"{KEY}.cancel", _leave, lambda report: captions.wrong(view, LISTENED, report)
    )
    share = f"{len(found)} of {LISTENED}"
    st.markdown(f"**{share}** captions of scenes that it never saw are not true." + (" The first of them:" if found else ""))
    for number in found[:SHOWN]:
        _one(view.of(picture=f"{SCENE}{number}", hidden=(), word=0), number)


def _leave() -> None:
    st.session_state["captions.panel"] = None


def _one(view: View, number: int) -> None:
    told, scene = captions.told(view), scenes.scene(number)
    words = tuple(captions.caption(view).text.split())
    true = max((said.words for said in scenes.captions(scene)), key=lambda said: _alike(said, words))
    st.markdown(f"It says: **{plain(' '.join(words))}**  \nTrue, and nearest to it: {plain(' '.join(true))}")
    st.markdown(_why(view, told, scene, words))
    st.button("Open this scene", key=f"{KEY}.open.{number}", on_click=choice.set_picture, args=(view.picture,))
    multiples.draw_words(view, told, f"{KEY}.{number - DEV}")


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    return sum(a == b for a, b in zip(one, other, strict=False)) - abs(len(one) - len(other))


def _why(view: View, told: Told, scene: scenes.Scene, words: tuple[str, ...]) -> str:
    """What can be seen of the first word of a figure or colour that names nothing that is there."""
    names = scenes.named_things(scene, words)
    wrong = [at for at, word in enumerate(words) if word in (*scenes.SHAPES, *scenes.COLOURS) and names[at] is None]
    if not wrong:
        return "All that it names is there; what it says of their places is not true."
    at = wrong[0]
    word, gain = plain(words[at]), told.visual[at]
    if told.alignment is None:
        return f"“{word}” names nothing that is there; the picture gave it {gain:+.1f} nats."
    place = int(np.argmax(told.alignment.weights[at]))
    cells = around(divmod(place, captions.grid(view)[1]), captions.grid(view), ACROSS)
    found = captions.without(view.of(hidden=cells))
    return (
        f"“{word}” names nothing that is there. The picture gave it {gain:+.1f} nats; with the place hidden that it looked at most: "
        f"**{found.says[at]}** (log p {found.change[0, at]:+.1f} with grey pixels, {found.change[1, at]:+.1f} with mean features)."
    )
