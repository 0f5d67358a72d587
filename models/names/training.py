"""From a recipe to a checkpoint: the batches and losses of classifiers of names, and the card of what came out."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from models.corpora import DataError, origin
from models.family import TrainingError
from models.metrics import classification
from models.names import FAMILY, augmentation
from models.names.answers import answers_to_rows
from models.names.data import VOCABULARY, Names
from models.names.network import Classifier, after_each_letter, after_last, padded, probabilities
from models.names.table import labelled
from models.training import Job, Recipe, Trainer, pack, restore, resume

if TYPE_CHECKING:
    from models.checkpoint import Loaded

Report = Callable[[int, int], None]
PRIOR = "each spelling counts once for each language it belongs to, however often a list repeats it"
ALIKE = 16  # batches that are sorted by length together, so that little is padded
EXAMPLES = 8  # names whose last letter changes most are kept in the card
REASONS = 10  # rows of a table that are told, of those that cannot be used


def job(module: Classifier, train: Names, dev: Names, recipe: Recipe, loss: dict[str, float]) -> Job:
    """Names in batches of similar length, a loss at each letter.

    Args:
        module: A classifier, on the device to train on.
        train, dev: Names with their languages.
        recipe: `batch` names side by side, shuffled by `seed` and epoch.
        loss: `letters`: share of the loss that is the mean over all letters of a name, so that prefixes are inputs it was
            trained on; the rest is the loss after the last. `weighting`: a class weighs as its size to the power of
            -weighting, 0 for none, 1 for classes that count the same. `recombined`, where given: so many made-up names
            with the answers of n-grams, of which as many are read in an epoch as real ones; see models.names.augmentation.
    """
    device, updates = module.readout.weight.device, len(train) // recipe.batch
    if not updates or not len(dev):
        raise TrainingError(f"There are {len(train)} names to train on and {len(dev)} held out; a batch takes {recipe.batch}.")
    made, soft = augmentation.taught(train, int(loss["recombined"]), recipe.seed) if loss.get("recombined") else ((), None)
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
    """Mean nats of the right language after the last letter."""
    device, total, order = next(module.parameters()).device, 0.0, np.argsort([len(text) for text in dev.texts], kind="stable")
    for rows in np.array_split(order, len(order) // 512 + 1):
        ids, lengths = (tensor.to(device) for tensor in padded([VOCABULARY.encode(dev.texts[row]) for row in rows]))
        with torch.inference_mode():
            logs = after_last(module(ids)[0], lengths)
        total -= float(logs.gather(1, torch.tensor(dev.targets[rows], device=device)[:, None]).sum())
    return total / len(dev)


def trainers(name: str, source: Names, state: Path, device: str = "cpu", epochs: float | None = None) -> Iterator[Trainer]:
    """The one training of a recipe, ready to run from the start or from its state file.

    Raises:
        TrainingError: too few names, or a state file of another recipe or collection.
    """
    about = FAMILY.recipes[name]
    recipe = Recipe(**about["recipe"]).lasting(epochs)
    torch.manual_seed(recipe.seed)
    module = Classifier(**_arguments(name, source)).to(device)
    yield resume(job(module, *source.split(), recipe, about["loss"]), recipe, state)


def _arguments(name: str, source: Names) -> dict[str, Any]:
    return {"vocab_size": len(VOCABULARY), "classes": len(source.labels)} | FAMILY.recipes[name]["arguments"]


def finish(name: str, state: Path, source: Names, target: Path, report: Report = lambda done, total: None) -> dict[str, Any]:
    """Pack the best weights of a training state as a checkpoint with its full card; gives the card.

    What is scored is what ships: the float16 weights, read back from the file. The card holds all that a page shows where
    the names themselves are not at hand: counts of both splits, counts of shared spellings, bins of the calibration.

    Args:
        name: One of the recipes.
        state: State file of a training, running or finished.
        source: The whole collection it was trained on.
        target: The checkpoint to write.
        report: Called with (done, total) names.

    Raises:
        TrainingError: the state is none, has no score yet, or is not of these names and this recipe.
    """
    about, arguments = FAMILY.recipes[name], _arguments(name, source)
    module = Classifier(**arguments)
    kept = restore(module, state, f"{name} and these names")
    card = {"kind": FAMILY.kind, "name": name, "arguments": arguments, "vocabulary": list(VOCABULARY.tokens)}
    card |= {"labels": list(source.labels), "data": data_card(about["corpus"], source), "loss": about["loss"]}
    return pack(module, kept, card, target, lambda loaded: _measured(loaded, source, report))


def _measured(loaded: "Loaded", source: Names, report: Report) -> dict[str, Any]:
    """Scores, counts, calibration, and for names that may be handed on those whose last letter changes most.

    `dev_shared` counts, cell by cell, the names that belong to the language of the answer too.
    """
    train, dev = source.split()
    p = probabilities(loaded, dev.texts, report)
    learnt = probabilities(loaded, train.texts, report)
    classes, answers = len(source.labels), p.argmax(1)
    shared = np.array([source.labels[j] in source.shared.get(text, ()) for text, j in zip(dev.texts, answers, strict=True)], bool)
    scores: dict[str, Any] = {"split": "dev", "prior": PRIOR} | classification.scores(p, dev.targets) | beside(loaded.card, train, dev)
    scores["with_repetitions"] = classification.scores(p.repeat(dev.times, 0), dev.targets.repeat(dev.times))
    scores["train"] = classification.scores(learnt, train.targets)
    scores["by_stem"] = classification.by_stem(answers, train, dev)
    confusion = {"dev": classification.counts(answers, dev.targets, classes)}
    confusion["train"] = classification.counts(learnt.argmax(1), train.targets, classes)
    confusion["dev_shared"] = classification.counts(answers[shared], dev.targets[shared], classes)
    measured = {"scores": scores, "confusion": confusion, "reliability": classification.reliability(p, dev.targets)}
    return measured | ({"examples": turning_points(loaded, dev)} if loaded.card["data"]["corpus"] == "names" else {})


def beside(card: dict[str, Any], train: Names, dev: Names) -> dict[str, Any]:
    """What stands beside the scores; taken from another network's card where that is of the same names, for it takes minutes."""
    from models import available

    for other in available().values():
        if other["kind"] == FAMILY.kind and other.get("data", {}).get("sha256") == card["data"]["sha256"]:
            return {key: other["scores"][key] for key in ("majority", "ngram_logistic", "ceiling")}
    return classification.beside(train, dev)


