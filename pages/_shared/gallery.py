"""Pictures by name: drawn scenes, photographs that a required package brings, and those that a visitor brings."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from models import scenes
from models.pictures import PictureError, opened, squashed
from pages._shared.memory import shared_cache

SCENE, PHOTO, OWN = "scene:", "photo:", "own:"
LARGEST = 1_024  # pixels of the longer side that are kept of a picture
KEPT = 4  # of a visitor's pictures
KEY = "gallery.own"


@dataclass(frozen=True)
class Photo:
    """A photograph inside scikit-learn, and whose it is."""

    file: str
    shows: str
    author: str
    address: str


PHOTOS = {
    "china": Photo("china.jpg", "a Chinese temple", "danielbuechele", "https://www.flickr.com/photos/danielbuechele/6061409035/"),
    "flower": Photo("flower.jpg", "a flower", "vultilion", "https://www.flickr.com/photos/vultilion/6056698931/"),
}
LICENCE = "https://creativecommons.org/licenses/by/2.0/"


def exists(name: str) -> bool:
    """Whether there is a picture of this name for this visitor."""
    kind, number = name[: name.find(":") + 1], name[name.find(":") + 1 :]
    if kind == SCENE:
        return number.isascii() and number.isdecimal() and len(number) < 12
    return number in PHOTOS if kind == PHOTO else kind == OWN and name in st.session_state.get(KEY, {})


def picture(name: str) -> Image.Image:
    """The picture of a name, RGB.

    Raises:
        PictureError: there is none of this name, or its file does not open.
    """
    if not exists(name):
        raise PictureError(f"There is no picture {name!r} here. Choose a scene or a photograph, or open your own again.")
    if name.startswith(OWN):
        return st.session_state[KEY][name][0]
    return shared_cache("pictures", 64).get(name, lambda: _made(name))


def seen(name: str) -> np.ndarray:
    """What a network sees of a picture, [row, column, channel]: squashed from the file itself, not from what is shown of it."""
    return st.session_state[KEY][name][1] if name.startswith(OWN) and exists(name) else squashed(picture(name))


def _made(name: str) -> Image.Image:
    number = name[name.find(":") + 1 :]
    if name.startswith(SCENE):
        return scenes.picture(scenes.scene(int(number)))
    return opened(file_of(PHOTOS[number]))


def file_of(photo: Photo) -> str:
    """Where a photograph lies; scikit-learn is found, not imported.

    Raises:
        PictureError: it is not installed.
    """
    found = find_spec("sklearn")
    if found is None or found.origin is None:
        raise PictureError(f"The photograph {photo.file} is part of scikit-learn, which is not installed. Install requirements.txt.")
    return str(Path(found.origin).parent / "datasets" / "images" / photo.file)


def credit(name: str) -> str:
    """Whose a photograph is; empty for other pictures."""
    photo = PHOTOS.get(name.removeprefix(PHOTO)) if name.startswith(PHOTO) else None
    return f"Photograph: [{photo.author}]({photo.address}), [CC BY 2.0]({LICENCE}), as shipped in scikit-learn." if photo else ""


def keep(file_name: str, content: bytes) -> str:
    """Take in a visitor's picture for as long as the visit lasts, and give its name. It stays with this visitor.

    Raises:
        PictureError: it is none, or is refused; nothing is kept.
    """
    found = opened(content, file_name)
    whole = squashed(found)
    found.thumbnail((LARGEST, LARGEST), Image.Resampling.BICUBIC)
    name = f"{OWN}{hashlib.sha256(content).hexdigest()[:16]}"
    own = {key: value for key, value in st.session_state.get(KEY, {}).items() if key != name}
    st.session_state[KEY] = dict([*own.items(), (name, (found, whole))][-KEPT:])
    return name
