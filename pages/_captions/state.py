"""State of the Captions page: picture, network, word and hidden regions, and the link; see first_row for its widgets."""

import re
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.captioning import occlusion
from models.captioning.experiments.captions import CaptionRun
from models.captioning.occlusion import COARSE, around
from models.captioning.photographs import main_word
from models.family import PROGRAM, of_kind
from models.scenes import data
from models.scenes.data import DEV
from pages._captions import gallery
from pages._captions.compute import View
from pages._captions.gallery import OWN, PHOTO, SCENE
from pages._ui import networks, uploads
from pages._ui.link import is_unread, link, linked, linked_whole
from pages._ui.text import plain

PAGE = "captions"
EMITS = ("regions",)  # what a network must give for this page: weights on the regions of a picture
MODEL, SOURCE, PICTURE, WORD, HIDDEN, WISHES = (f"{PAGE}.{name}" for name in ("model", "source", "picture", "word", "hidden", "wishes"))
FILL, HOLE, CELLS, LOOK, TITLED, FILE, STOPPED = (
    f"{PAGE}.{name}" for name in ("fill", "hole", "cells", "look", "titled", "file", "stopped")
)
BEFORE = f"{SCENE}{DEV + 90}"  # of links that name no picture, from when the page opened on this scene
DOG = f"{PHOTO}dog"  # a photograph with a right caption
FIRST = f"{SCENE}{DEV}"  # the first held-out scene
SOURCES = {PHOTO: "Photographs", SCENE: "Drawn scenes", OWN: "Your picture"}
HOLES = (1, 3, 5)  # side of the hidden square, in regions
LOOKS = ("dimmed", "heat map")  # how the maps are drawn over the picture
MOST = 256  # regions that a link can hide


def title(at: DeltaGenerator, word: str | None = None) -> bool:
    """Write the title with the word that is shown, or else the word before, so that it does not flicker; False if none is known."""
    state = st.session_state
    is_new, state[TITLED] = word != state.get(TITLED), word or state.get(TITLED)
    if is_new and state[TITLED]:
        at.title(f"Where did the model look for “{plain(state[TITLED])}”, and did it need to?", anchor=False)
    return bool(state[TITLED])


def knows_truth(about: dict[str, Any]) -> bool:
    """Whether the page knows which captions are true: of drawn scenes, not of photographs."""
    return "known_truth" in of_kind(about["kind"]).emits


def restore() -> None:
    """Read picture, word and hidden regions from the link, once per visit."""
    state = st.session_state
    if not is_unread(PICTURE):
        return
    uploads.remember_linked(PAGE)
    state.pop(PICTURE, None)
    name = linked(PICTURE, "")
    source = source_of(linked(SOURCE, ""))
    state[PICTURE] = name if gallery.exists(name) else first_of(source) if source else without_name(card())
    state[WORD], state[HIDDEN] = linked_whole(WORD, 1_000), hidden_of(linked(HIDDEN, ""))
    state[WISHES] = state.get(WISHES, -1) + 1


def source_of(code: str) -> str:
    """The kind of picture that a link names, by its name on screen or as the app calls it; empty for anything else."""
    return next((source for source, name in SOURCES.items() if code in (source, name)), "")


def first_of(source: str) -> str:
    """The picture with which a kind of picture opens; of the visitor's own the last, or none yet."""
    if source == SCENE:
        return opening(next(iter(cards(SCENE).values())))
    return f"{PHOTO}{next(iter(gallery.PHOTOS))}" if source == PHOTO else next(reversed(st.session_state.get(gallery.KEY, {})), OWN)


def link_source() -> None:
    """Take the kind of picture out of the link, where the name of the picture says it."""
    asked = linked(SOURCE, "")
    used = asked if source_of(asked) == kind() else SOURCES[kind()]
    link(SOURCE, used, used)


def hidden_of(code: str) -> tuple[int, ...]:
    """The regions that a link holds, "17.18.31"."""
    return tuple(sorted({int(region) for region in re.findall(r"\d+", code[:2_000], re.ASCII) if int(region) < MOST}))


def without_name(about: dict[str, Any]) -> str:
    """The picture of a link that names none: the dog, unless the link says more, as links did when the page opened on a scene."""
    is_bare = not any(key.startswith(f"{PAGE}.") and key != PICTURE for key in st.query_params)
    has_photographs = not all(knows_truth(about) for about in networks.emitting(*EMITS).values())
    if is_bare and has_photographs:
        return DOG
    return BEFORE if about.get("name") == "scenes-soft" and about.get("examples") else opening(about)


def opening(about: dict[str, Any]) -> str:
    """The scene to show first: of those in the card the one by day on which hiding a region changes most; else the first."""
    rows = about.get("examples")
    shown = next((row for row in rows if data.scene(row["scene"]).is_by_day), rows[0]) if rows else None
    return f"{SCENE}{shown['scene']}" if shown else FIRST


