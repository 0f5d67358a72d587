"""Classifiers taught by an ensemble: which training learns from what, that nothing held out is read, stops, and the seeds' scores."""

from pathlib import Path

import numpy as np
import pytest
import torch

import models
from models.names import FAMILY, augmentation, data, training
from models.names.baselines import with_prior
from models.names.data import VOCABULARY
from models.names.network import Classifier
from models.names.ngram_network import NgramClassifier
from models.training import kept_state, restore
from tests.models.command_line import call
from tests.models.names.tiny_names import invented

Made = list[tuple[tuple[str, ...], np.ndarray]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return invented(tmp_path / "lists")


@pytest.fixture(autouse=True)
def given(monkeypatch, tmp_path: Path) -> Made:
    """A quick recipe with two teachers and two seeds; the names with soft targets of every training that is set up."""
    about = {"corpus": "names", "arguments": {"cell": "gru", "units": 16, "dropout": 0.2}, "seeds": 2}
    about["loss"] = {"letters": 0.3, "weighting": 0.5, "recombined": 200, "teachers": 2}
    about["recipe"] = {"epochs": 1, "batch": 16, "learning_rate": 2e-2, "checks": 1}
    monkeypatch.setitem(FAMILY.recipes, "tiny", about)
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "checkpoints"))
    job, made = training.job, []
    monkeypatch.setattr(training, "job", lambda *arguments: made.append(arguments[5]) or job(*arguments))
    return made


def test_the_networks_of_all_seeds_learn_from_teachers_and_ngrams_and_the_teachers_from_the_ngrams(
    folder: Path, tmp_path: Path, given: Made
):
    source, trained = data.read(folder), []
    for trainer in training.trainers("tiny", source, tmp_path / "tiny.pt"):
        trained.append((trainer.path.stem, trainer.recipe.seed, trainer.recipe.epochs, type(trainer.job.module)))
        trainer.run()
    assert trained == [
        ("tiny-teacher-1", 101, 0.6, Classifier),
        ("tiny-teacher-2", 102, 0.6, NgramClassifier),
        ("tiny", 1, 1, Classifier),
        ("tiny-seed-2", 2, 1, Classifier),
    ]
    texts, soft = augmentation.distillation_targets(source.split()[0], 200, seed=1)
    assert {made[0] for made in given} == {texts} and all((made[1] == soft).all() for made in given[:2])
    logs = [np.log(with_prior(soft, np.bincount(source.split()[0].targets), training.PRIOR_POWER))]
    for name, network in (("tiny-teacher-1", Classifier), ("tiny-teacher-2", NgramClassifier)):
        module = network(**training.network_arguments("tiny", source)).eval()
        restore(module, tmp_path / f"{name}.pt", name)
        logs.append(np.stack([module(torch.tensor([VOCABULARY.encode(text)]))[0][0, -1].detach() for text in texts]))
    mean = np.exp(sum(logs) / 3)
    for made in given[2:]:
        assert made[1].dtype == np.float32
        np.testing.assert_allclose(made[1], mean / mean.sum(1, keepdims=True), atol=1e-5)


def test_nothing_held_out_is_read_by_a_teacher_or_by_a_network(folder: Path, tmp_path: Path):
    read: list[str] = []
    for trainer in training.trainers("tiny", data.read(folder), tmp_path / "tiny.pt"):
        for ids, lengths, *_ in trainer.job.batches(0):
            read += [VOCABULARY.decode(row[:n].tolist()) for row, n in zip(ids, lengths.tolist(), strict=True)]
        trainer.run()
    assert len(read) > 4 * 200 and not any(map(data.is_held_out, read))


def test_a_training_stopped_between_teachers_goes_on_there_and_ends_as_without_a_stop(folder: Path, tmp_path: Path):
    source = data.read(folder)
    for trainer in training.trainers("tiny", source, tmp_path / "whole.pt"):
        trainer.run()
    stopped = training.trainers("tiny", source, tmp_path / "part.pt")
    next(stopped).run()
    next(stopped).save()
    stopped.close()
    done = []
    for trainer in training.trainers("tiny", source, tmp_path / "part.pt"):
        done.append(trainer.update == trainer.total)
        trainer.run()
    assert done == [True, False, False, False]
    for ending in ("", "-seed-2"):
        best = [kept_state(tmp_path / f"{stem}{ending}.pt")["best"] for stem in ("whole", "part")]
        assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])


def test_a_card_lists_every_seed_and_the_first_one_is_published(folder: Path, tmp_path: Path, capsys):
    code, _, _ = call(capsys, "train", "tiny", "--data", folder, "--folder", tmp_path / "states", "--epochs", "2")
    card = models.load("tiny").card
    keys = ("accuracy", "macro_f1", "nats_per_name")
    assert code == 0 and [row["seed"] for row in card["seeds"]] == [1, 2] and card["seed"] == 1
    assert card["seeds"][0] == {"seed": 1} | {key: card["scores"][key] for key in keys} and card["seeds"][1] != card["seeds"][0]
    (tmp_path / "states/tiny-seed-2.pt").unlink()
    assert call(capsys, "pack", "tiny", tmp_path / "states/tiny.pt", "--data", folder)[0] == 0
    assert [row["seed"] for row in models.load("tiny").card["seeds"]] == [1]


def test_an_ensemble_is_the_geometric_mean_and_no_member_rules_a_class_out():
    p = augmentation.ensemble([np.array([[0.5, 0.5, 0.0]]), np.array([[0.9, 0.0, 0.1]])])
    mean = np.sqrt([0.5 * 0.9, 0.5e-7, 0.1e-7])
    np.testing.assert_allclose(p[0], mean / mean.sum())
