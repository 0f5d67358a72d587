"""Training of name classifiers: batches, loss, and the description of the data in the card."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.corpora import origin
from models.family import TrainingError
from models.names import FAMILY, augmentation
from models.names.baselines import with_prior
from models.names.data import VOCABULARY, Names
from models.names.network import Classifier, after_last, padded
from models.names.ngram_network import NgramClassifier
from models.training import Job, Recipe, Trainer, restore, resume

PRIOR = "each spelling counts once for each language it belongs to, however often a list repeats it"
Made = tuple[tuple[str, ...], np.ndarray]  # names, and their targets [name, class]
NONE: Made = ((), np.zeros((0, 0), np.float32))
PRIOR_POWER = 0.4  # of the class sizes, by which the n-grams' probabilities are multiplied in the ensemble
TEACHER_SEED, TEACHER_EPOCHS = 101, 0.6  # seed of the first teacher; share of the epochs
ALIKE = 16  # number of batches sorted by length together, to reduce padding


def job(module: Classifier, train: Names, dev: Names, recipe: Recipe, loss: dict[str, float], made: Made = NONE) -> Job:
    """Training on batches of names of similar length, with a loss at each letter.

    Args:
        module: A classifier on the training device.
        train: Training names with their languages.
        dev: Held-out names with their languages.
        recipe: The recipe; batches of `batch` names, shuffled by `seed` and epoch.
        loss: `letters`: weight of the mean loss over all letters of a name, which trains the network on prefixes too; the rest
            is the loss after the last letter. `weighting`: class weights are proportional to class size to the power of
            -weighting, so 0 means no weighting and 1 equal total weights.
        made: Names with soft targets, of which each epoch uses as many as real names; see models.names.augmentation.
    """
    device, updates = module.readout.weight.device, len(train) // recipe.batch
    if not updates or not len(dev):
        raise TrainingError(
            f"There are {len(train)} training and {len(dev)} held-out names; expected at least one batch ({recipe.batch}) for training "
            "and held-out names."
        )
    texts, soft = made
    ids, lengths = padded([VOCABULARY.encode(text) for text in (*train.texts, *texts)])
    answers = torch.eye(len(train.labels))[torch.tensor(train.targets)]
    sizes = answers.sum(0).clamp(min=1)
    answers = torch.cat((answers, torch.tensor(soft))) if texts else answers
    weights = answers @ (sizes.mean() / sizes) ** loss["weighting"]

    def batches(epoch: int) -> Iterator[tuple[Tensor, ...]]:
        generator = torch.Generator().manual_seed(recipe.seed * 1_000 + epoch)
        kinds = [torch.randperm(len(train), generator=generator), len(train) + torch.randperm(len(texts), generator=generator)]
        whole = torch.cat([kind[: updates * min(recipe.batch, len(kind) // updates)].view(updates, -1) for kind in kinds], 1)
        order = whole.flatten()
        order = torch.cat([part[lengths[part].argsort()] for part in order.split(whole.shape[1] * ALIKE)]).view(whole.shape)
        for rows in order[torch.randperm(updates, generator=generator)]:
            part = ids[rows, : lengths[rows].max()]
            yield tuple(tensor.to(device) for tensor in (part, lengths[rows], answers[rows], weights[rows]))

    def mean_loss(module: nn.Module, batch: tuple[Tensor, ...], carry: Any) -> tuple[Tensor, Any]:
        part, length, answer, weight = batch
        nats = -(module(part)[0] * answer[:, None]).sum(2, keepdim=True)
        every = (nats[..., 0] * (torch.arange(part.shape[1], device=device) < length[:, None])).sum(1) / length
        per_name = (1 - loss["letters"]) * after_last(nats, length)[:, 0] + loss["letters"] * every
        return (per_name * weight).sum() / weight.sum(), None

    return Job(module, batches, mean_loss, lambda module: dev_nats(module, dev), updates)


def log_probabilities(module: nn.Module, texts: Sequence[str]) -> Tensor:
    """Log probabilities of the classes after the last letter, [name, class]."""
    device, order = next(module.parameters()).device, np.argsort([len(text) for text in texts], kind="stable")
    parts: list[Tensor] = []
    for rows in np.array_split(order, len(order) // 512 + 1):
        ids, lengths = (tensor.to(device) for tensor in padded([VOCABULARY.encode(texts[int(row)]) for row in rows]))
        with torch.inference_mode():
            parts.append(after_last(module(ids)[0], lengths).cpu())
    return torch.cat(parts)[torch.tensor(order.argsort())]


def dev_nats(module: nn.Module, dev: Names) -> float:
    """Cross-entropy in nats per name, after the last letter."""
    return -float(log_probabilities(module, dev.texts).gather(1, torch.tensor(dev.targets)[:, None]).mean())


def trainers(name: str, source: Names, state: Path, device: str = "cpu", epochs: float | None = None) -> Iterator[Trainer]:
    """The trainings of a recipe, ready to start or to resume from their state files: the teachers, then the network of each seed.

    In `loss`, `recombined` is the number of recombined names, with the n-grams' probabilities as soft targets. `teachers` networks
    learn from them, every second one with n-grams as input; the published network learns from the ensemble of teachers and n-grams.
    `seeds` is the number of networks, all with the same teachers; the first is published, the others show how much the seed matters.

    Raises:
        TrainingError: there are too few names, or a state file belongs to another recipe or collection.
    """
    about, (train, dev) = FAMILY.recipes[name], source.split()
    recipe, loss = Recipe(**about["recipe"]).lasting(epochs), about["loss"]
    made = augmentation.distillation_targets(train, loss["recombined"], recipe.seed) if loss.get("recombined") else NONE

    def trainer(seed: int, file: Path, network: type[Classifier] = Classifier, share: float = 1.0) -> Trainer:
        torch.manual_seed(seed)
        module = network(**network_arguments(name, source)).to(device)
        own = replace(recipe, seed=seed, epochs=recipe.epochs * share)
        return resume(job(module, train, dev, own, loss, made), own, file)

    if files := teachers(name, state):
        members = [with_prior(made[1], np.bincount(train.targets, minlength=len(train.labels)), PRIOR_POWER)]
        for index, file in enumerate(files):
            teacher = trainer(TEACHER_SEED + index, file, (Classifier, NgramClassifier)[index % 2], TEACHER_EPOCHS)
            yield teacher
            restore(teacher.job.module, file, f"{name} and these names")
            members.append(log_probabilities(teacher.job.module.eval(), made[0]).exp().numpy())
        made = made[0], augmentation.ensemble(members)
    for seed, file in students(name, state).items():
        yield trainer(seed, file)


def teachers(name: str, state: Path) -> list[Path]:
    """State files of the teachers of a recipe, next to its own."""
    return [state.with_stem(f"{state.stem}-teacher-{index + 1}") for index in range(FAMILY.recipes[name]["loss"].get("teachers", 0))]


def students(name: str, state: Path) -> dict[int, Path]:
    """State file of the network of each seed; the first is `state`, whose network is published."""
    first, count = Recipe(**FAMILY.recipes[name]["recipe"]).seed, FAMILY.recipes[name].get("seeds", 1)
    return {seed: state if seed == first else state.with_stem(f"{state.stem}-seed-{seed}") for seed in range(first, first + count)}


def network_arguments(name: str, source: Names) -> dict[str, Any]:
    """Constructor arguments of a recipe's network, for these names."""
    return {"vocab_size": len(VOCABULARY), "classes": len(source.labels)} | FAMILY.recipes[name]["arguments"]


def data_card(corpus: str, source: Names) -> dict[str, Any]:
    """The "data" field of a card: origin, split and counts of the names."""
    train, dev = source.split()
    cut = "by the checksum of the spelling: no spelling is on both sides, nearly 15 % are held out; the epoch was chosen on them"
    card = origin(corpus) | {"split": cut, "prior": PRIOR, "sha256": source.sha256(), "spellings": len(set(source.texts))}
    card |= {"shared_spellings": len(source.shared), "rows": int(source.times.sum())}
    sizes = {
        f"{side}_names": np.bincount(part.targets, minlength=len(source.labels)).tolist() for side, part in (("train", train), ("dev", dev))
    }
    return card | sizes
