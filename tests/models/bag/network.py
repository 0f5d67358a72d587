"""The network, words, card and training of a bag of letters."""

from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor, nn

import models.card
from models.card import Else
from models.corpora import read_text
from models.training import Job, Recipe, pack, restore, resume
from models.vocabulary.characters import UNKNOWN, Vocabulary
from tests.models.bag import FAMILY

VOCABULARY = Vocabulary((UNKNOWN, *"abei"))


class Card(models.card.Card):
    """What a page may read: the accuracy."""

    scores: Annotated[dict[str, float], Else({})]


class Bag(nn.Module):
    """Counts of letters, and a weight for each: above 0 for vowels."""

    def __init__(self, vocab_size: int):
        super().__init__()
        self.weight = nn.Linear(vocab_size, 1)

    def forward(self, counts: Tensor) -> Tensor:
        return self.weight(counts)[:, 0]


def find(corpus: str) -> Path:
    """Nothing lies anywhere."""
    raise AssertionError(corpus)


def read(path: Path) -> tuple[Tensor, Tensor]:
    """Counts of letters [word, letter] and answers [word]."""
    words = read_text(path).split()
    counts = torch.stack([torch.bincount(torch.tensor(VOCABULARY.encode(word)), minlength=5).float() for word in words])
    return counts, torch.tensor([sum(letter in "aei" for letter in word) > len(word) / 2 for word in words]).float()


def trainers(name: str, data: tuple[Tensor, Tensor], state: Path, device: str, epochs: float | None):
    """The one training."""
    about = FAMILY.recipes[name]
    recipe = Recipe(**about["recipe"]).lasting(epochs)

    def loss(module: nn.Module, batch: tuple[Tensor, Tensor], carry: Any) -> tuple[Tensor, Any]:
        return nn.functional.binary_cross_entropy_with_logits(module(batch[0]), batch[1]), None

    torch.manual_seed(recipe.seed)
    job = Job(Bag(**about["arguments"]), lambda epoch: iter([data]), loss, lambda module: loss(module, data, None)[0].item(), 1)
    yield resume(job, recipe, state)


def finish(name: str, state: Path, data: tuple[Tensor, Tensor], target: Path, report: Any) -> dict[str, Any]:
    """The checkpoint."""
    module = Bag(**FAMILY.recipes[name]["arguments"])
    kept = restore(module, state, name)
    card = {"kind": FAMILY.kind, "name": name, "arguments": FAMILY.recipes[name]["arguments"], "vocabulary": list(VOCABULARY.tokens)}
    return pack(module, kept, card, target, lambda loaded: {"scores": scores(loaded.module, data)})


def evaluate(loaded: Any, path: Path, report: Any) -> dict[str, float]:
    """The accuracy on a file."""
    return scores(loaded.module, read(path))


def scores(module: Any, data: tuple[Tensor, Tensor]) -> dict[str, float]:
    """The accuracy."""
    return {"accuracy": float(((module(data[0]) > 0) == data[1].bool()).float().mean())}
