"""What is looked at on the page of captions: picture, network, word and hidden regions; the widgets of the first row; the link."""

import re
from typing import Any

import numpy as np
import streamlit as st

from models import Loaded
from models.captioning.experiments.captions import CaptionRun
from models.captioning.images import LARGEST_BYTES
from models.captioning.occlusion import ACROSS, CHANGES, FILLS, around
from models.family import of_kind
from models.scenes import data
from models.scenes.data import DEV
from pages._captions import gallery
from pages._captions.compute import View
from pages._captions.gallery import OWN, PHOTO, SCENE
from pages._ui import networks, uploads
from pages._ui.layout import bound, folding
from pages._ui.link import link, linked, linked_whole
from pages._ui.progress import guard

PAGE = "captions"
EMITS = ("regions",)  # what a network gives that this page can show: which regions of a picture a word was weighed on
MODEL, SOURCE, PICTURE, WORD, HIDDEN, FILL, HOLE, CELLS, WISHES, FILE, STOPPED = (
    f"{PAGE}.{name}" for name in ("model", "source", "picture", "word", "hidden", "fill", "hole", "cells", "wishes", "file", "stopped")
)
SOURCES = {SCENE: "Drawn scenes", PHOTO: "Photographs", OWN: "Your picture"}
FIRST = f"{SCENE}{DEV}"  # no training came so far
ENDINGS = ("jpg", "jpeg", "jfif", "jpe", "png", "webp")  # .jfif: what some browsers call a JPEG that they save
HOLES = (1, 3, 5)  # regions across
COARSE = 7  # regions across a picture, at most, of which one is a hole already
MOST = 256  # regions that a link can hide: all of them


def knows_truth(about: dict[str, Any]) -> bool:
    """Whether a network captions pictures of which everything true is known: drawn scenes, not photographs."""
    return "known_truth" in of_kind(about["kind"]).emits


def restore() -> None:
    """Take picture, word and hidden places out of the link, once for each visitor."""
    state = st.session_state
    if PICTURE in state:
        return
    uploads.remember(linked(MODEL, ""))
    name = linked(PICTURE, "")
    state[PICTURE] = name if gallery.exists(name) else opening(card())
    state[WORD], state[HIDDEN] = linked_whole(WORD, 1_000), hidden_of(linked(HIDDEN, ""))
    state[WISHES] = 0


def hidden_of(code: str) -> tuple[int, ...]:
    """The regions that a link holds, "17.18.31"."""
    return tuple(sorted({int(region) for region in re.findall(r"\d+", code[:2_000], re.ASCII) if int(region) < MOST}))


def opening(about: dict[str, Any]) -> str:
    """The scene to open with: one of which hiding shows most, found by search; see the card."""
    rows = about.get("examples")
    return f"{SCENE}{rows[0]['scene']}" if rows else FIRST


def example(picture: str, about: dict[str, Any]) -> dict[str, Any] | None:
    """What the card has found of a picture, if anything."""
    return next((row for row in about["examples"] if f"{SCENE}{row['scene']}" == picture), None)


def cards(of: str | None = None) -> dict[str, dict]:
    """The networks of the page, those for a kind of picture, or for the chosen one, first."""
    is_scene, all_cards = (of or kind()) == SCENE, networks.emitting(*EMITS)
    fitting = {name: (knows_truth(about) != is_scene, about["arguments"].get("attention") != "soft") for name, about in all_cards.items()}
    return {name: all_cards[name] for name in sorted(all_cards, key=fitting.__getitem__)}


def advice() -> str:
    """How to get a network for photographs."""
    if any(not knows_truth(about) for about in networks.emitting(*EMITS).values()):
        return "Choose a network for photographs above."
    return "For one that knows photographs: `python -m models train caption-soft`."


def card() -> dict[str, Any]:
    """The card of the chosen network."""
    return networks.chosen(cards(), MODEL)


def kind() -> str:
    """What kind of picture is chosen: SCENE, PHOTO or OWN."""
    name = st.session_state.get(PICTURE, FIRST)
    return name[: name.find(":") + 1]


def set_picture(name: str) -> None:
    """Look at another picture; a network that was made for the other kind gives way to one made for this."""
    state, before = st.session_state, kind()
    state[PICTURE] = name
    if kind() != before and (SCENE in (kind(), before)):
        state[MODEL] = next(iter(cards()), None)
    anew()


def anew() -> None:
    """Another picture or network: its own first word, nothing hidden."""
    st.session_state[HIDDEN] = ()
    set_word(None)


def set_word(word: int | None) -> None:
    """Look at another word of the caption; None leaves it to the page."""
    st.session_state[WORD] = word
    st.session_state[WISHES] += 1


def hide(cell: tuple[int, int], grid: tuple[int, int]) -> None:
    """Hide the square around a region (row, column); a click on one that is hidden shows it again."""
    hidden, side = set(st.session_state[HIDDEN]), st.session_state.get(hole_key(grid)) or default_hole(grid)
    square = set(around(cell, grid, side))
    is_hidden = cell[0] * grid[1] + cell[1] in hidden
    st.session_state[HIDDEN] = tuple(sorted(hidden - square if is_hidden else hidden | square))


def show_all() -> None:
    """Hide nothing any more."""
    st.session_state[HIDDEN] = ()


def default_hole(grid: tuple[int, int]) -> int:
    """Regions across a hole: about a fifth of the picture."""
    return ACROSS if grid[0] > COARSE else 1


