"""Tiny untrained classifiers of the shipped lists of names, and invented lists to train on in seconds."""

import random
from functools import cache
from pathlib import Path

import numpy as np
import torch

from models import checkpoint
from models.checkpoint import Loaded
from models.names import data as names_data
from models.names import training
from models.names.data import VOCABULARY, Names
from models.names.network import Classifier

ENDS = {"Greek": ("os", "is"), "Polish": ("ski", "wicz"), "Dutch": ("stra", "ma")}


@cache
def source() -> Names:
    """The lists of the package Faker, read once."""
    return names_data.surnames()


@cache
def about_source() -> dict:
    """The part of a card about them."""
    return training.data_card("names", source())


def tiny_namer(cell: str = "gru", units: int = 8, seed: int = 0) -> Loaded:
    """A classifier far from uniform, with a card that holds what pages need and whose counts are made up."""
    labels = source().labels
    arguments = {"vocab_size": len(VOCABULARY), "classes": len(labels), "cell": cell, "units": units}
    torch.manual_seed(seed)
    module = Classifier(**arguments)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_((4 * parameter).half().float())
    card = {"kind": "classifier", "name": "tiny", "arguments": arguments, "vocabulary": list(VOCABULARY.tokens), "labels": list(labels)}
    card |= {"data": about_source(), "parameters": sum(p.numel() for p in module.parameters())}
    counts = np.eye(len(labels), dtype=int) * 30
    counts[0, 1], counts[2, 3] = 7, 4
    shared = np.zeros_like(counts)
    shared[2, 3] = 4
    card["confusion"] = {"dev": counts.tolist(), "train": (2 * counts).tolist(), "dev_shared": shared.tolist()}
    card["reliability"] = {"names": [10, 0, 90], "right": [4, 0, 81], "confidence": [0.4, 0.0, 0.9]}
    card["examples"] = [{"name": "silvanov", "change": 0.9, "before": labels[2], "after": labels[3]}]
    return Loaded("tiny", module.eval().requires_grad_(False), VOCABULARY, card)


def save_tiny_namer(path: Path, **more) -> None:
    """The same as a checkpoint; `data` in `more` replaces that part of its card."""
    data = more.pop("data", {})
    loaded = tiny_namer(**more)
    card = loaded.card | {"name": path.stem, "data": loaded.card["data"] | data}
    checkpoint.save(loaded.module, card, path)


def invented(folder: Path) -> Path:
    """Invented names of three languages that differ in their endings; a few spellings are shared, Greek names are repeated."""
    rng = random.Random(0)
    folder.mkdir()
    for label, ends in ENDS.items():
        stems = ["".join(rng.choices("abdeiklmnort", k=rng.randint(2, 5))) for _ in range(60 if label == "Dutch" else 110)]
        rows = [(stem + rng.choice(ends)).title() for stem in stems] + ["Adama", "Petras", "Komaki"]
        (folder / f"{label}.txt").write_text("\n".join(rows * (2 if label == "Greek" else 1)) + "\n")
    return folder