def example(picture: str, about: dict[str, Any]) -> dict[str, Any] | None:
    """The example in the card about a picture, if there is one."""
    return next((row for row in about["examples"] if f"{SCENE}{row['scene']}" == picture), None)


def cards(of: str | None = None) -> dict[str, dict]:
    """The networks of the page; those for this kind of picture, or for the chosen picture, come first."""
    is_scene, all_cards = (of or kind()) == SCENE, networks.emitting(*EMITS)
    fitting = {name: (knows_truth(about) != is_scene, about["arguments"].get("attention") != "soft") for name, about in all_cards.items()}
    return {name: all_cards[name] for name in sorted(all_cards, key=fitting.__getitem__)}


def advice() -> str:
    """How to get a network for photographs."""
    if any(not knows_truth(about) for about in networks.emitting(*EMITS).values()):
        return "Choose a network for photographs above."
    return f"Train one for photographs: `{PROGRAM} train caption-soft`."


def card() -> dict[str, Any]:
    """The card of the chosen network."""
    return networks.chosen(cards(), MODEL)


def kind() -> str:
    """What kind of picture is chosen: SCENE, PHOTO or OWN."""
    name = st.session_state.get(PICTURE, FIRST)
    return name[: name.find(":") + 1]


def set_picture(name: str) -> None:
    """Show another picture; if its kind changes, a network trained on that kind is chosen."""
    state, before = st.session_state, kind()
    state[PICTURE] = name
    if kind() != before and (SCENE in (kind(), before)):
        state[MODEL] = next(iter(cards()), None)
    anew()


def anew() -> None:
    """Start again after a change of picture or network: its own first word, nothing hidden."""
    st.session_state[HIDDEN] = ()
    set_word(None)


def set_word(word: int | None) -> None:
    """Select another word of the caption; None leaves the choice to the page."""
    st.session_state[WORD] = word
    st.session_state[WISHES] += 1


def hide(cell: tuple[int, int], grid: tuple[int, int]) -> None:
    """Hide the square around a region (row, column); if the region is hidden already, show it again."""
    hidden, near = set(st.session_state[HIDDEN]), set(around(cell, grid, side(grid)))
    is_hidden = cell[0] * grid[1] + cell[1] in hidden
    st.session_state[HIDDEN] = tuple(sorted(hidden - near if is_hidden else hidden | near))


def hide_all(regions: tuple[int, ...]) -> None:
    """Hide these regions and no others."""
    st.session_state[HIDDEN] = regions


def show_all() -> None:
    """Show the whole picture."""
    st.session_state[HIDDEN] = ()


def default_hole(grid: tuple[int, int]) -> int:
    """Side of the hidden square in regions: about a fifth of the picture."""
    return occlusion.side(grid)


def square(run: CaptionRun, word: int) -> tuple[int, ...]:
    """The square around the region that a word needs most; empty without an occlusion map."""
    if run.needed is None:
        return ()
    cell = divmod(int(np.argmax(run.needed[word])), run.grid[1])
    return around(cell, run.grid, side(run.grid))


def side(grid: tuple[int, int]) -> int:
    """The chosen side of the hidden square, in regions."""
    return st.session_state.get(hole_key(grid)) or default_hole(grid)


def hole_key(grid: tuple[int, int]) -> str:
    """Key of the widget with the size of the hidden square; coarse and fine grids have their own, since 3 of 7 are more than 3 of 14."""
    return HOLE if grid[0] > COARSE else f"{HOLE}.coarse"


def word_of(view: View, about: dict[str, Any], run: CaptionRun) -> int:
    """The selected word, at most the last; before one is selected, that of the card's example, or the animal's, else `first_word`."""
    word = st.session_state[WORD]
    if word is None and (shown := example(view.picture, about)):
        word = shown["word"]
    if word is None and (photo := gallery.photograph(view.picture)) and photo.thing:
        word = main_word(run.words)
    if word is None:
        word = first_word(run)
    return min(word, len(run.words) - 1)


def first_word(run: CaptionRun) -> int:
    """The word that depends most on a single region; without an occlusion map, the one that gains most from the picture."""
    gain = run.visual if run.needed is None else run.needed.max(1)
    return int(np.argmax(gain[:-1] if run.hypothesis.finished and len(run.words) > 1 else gain))


def set_stopped(value: bool) -> None:
    """Whether the occlusion map is left out."""
    st.session_state[STOPPED] = value


def write_link(view: View, about: dict[str, Any]) -> bool:
    """Write picture, word and hidden regions into the link; False for an uploaded picture, which no link holds."""
    is_own = view.picture.startswith(OWN)
    link(WORD, "" if is_own or st.session_state[WORD] is None else str(view.word), "")
    link(HIDDEN, "" if is_own else ".".join(map(str, view.hidden)), "")
    first = without_name(about)
    link(PICTURE, first if is_own else view.picture, first)
    return not is_own


def scene_of(view: View) -> data.Scene | None:
    """The scene in view; None for a photograph."""
    return data.scene(int(view.picture.removeprefix(SCENE))) if view.picture.startswith(SCENE) else None
