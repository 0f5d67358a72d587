"""Pictures by name: drawn scenes, photographs that need no download, and those that a visitor brings."""

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
LARGEST = 1_024  # pixels of the longer side that are kept of a picture
KEPT = 4  # of a visitor's pictures
KEY = "gallery.own"


@dataclass(frozen=True)
class Photo:
    """A photograph that is here without a download, and whose it is; credit: in Markdown."""

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
    """Whether there is a picture of this name for this visitor."""
    kind, short_name = name[: name.find(":") + 1], name[name.find(":") + 1 :]
    if kind == SCENE:
        return short_name.isascii() and short_name.isdecimal() and len(short_name) < 12
    return short_name in PHOTOS if kind == PHOTO else kind == OWN and name in st.session_state.get(KEY, {})


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
    image = picture(name)
    return st.session_state[KEY][name][1] if name.startswith(OWN) else squashed(image)


def _made(name: str) -> Image.Image:
    short_name = name[name.find(":") + 1 :]
    if name.startswith(SCENE):
        return data.picture(data.scene(int(short_name)))
    return opened(file_of(PHOTOS[short_name]))


def file_of(photo: Photo) -> str:
    """Where a photograph lies: here, or inside scikit-learn, which is found, not imported.

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
    """Whose a photograph is; empty for other pictures."""
    photo = PHOTOS.get(name.removeprefix(PHOTO)) if name.startswith(PHOTO) else None
    return f"Photograph: {photo.credit}." if photo else ""


def keep(file_name: str, content: bytes) -> str:
    """Take in a visitor's picture for as long as the visit lasts, and give its name. It stays with this visitor.

    Raises:
        PictureError: it is none, or is refused; nothing is kept.
    """
    image = opened(content, file_name)
    whole = squashed(image)
    image.thumbnail((LARGEST, LARGEST), Image.Resampling.BICUBIC)
    name = f"{OWN}{hashlib.sha256(content).hexdigest()[:16]}"
    own = {key: value for key, value in st.session_state.get(KEY, {}).items() if key != name}
    st.session_state[KEY] = dict([*own.items(), (name, (image, whole))][-KEPT:])
    return name
