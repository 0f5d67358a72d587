"""Pictures by name: drawn scenes, photographs that need no download, and pictures that a visitor uploads."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from models.captioning import photographs
from models.captioning.images import PictureError, opened, squashed
from models.captioning.photographs import Photograph
from models.scenes import data
from pages._ui.cache import shared_cache

SCENE, PHOTO, OWN = "scene:", "photo:", "own:"
LARGEST = 1_024  # pixels; longer sides of uploaded pictures are reduced to this
KEPT = 4  # uploaded pictures per visitor
KEY = "gallery.own"


HERE = photographs.FOLDER
PHOTOS = photographs.listed()


def exists(name: str) -> bool:
    """Whether this visitor has a picture of this name."""
    kind, short_name = name[: name.find(":") + 1], name[name.find(":") + 1 :]
    if kind == SCENE:
        return short_name.isascii() and short_name.isdecimal() and len(short_name) < 12
    return short_name in PHOTOS if kind == PHOTO else kind == OWN and name in st.session_state.get(KEY, {})


def picture(name: str) -> Image.Image:
    """The picture with this name, RGB.

    Raises:
        PictureError: there is no such picture, or its file cannot be opened.
    """
    if not exists(name):
        raise PictureError(f"There is no picture {name!r}. Choose a scene or a photograph, or upload your own again.")
    if name.startswith(OWN):
        return st.session_state[KEY][name][0]
    return shared_cache("pictures", 64).get(name, lambda: _made(name))


def seen(name: str) -> np.ndarray:
    """The picture as a network sees it, [row, column, channel]: resized from the original file, not from the reduced copy on screen."""
    image = picture(name)
    return st.session_state[KEY][name][1] if name.startswith(OWN) else squashed(image)


def _made(name: str) -> Image.Image:
    short_name = name[name.find(":") + 1 :]
    if name.startswith(SCENE):
        return data.picture(data.scene(int(short_name)))
    return opened(file_of(PHOTOS[short_name]))


def file_of(photo: Photograph) -> str:
    """The file of a photograph, here or inside scikit-learn, which is located without importing it.

    Raises:
        PictureError: scikit-learn is not installed.
    """
    if (HERE / photo.file).is_file():
        return str(HERE / photo.file)
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise PictureError(f"The photograph {photo.file} is part of scikit-learn, which is not installed. Install requirements.txt.")
    return str(Path(spec.origin).parent / "datasets" / "images" / photo.file)


def photograph(name: str) -> Photograph | None:
    """The photograph of this name; None for other pictures."""
    return PHOTOS.get(name.removeprefix(PHOTO)) if name.startswith(PHOTO) else None


def is_outside(name: str) -> bool:
    """Whether this is a photograph unlike anything that captioners of photographs were trained on."""
    photo = photograph(name)
    return photo is not None and not photo.thing


def credit(name: str) -> str:
    """Author and licence of a photograph; empty for other pictures."""
    photo = photograph(name)
    return f"Photograph: {photo.credit}." if photo else ""


def keep(file_name: str, content: bytes) -> str:
    """Store an uploaded picture for this visitor until the visit ends; returns its name.

    Raises:
        PictureError: the file is not a picture, or is refused; nothing is stored.
    """
    image = opened(content, file_name)
    whole = squashed(image)
    image.thumbnail((LARGEST, LARGEST), Image.Resampling.BICUBIC)
    name = f"{OWN}{hashlib.sha256(content).hexdigest()[:16]}"
    own = {key: value for key, value in st.session_state.get(KEY, {}).items() if key != name}
    st.session_state[KEY] = dict([*own.items(), (name, (image, whole))][-KEPT:])
    return name
