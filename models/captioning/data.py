"""Collections of captioned pictures: the folder of Flickr8k, and any folder of the same form."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.captioning import FAMILY
from models.corpora import DataError, folders, origin, read_text

TOKENS = "Flickr8k.token.txt"  # picture#number, tab, caption
LISTS = {"train": "Flickr_8k.trainImages.txt", "dev": "Flickr_8k.devImages.txt"}


@dataclass(frozen=True)
class Collection:
    """Captioned pictures and their split.

    Args:
        folder: The folder that holds `images/`.
        captions: The captions of each picture, by its file name.
        parts: Names of the pictures for "train" and "dev"; empty if there are no lists.
        missing: Number of pictures that have captions but no file.
    """

    folder: Path
    captions: dict[str, tuple[str, ...]]
    parts: dict[str, tuple[str, ...]]
    missing: int = 0

    def files(self, names: tuple[str, ...]) -> list[Path]:
        """The files of the named pictures."""
        return [self.folder / "images" / name for name in names]

    def said(self, names: tuple[str, ...]) -> list[tuple[str, ...]]:
        """The captions of the named pictures."""
        return [self.captions[name] for name in names]


def find(corpus: str) -> Path:
    """The folder of a collection.

    Raises:
        DataError: it is in none of the data folders.
    """
    about = FAMILY.corpora[corpus]
    for folder in folders():
        if (folder / about.path / TOKENS).is_file():
            return folder / about.path
    raise DataError(f"{about.title} is missing. {about.not_fetched}")


def read(path: str | os.PathLike) -> Collection:
    """The collection in a folder with `images/`, `Flickr8k.token.txt` and, optionally, the lists of the official split.

    Captions of missing pictures are left out and counted.

    Raises:
        DataError: the captions are missing or malformed, none of their pictures exists, or a list names unknown pictures.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder. Expected one with images/ and {TOKENS}.")
    captions: dict[str, list[str]] = {}
    for line_number, line in enumerate(read_text(folder / TOKENS).splitlines(), 1):
        key, tab, caption = line.partition("\t")
        name, mark, which = key.rpartition("#")
        if not (tab and mark and name and which.isdigit()) or name != Path(name).name:
            raise DataError(f"Line {line_number} of {folder / TOKENS} is {line[:60]!r}; expected picture#number, a tab, and a caption.")
        captions.setdefault(name, []).append(caption)
    there = set(os.listdir(folder / "images")) if (folder / "images").is_dir() else set()
    kept = {name: tuple(said) for name, said in captions.items() if name in there}
    if not kept:
        raise DataError(f"None of the {len(captions)} pictures of {TOKENS} is in {folder / 'images'}. Expected their files there.")
    parts = {part: _listed(folder / file, kept) for part, file in LISTS.items() if (folder / file).is_file()}
    return Collection(folder, kept, parts, len(captions) - len(kept))


def _listed(file: Path, captions: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    names = tuple(read_text(file).split())
    strange = [name for name in names if name not in captions]
    if strange:
        raise DataError(f"{file} names {strange[0]}, which has no picture with captions. Expected names of {TOKENS}.")
    return names


def data_card(collection: Collection, corpus: str) -> dict[str, Any]:
    """The "data" field of a card: origin and split of the pictures."""
    text = "\n".join(f"{name}\t{caption}" for name, said in sorted(collection.captions.items()) for caption in said)
    card = origin(corpus) | {"split": "the official lists; nothing was trained on dev, which chose the epoch and the recipe"}
    sizes = {f"{part}_pictures": len(names) for part, names in collection.parts.items()}
    return card | sizes | {"sha256": hashlib.sha256(text.encode()).hexdigest()}