def turning_points(loaded: "Loaded", dev: Names) -> list[dict[str, Any]]:
    """Held-out names of one language whose last letter changes the answer most, and to the right one; the largest change first.

    The change is the total variation distance between the probabilities before and after the letter, 0..1.
    """
    turns = []
    for text, target in zip(dev.texts, dev.targets, strict=True):
        if dev.texts.count(text) > 1 or len(text) < 4:
            continue
        before, after = after_each_letter(loaded, text)[-2:]
        if after.argmax() == target != before.argmax():
            answers = (loaded.card["labels"][int(p.argmax())] for p in (before, after))
            turns.append(
                dict(zip(("name", "change", "before", "after"), (text, float(np.abs(after - before).sum() / 2), *answers), strict=True))
            )
    return sorted(turns, key=lambda row: -row["change"])[:EXAMPLES]


def data_card(corpus: str, source: Names) -> dict[str, Any]:
    """What a card says of its names."""
    train, dev = source.split()
    cut = "by the checksum of the spelling: no spelling is on both sides, nearly 15 % are held out; the epoch was chosen on them"
    card = origin(corpus) | {"split": cut, "prior": PRIOR, "sha256": source.sha256(), "spellings": len(set(source.texts))}
    card |= {"shared_spellings": len(source.shared), "rows": int(source.times.sum())}
    sizes = {
        f"{side}_names": np.bincount(part.targets, minlength=len(source.labels)).tolist() for side, part in (("train", train), ("dev", dev))
    }
    return card | sizes


def evaluate(loaded: "Loaded", path: str | os.PathLike, report: Report = lambda done, total: None) -> dict[str, Any]:
    """How a classifier does on a folder of `<Label>.txt` files, or on a CSV of text and label; every row counts.

    Of rows that cannot be used it tells how many there are, and the line and reason of the first few.

    Raises:
        DataError: nothing is there, or no row has a label that the network knows.
    """
    table = labelled(path)
    answers = answers_to_rows(loaded, table, report=report)
    if not answers.texts:
        raise DataError(f"No row of {path} has a label that {loaded.name} knows. Known: {', '.join(loaded.card['labels'])}.")
    why = [f"line {line}: {reason}" for line, reason in table.problems[:REASONS]]
    left_out = {"rows_left_out": len(table.problems), "why_left_out": why, "unknown_labels": answers.unknown}
    return classification.scores(answers.probabilities, answers.targets) | left_out
