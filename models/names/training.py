"""Training of name classifiers: batches, loss, and the description of the data in the card."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.corpora import origin
from models.family import TrainingError
from models.names import FAMILY, augmentation
from models.names.data import VOCABULARY, Names
from models.names.network import Classifier, after_last, padded
from models.training import Job, Recipe, Trainer, resume

PRIOR = "each spelling counts once for each language it belongs to, however often a list repeats it"
ALIKE = 16  # number of batches sorted by length together, to reduce padding


def job(module: Classifier, train: Names, dev: Names, recipe: Recipe, loss: dict[str, float]) -> Job:
    """Training on batches of names of similar length, with a loss at each letter.

    Args:
        module: A classifier on the training device.
        train: Training names with their languages.
        dev: Held-out names with their languages.
        recipe: The recipe; batches of `batch` names, shuffled by `seed` and epoch.
        loss: `letters`: weight of the mean loss over all letters of a name, which trains the network on prefixes too; the rest
            is the loss after the last letter. `weighting`: class weights are proportional to class size to the power of
            -weighting, so 0 means no weighting and 1 equal total weights. `recombined`, optional: number of recombined names
            with soft targets, of which each epoch uses as many as real names; see models.names.augmentation.
    """
    device, updates = module.readout.weight.device, len(train) // recipe.batch
    if not updates or not len(dev):
        raise TrainingError(
            f"There are {len(train)} training and {len(dev)} held-out names; expected at least one batch ({recipe.batch}) for training "
            "and held-out names."
        )
    made, soft = augmentation.distillation_targets(train, int(loss["recombined"]), recipe.seed) if loss.get("recombined") else ((), None)
    ids, lengths = padded([VOCABULARY.encode(text) for text in (*train.texts, *made)])
    answers = torch.eye(len(train.labels))[torch.tensor(train.targets)]
    sizes = answers.sum(0).clamp(min=1)
    answers = answers if soft is None else torch.cat((answers, torch.tensor(soft)))
    weights = answers @ (sizes.mean() / sizes) ** loss["weighting"]

    def batches(epoch: int) -> Iterator[tuple[Tensor, ...]]:
        generator = torch.Generator().manual_seed(recipe.seed * 1_000 + epoch)
        kinds = [torch.randperm(len(train), generator=generator), len(train) + torch.randperm(len(made), generator=generator)]
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


def dev_nats(module: nn.Module, dev: Names) -> float:
    """Cross-entropy in nats per name, after the last letter."""
    device, total, order = next(module.parameters()).device, 0.0, np.argsort([len(text) for text in dev.texts], kind="stable")
    for rows in np.array_split(order, len(order) // 512 + 1):
        ids, lengths = (tensor.to(device) for tensor in padded([VOCABULARY.encode(dev.texts[row]) for row in rows]))
        with torch.inference_mode():
            logs = after_last(module(ids)[0], lengths)
        total -= float(logs.gather(1, torch.tensor(dev.targets[rows], device=device)[:, None]).sum())
    return total / len(dev)


def trainers(name: str, source: Names, state: Path, device: str = "cpu", epochs: float | None = None) -> Iterator[Trainer]:
    """The training of a recipe, ready to start or to resume from its state file.

    Raises:
        TrainingError: there are too few names, or the state file belongs to another recipe or collection.
    """
    about = FAMILY.recipes[name]
    recipe = Recipe(**about["recipe"]).lasting(epochs)
    torch.manual_seed(recipe.seed)
    module = Classifier(**network_arguments(name, source)).to(device)
    yield resume(job(module, *source.split(), recipe, about["loss"]), recipe, state)


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
