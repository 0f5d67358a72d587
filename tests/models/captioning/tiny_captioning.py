"""A quick training of captioners: its recipe, an encoder that sees colours, and its command line."""

import numpy as np
import torch

from models.captioning import FAMILY, caption, feature_cache, training
from models.captioning.encoder import VIEWS, View
from tests.models.command_line import call

TINY = {
    "corpus": "flickr8k",
    "view": "tiny",
    "arguments": {"attention": "soft", "units": 32, "embedding": 16, "width": 16, "dropout": 0.1},
    "at_least": 2,
    "mirrored": True,
    "loss": {"smoothing": 0.05, "coverage": 0.5},
    "recipe": {"epochs": 24, "batch": 8, "learning_rate": 1e-2, "checks": 1, "patience": 40},
}


def colours(encoder, seen, view):
    """In place of the encoder: the mean colour of each of 3 x 3 cells."""
    table = np.stack([np.asarray(picture)[:222, :222].reshape(3, 74, 3, 74, 3).mean((1, 3)) for picture in seen])
    return torch.from_numpy(table.reshape(len(seen), 9, 3) / 128 - 1).float()


def quick(monkeypatch, tmp_path):
    """Quick recipes, an encoder that sees colours, and folders of their own."""
    monkeypatch.setitem(FAMILY.recipes, "tiny", TINY)
    monkeypatch.setitem(VIEWS, "tiny", View((3, 3), 3, 1))
    monkeypatch.setattr(feature_cache, "regions", colours)
    monkeypatch.setattr(caption, "regions", colours)
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setattr("models.metrics.bleu.DRAWS", 20)
    monkeypatch.setattr(training.scored, "__defaults__", (20,))


def train(capsys, tmp_path, state: str, *more: str, name: str = "tiny"):
    return call(capsys, "train", name, "--data", tmp_path / "flickr", "--folder", tmp_path / state, "--json", *more)
