"""What a captioner says to the project's photographs of animals, and what its word for the animal depends on.

The result holds no picture and no caption of the training data, only how many training captions contain a word.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np

import models
from explorer.errors import CheckpointError
from models.captioning import FAMILY
from models.captioning import data as captioning_data
from models.captioning.caption import feature_extractor
from models.captioning.experiments.captions import PictureInput, caption_run, hide_regions
from models.captioning.experiments.dependence import dependence, looked_at
from models.captioning.images import opened, squashed
from models.captioning.photographs import FOLDER, Photograph, listed, main_word
from models.checkpoint import Loaded, fingerprint
from models.measurement import Measured, Report, Subject
from models.vocabulary.words import plain

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Options:
    """Options of this measurement."""

    data: Annotated[Path | None, "Folder of Flickr8k, whose training captions are counted; default: the usual one."] = None
    folder: Annotated[Path, "Folder of photographs, with their list."] = FOLDER
    file: Annotated[Path | None, "File to write the result to; default: NETWORK-photographs.json next to the checkpoints."] = None


def measure(subject: Subject, options: Options, report: Report) -> Measured:
    """Caption photographs of animals and measure what the word for the animal depends on; writes a file for the Captions page."""
    loaded = subject.network()
    if loaded.card["kind"] != FAMILY.kind or not loaded.module.looks:
        raise CheckpointError(f"{subject.name} is no captioner of photographs with attention; expected one such as caption-soft.")
    collection = captioning_data.read(options.data or captioning_data.find("flickr8k"))
    said = collection.said(collection.parts["train"])
    counts = {"pictures": len(said), "captions": sum(map(len, said))}
    animals = {name: photo for name, photo in listed(options.folder).items() if photo.thing}
    rows = {}
    for name, photo in animals.items():
        rows[name] = of_photograph(loaded, photo, options.folder)
        words = {"said": forms(rows[name]["said"]), "names": forms(photo.names[0])}
        rows[name] |= {f"training_{key}": captions_with(said, of) for key, of in words.items()}
        report(f"{name}: {rows[name]['caption']}")
    measured = counts | {"weights": fingerprint(loaded), "photographs": rows}
    file = options.file or models.folder_of_checkpoints() / f"{subject.name}-photographs.json"
    lines = (f"{name}: {json.dumps(row, ensure_ascii=False)}" for name, row in rows.items())
    return Measured(measured, tuple(lines), files={file: json.dumps(measured, indent=1, ensure_ascii=False) + "\n"})


def of_photograph(loaded: Loaded, photo: Photograph, folder: Path = FOLDER) -> dict[str, Any]:
    """The caption of a photograph, and what its word for the animal depends on.

    Returns:
        `caption`; `word`, the index of the word for the animal, and `said`, that word; `right`, whether it is a right name;
        `p`, its probability; `on`, the share of its attention on the animal, and `area`, the share of the picture that the animal covers;
        `regions`, how many regions hold half of the attention; `pixels` and `mean`, the captions without them; `verdict` on the word then;
        `alone`, the probability of the word without a picture, and `guess`, the most likely word then. Without a word for an animal the
        first word is taken.
    """
    source = PictureInput(loaded, feature_extractor(loaded), squashed(opened(folder / photo.file)))
    run = caption_run(source)
    word = main_word(run.words) or 0
    weights, covered = np.asarray(run.hypothesis.attention)[word], photo.covered(run.grid)
    regions = looked_at(weights, run.grid)
    depends, without = dependence(source, run, word, regions), hide_regions(source, run, regions)
    return {
        "caption": run.text,
        "word": word,
        "said": run.words[word],
        "right": photo.is_named(run.words),
        "p": round(float(np.exp(run.hypothesis.log_probabilities[word])), 4),
        "on": round(float(weights @ covered), 4),
        "area": round(float(covered.mean()), 4),
        "regions": len(regions),
        "pixels": without.pixels,
        "mean": without.mean,
        "verdict": without.says[word],
        "alone": round(depends.alone, 4),
        "guess": depends.guesses[0][0],
    }


def forms(word: str) -> tuple[str, ...]:
    """A word with and without a plural s."""
    return (word, word.removesuffix("s") if word.endswith("s") else f"{word}s")


def captions_with(said: list[tuple[str, ...]], words: tuple[str, ...]) -> int:
    """How many captions, of the captions of each picture, contain one of the words."""
    return sum(bool(set(words) & set(plain(caption))) for captions in said for caption in captions)
