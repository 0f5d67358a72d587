"""Pictures by name: drawn scenes, photographs that need no download, and pictures that a visitor uploads."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from models.captioning.images import PictureError, opened, squashed
from models.scenes import data
from pages._ui.cache import shared_cache

SCENE, PHOTO, OWN = "scene:", "photo:", "own:"
LARGEST = 1_024  # pixels; longer sides of uploaded pictures are reduced to this
KEPT = 4  # uploaded pictures per visitor
KEY = "gallery.own"


@dataclass(frozen=True)
class Photo:
    """A photograph that needs no download; `credit` names its author and licence, in Markdown."""

    file: str
    shows: str
    credit: str


HERE = Path(__file__).parent / "photographs"
CC_BY = "[CC BY 2.0](https://creativecommons.org/licenses/by/2.0/), as shipped in scikit-learn"
CC0 = "[CC0](https://creativecommons.org/publicdomain/zero/1.0/), from the sample pictures of scikit-image"
FREE = "public domain, from the sample pictures of scikit-image"
PHOTOS = {
    "cat": Photo("chelsea.jpg", "a cat", f"Stéfan van der Walt, {CC0}"),
    "coffee": Photo("coffee.jpg", "a cup of coffee", f"Rachel Michetti, courtesy of Pikolo Espresso Bar, {CC0}"),
    "rocket": Photo("rocket.jpg", "a rocket", f"[SpaceX](https://www.flickr.com/photos/spacexphotos/16511594820/), {FREE}"),
    "astronaut": Photo("astronaut.jpg", "an astronaut, Eileen Collins", f"[NASA](https://flic.kr/p/r9qvLn), {FREE}"),
    "flower": Photo("flower.jpg", "a flower", f"[vultilion](https://www.flickr.com/photos/vultilion/6056698931/), {CC_BY}"),
    "temple": Photo("china.jpg", "a temple", f"[danielbuechele](https://www.flickr.com/photos/danielbuechele/6061409035/), {CC_BY}"),
}


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


def file_of(photo: Photo) -> str:
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


def credit(name: str) -> str:
    """Author and licence of a photograph; empty for other pictures."""
    photo = PHOTOS.get(name.removeprefix(PHOTO)) if name.startswith(PHOTO) else None
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
