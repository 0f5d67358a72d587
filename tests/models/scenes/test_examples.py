"""Example scenes of the page of captions: every claim of the search is computed again by hand, also for the shipped network."""

import numpy as np
import pytest
import torch

import models
from models.captioning import caption, images, occlusion
from models.captioning.occlusion import CHANGES, STAYS, WOULD, WOULD_NOT, Without
from models.scenes import data, examples
from models.scenes.data import DEV
from models.vocabulary.subwords import START
from tests.models.captioning.tiny_captions import tiny_scenes

SHIPPED = [name for name, card in models.available().items() if card["kind"] == "scenes" and card["arguments"]["attention"] == "soft"]


def without(loaded, picture: np.ndarray, word: int) -> tuple[str, list[str], np.ndarray]:
    """The caption; the captions with grey pixels and with mean features where a word looked; and the change of its log p, [way]."""
    own = loaded.module.look([picture])[0]
    described = caption.describe(loaded.module, loaded.vocab, own)
    best = described.hypotheses[0]
    row, column = divmod(int(best.attention[word].argmax()), 14)
    top, left = max(0, row - 1), max(0, column - 1)
    grey, mean = picture.copy(), own.clone().view(14, 14, -1)
    grey[16 * top : 16 * (row + 2), 16 * left : 16 * (column + 2)] = 127
    mean[top : row + 2, left : column + 2] = loaded.module.average.view(14, 14, -1)[top : row + 2, left : column + 2]
    variants = torch.stack([own, loaded.module.look([grey])[0], mean.flatten(0, 1)])
    read = torch.tensor([[START, *best.tokens[:-1]]] * 3)
    p = loaded.module(variants, read).log_softmax(-1)[:, word, best.tokens[word]]
    new = [caption.describe(loaded.module, loaded.vocab, one).text for one in variants[1:]]
    return described.text, new, (p[1:] - p[0]).numpy()


def holds(loaded, row: dict) -> None:
    """Checks every claim of an example."""
    says, new, change = without(loaded, np.asarray(data.picture(data.scene(row["scene"]))), row["word"])
    assert (says, *new) == (row["says"], row["pixels"], row["mean"])
    word = says.split()[row["word"]]
    if row["kind"] == CHANGES:
        assert (change < -np.log(2)).all() and all(word not in text.split() for text in new)
        assert row["change"] == pytest.approx(-change.max(), abs=1e-3)
    else:
        assert (change > -np.log(2)).all() and new == [says, says]
        assert row["change"] == pytest.approx(np.abs(change).max(), abs=1e-3)


@pytest.fixture
def lenient(monkeypatch):
    """Few scenes, with every caption taken as true."""
    monkeypatch.setattr(examples, "SEARCHED", 4)
    monkeypatch.setattr(data, "is_true", lambda scene, words: True)


def test_every_claim_of_an_example_holds(lenient):
    loaded = tiny_scenes()
    rows = examples.occlusion_examples(loaded)
    assert rows and {row["kind"] for row in rows} == {STAYS} and len({row["scene"] for row in rows}) == len(rows) <= 3
    for row in rows:
        holds(loaded, row)
    assert [row["change"] for row in rows] == sorted(row["change"] for row in rows)


def test_a_network_without_attention_or_true_captions_has_none(monkeypatch):
    monkeypatch.setattr(examples, "SEARCHED", 2)
    assert examples.occlusion_examples(tiny_scenes("none")) == examples.occlusion_examples(tiny_scenes()) == []


WORDS = ("a", "red", "ring", "above", "a", "pink", "star")
SAME = " ".join(WORDS)


@pytest.mark.parametrize(
    ("word", "new", "says", "kind"),
    [
        (1, ("a blue ring above a pink star",) * 2, WOULD_NOT, CHANGES),
        (1, ("a blue ring above a pink star", SAME), WOULD_NOT, ""),  # one way still writes the word
        (1, ("a blue ring above a red star",) * 2, WOULD_NOT, ""),  # the word is still there, elsewhere
        (1, ("a blue ring above a pink star",) * 2, WOULD, ""),
        (3, (SAME, SAME), WOULD, STAYS),
        (3, (SAME, SAME), WOULD_NOT, ""),
        (3, (SAME, "a red ring below a pink star"), WOULD, ""),
        (1, (SAME, SAME), WOULD, ""),  # a thing that stays is no evidence: hiding may have missed it
    ],
)  # fmt: skip
def test_what_counts_as_a_change(word: int, new: tuple[str, str], says: str, kind: str):
    answers = tuple(says if index == word else WOULD for index in range(len(WORDS)))
    after = Without(*new, np.zeros((2, len(WORDS))), answers)
    assert examples._kind(WORDS, word, word in (1, 2, 5, 6), after) == kind


def test_the_clearest_of_each_kind_come_first_and_no_scene_twice(monkeypatch):
    made = {DEV: [(CHANGES, 2.0), (CHANGES, 3.0)], DEV + 1: [(CHANGES, 5.0), (STAYS, 0.2)], DEV + 2: [(STAYS, 0.1)]}
    monkeypatch.setattr(examples, "SEARCHED", 3)
    rows = lambda loaded, index: [{"scene": index, "kind": kind, "change": change} for kind, change in made[index]]  # noqa: E731
    monkeypatch.setattr(examples, "_of_scene", rows)
    chosen = examples.occlusion_examples(tiny_scenes())
    assert [(row["scene"] - DEV, row["change"]) for row in chosen] == [(1, 5.0), (0, 3.0), (2, 0.1), (1, 0.2)]


def test_only_the_pixels_of_hidden_regions_change():
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    assert (occlusion.filled(picture, (), (7, 7)) == picture).all() and (occlusion.filled(picture, (), (7, 7), "blur") == picture).all()
    for fill in occlusion.FILLS:
        changed = (occlusion.filled(picture, (9,), (7, 7), fill) != picture).any(2)
        left, top, right, bottom = map(int, images.cell_box(1, 2, (7, 7), (224, 224)))
        assert changed[top:bottom, left:right].mean() > 0.9 and changed.sum() == changed[top:bottom, left:right].sum()


@pytest.mark.parametrize("name", SHIPPED)
def test_the_examples_of_the_shipped_captioner_hold(name: str):
    loaded = models.load(name)
    rows = loaded.card["examples"]
    assert rows and rows[0]["kind"] == CHANGES
    for row in rows:
        assert row["scene"] >= DEV and data.is_true(data.scene(row["scene"]), row["says"].split())
        holds(loaded, row)