def hole_key(grid: tuple[int, int]) -> str:
    """The widget that holds the size of a hole: large and small regions each have their own, as 3 of 7 are no 3 of 14."""
    return HOLE if grid[0] > COARSE else f"{HOLE}.coarse"


def pick() -> tuple[View, dict[str, Any], Loaded]:
    """The first row of widgets, and what they choose: the view, still without its word, and its network with its card."""
    from models.captioning.caption import grid

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.session_state[SOURCE] = kind()
        st.segmented_control(
            "Pictures", list(SOURCES), format_func=SOURCES.__getitem__, key=SOURCE, on_change=_other_source, label_visibility="collapsed"
        )
        _picture()
        with folding(PAGE):
            choices = cards()
            model = st.selectbox("Network", list(choices), width=170, on_change=anew, **bound(MODEL))
            fill = st.selectbox("Hide with", FILLS, width=90, **bound(FILL), help="What stands in hidden pixels")
            network = networks.loaded(model)
            regions = grid(network)
            at = HOLES.index(default_hole(regions))
            st.selectbox("Size of a hole", HOLES, at, format_func="{0} × {0}".format, width=90, **bound(hole_key(regions)))
            st.toggle("Cells", key=CELLS, bind="query-params", help="The regions as they are, not smoothed")
    hidden = tuple(cell for cell in st.session_state[HIDDEN] if cell < regions[0] * regions[1])
    return View(model, st.session_state[PICTURE], hidden=hidden, fill=fill), choices[model], network


def word_of(view: View, about: dict[str, Any], run: CaptionRun) -> int:
    """The chosen word as far as it exists; before one was chosen, the word of the card's example, else `first_word`."""
    word = st.session_state[WORD]
    if word is None:
        shown = example(view.picture, about)
        word = shown["word"] if shown else first_word(run)
    return min(word, len(run.words) - 1)


def first_word(run: CaptionRun) -> int:
    """The word that hangs most on one region; the one that owes most to the whole picture, where that is not to be worked out."""
    gain = run.visual if run.needed is None else run.needed.max(1)
    return int(np.argmax(gain[:-1] if run.hypothesis.finished and len(run.words) > 1 else gain))


def set_stopped(value: bool) -> None:
    """Whether what is needed is not to be worked out."""
    st.session_state[STOPPED] = value


def _other_source() -> None:
    wanted = st.session_state[SOURCE] or kind()
    own = next(reversed(st.session_state.get(gallery.KEY, {})), OWN)
    scene = opening(next(iter(cards(SCENE).values())))
    set_picture({SCENE: scene, PHOTO: f"{PHOTO}{next(iter(gallery.PHOTOS))}", OWN: own}[wanted])


def _picture() -> None:
    """What chooses among pictures of the kind."""
    name = st.session_state[PICTURE]
    if kind() == SCENE:
        index = int(name.removeprefix(SCENE))
        if rows := card()["examples"]:
            _tries(rows)
        st.button("Another scene", key=f"{PAGE}.another", icon=":material/casino:", on_click=set_picture, args=(f"{SCENE}{index + 1}",))
    elif kind() == PHOTO:
        st.session_state[f"{PAGE}.photo"] = name.removeprefix(PHOTO)
        names = list(gallery.PHOTOS)
        shows = {key: gallery.PHOTOS[key].shows for key in names}
        st.selectbox(
            "Photograph",
            names,
            format_func=shows.__getitem__,
            key=f"{PAGE}.photo",
            width=170,
            label_visibility="collapsed",
            on_change=_photo,
        )
    else:
        with st.popover("Open a picture", icon=":material/add_photo_alternate:", width="content"):
            most = -(-LARGEST_BYTES // 2**20)
            st.file_uploader("JPEG, PNG or WebP", list(ENDINGS), key=FILE, on_change=_opened, max_upload_size=most)
            st.caption("It stays with you: in no link, seen by nobody else, gone when you close the page.")


def _tries(rows: list[dict[str, Any]]) -> None:
    """Scenes of which the card knows what hiding does to a word."""
    with st.popover("Try another", icon=":material/lightbulb:", width="content"):
        for row in rows:
            word = row["says"].split()[row["word"]]
            name = f"“{word}” changes" if row["kind"] == CHANGES else f"“{word}” stays"
            st.button(
                name,
                key=f"{PAGE}.try.{row['scene']}.{row['word']}",
                help=row["says"],
                on_click=set_picture,
                args=(f"{SCENE}{row['scene']}",),
                width="stretch",
            )


def _photo() -> None:
    set_picture(f"{PHOTO}{st.session_state[f'{PAGE}.photo']}")


def _opened() -> None:
    file = st.session_state[FILE]
    if file is None:
        return
    with guard(stop=False):
        set_picture(gallery.keep(file.name, file.getvalue()))


def write_link(view: View, about: dict[str, Any]) -> bool:
    """Put picture, word and hidden places into the link; False where the picture is one's own, which no link holds."""
    is_own = view.picture.startswith(OWN)
    first = opening(about)
    link(PICTURE, first if is_own else view.picture, first)
    link(WORD, "" if is_own or st.session_state[WORD] is None else str(view.word), "")
    link(HIDDEN, "" if is_own else ".".join(map(str, view.hidden)), "")
    return not is_own


def scene_of(view: View) -> data.Scene | None:
    """The scene that is looked at, where it is one: what is true of it is known."""
    return data.scene(int(view.picture.removeprefix(SCENE))) if view.picture.startswith(SCENE) else None
