"""The first row of the Captions page: the widgets that choose picture, network and how regions are hidden and drawn."""

from typing import Any

import streamlit as st

from models import Loaded
from models.captioning.images import LARGEST_BYTES
from models.captioning.occlusion import CHANGES, FILLS
from pages._captions import gallery, state
from pages._captions.compute import View
from pages._captions.gallery import PHOTO, SCENE
from pages._ui import networks
from pages._ui.layout import bound
from pages._ui.progress import guard
from pages._ui.text import plain

ENDINGS = (  # .jfif: a JPEG of some browsers
    "jpg", "jpeg", "jfif", "jpe", "png", "webp", "heic", "heif", "avif", "gif", "tif", "tiff", "bmp",
    "jp2", "j2k", "tga", "psd", "ico", "ppm", "pgm", "pbm", "pcx", "sgi", "qoi", "dds",
)  # fmt: skip


def pick() -> tuple[View, dict[str, Any], Loaded]:
    """Draw the first row of widgets; returns the view, still without its word, and its network with its card."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.session_state[state.SOURCE] = state.kind()
        st.segmented_control(
            "Pictures",
            list(state.SOURCES),
            format_func=state.SOURCES.__getitem__,
            key=state.SOURCE,
            on_change=_other_source,
            label_visibility="collapsed",
        )
        state.link_source()
        _picture()
        with st.popover("Change", icon=":material/tune:", width="content"):
            choices = state.cards()
            model = st.selectbox("Network", list(choices), on_change=state.anew, **_shown(state.MODEL))
            fill = st.selectbox("Hide with", FILLS, **_shown(state.FILL), help="What replaces hidden pixels")
            network = networks.loaded(model)
            regions = _grid(network)
            at, hole = state.HOLES.index(state.default_hole(regions)), state.hole_key(regions)
            st.selectbox("Size of the hidden square, in regions", state.HOLES, at, format_func="{0} × {0}".format, **_shown(hole))
            st.selectbox("Maps", state.LOOKS, **_shown(state.LOOK), help="Dim what has small weights, or colour all regions by weight")
            st.toggle("Regions", key=state.CELLS, bind="query-params", help="Show the regions as squares, without smoothing")
    hidden = tuple(cell for cell in st.session_state[state.HIDDEN] if cell < regions[0] * regions[1])
    return View(model, st.session_state[state.PICTURE], hidden=hidden, fill=fill), choices[model], network


def _shown(key: str) -> dict[str, Any]:
    """Options of a widget in the popover, where its label is on screen."""
    return bound(key) | {"label_visibility": "visible", "width": 280}


def _grid(network: Loaded) -> tuple[int, int]:
    """Rows and columns of the regions at which a network looks."""
    from models.captioning.caption import grid  # needs torch

    return grid(network)


def _other_source() -> None:
    state.set_picture(state.first_of(st.session_state[state.SOURCE] or state.kind()))


def _picture() -> None:
    """The widget that chooses a picture of the current kind."""
    name = st.session_state[state.PICTURE]
    if state.kind() == SCENE:
        index = int(name.removeprefix(SCENE))
        if rows := state.card()["examples"]:
            _tries(rows)
        st.button(
            "Another scene",
            key=f"{state.PAGE}.another",
            icon=":material/casino:",
            on_click=state.set_picture,
            args=(f"{SCENE}{index + 1}",),
        )
    elif state.kind() == PHOTO:
        st.session_state[f"{state.PAGE}.photo"] = name.removeprefix(PHOTO)
        names = list(gallery.PHOTOS)
        shows = {key: gallery.PHOTOS[key].shows for key in names}
        st.selectbox(
            "Photograph",
            names,
            format_func=shows.__getitem__,
            key=f"{state.PAGE}.photo",
            width=170,
            label_visibility="collapsed",
            on_change=_photo,
        )
    else:
        with st.popover("Upload a picture", icon=":material/add_photo_alternate:", width="content"):
            most = -(-LARGEST_BYTES // 2**20)
            st.file_uploader("JPEG, PNG, HEIC, WebP, GIF, TIFF ...", list(ENDINGS), key=state.FILE, on_change=_opened, max_upload_size=most)
            st.caption("Only you see it. It is not part of the link and is deleted when you close the page.")


def _tries(rows: list[dict[str, Any]]) -> None:
    """Scenes for which the card says what hiding does to a word; drawn when the menu is opened."""
    with st.popover("Try another", icon=":material/lightbulb:", width="content", key=f"{state.PAGE}.tries", on_change="rerun") as menu:
        for row in rows if menu.open else ():
            word = plain(row["says"].split()[row["word"]])
            name = f"“{word}” disappears" if row["kind"] == CHANGES else f"“{word}” stays"
            st.button(
                name,
                key=f"{state.PAGE}.try.{row['scene']}.{row['word']}",
                help=plain(row["says"]),
                on_click=state.set_picture,
                args=(f"{SCENE}{row['scene']}",),
                width="stretch",
            )


def _photo() -> None:
    state.set_picture(f"{PHOTO}{st.session_state[f'{state.PAGE}.photo']}")


def _opened() -> None:
    file = st.session_state[state.FILE]
    if file is None:
        return
    with guard(stop=False):
        state.set_picture(gallery.keep(file.name, file.getvalue()))
