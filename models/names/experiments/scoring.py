"""The card of a trained name classifier: scores, baselines, confusion matrices and example names."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.analysis.confusion import brier, class_scores, confusion, error_if_calibrated, reliability
from models.checkpoint import as_saved
from models.corpora import DataError
from models.names import FAMILY, training
from models.names.answers import answers_to_rows
from models.names.baselines import POWERS, by_stem, ceilings, ngram_answers, with_prior
from models.names.data import VOCABULARY, Names
from models.names.network import Classifier, after_each_letter, probabilities
from models.names.table import labelled
from models.training import pack, restore

if TYPE_CHECKING:
    from models.checkpoint import Loaded

Report = Callable[[int, int], None]
BINS = 15  # confidence bins of equal width
EXAMPLES = 8  # example names in the card, those whose last letter changes the prediction most
REASONS = 10  # unusable rows of a table that are reported with a reason

trainers = training.trainers


def scores(probabilities: np.ndarray, targets: np.ndarray, seed: int = 0) -> dict[str, float | int]:
    """Accuracy, macro recall, macro F1, nats per name, Brier score and calibration error of a classifier.

    Macro averages are over the classes that occur among the targets. The Brier score is a sum over the classes, 0..2. The
    estimate of the calibration error is biased upwards, so the result also holds the bins and the value that a perfectly
    calibrated classifier with the same confidences would get.

    Args:
        probabilities: [name, class], rows sum to 1.
        targets: Index of the true class, [name].
        seed: Seed of the outcomes sampled for the calibrated classifier.
    """
    p, predicted = probabilities.astype(np.float64), probabilities.argmax(1)
    p /= p.sum(1, keepdims=True)
    by_class = class_scores(confusion(targets, predicted, _numbered(p)))
    confidence, is_right = p.max(1), predicted == targets
    return {
        "names": len(targets),
        "accuracy": float(is_right.mean()),
        "macro_recall": by_class.macro_recall,
        "macro_f1": by_class.macro_f1,
        "nats_per_name": float(-np.log(np.maximum(p[np.arange(len(p)), targets], 1e-12)).mean()),
        "brier": brier(p, targets),
        "calibration_error": reliability(confidence, is_right, BINS).error,
        "calibration_error_if_perfect": error_if_calibrated(confidence, BINS, seed=seed),
        "calibration_bins": BINS,
    }


def _numbered(probabilities: np.ndarray) -> list[str]:
    return [str(index) for index in range(probabilities.shape[1])]


def finish(name: str, state: Path, source: Names, target: Path, report: Report = lambda done, total: None) -> dict[str, Any]:
    """Saves the best weights of a training state as a checkpoint with its full card; returns the card.

    The scores are those of the saved float16 weights, read back from the file. The card holds everything that a page shows
    without the names themselves: counts of both splits, counts of shared spellings, and calibration bins.

    Args:
        name: One of the recipes.
        state: State file of a training, running or finished.
        source: The whole collection it was trained on.
        target: The checkpoint to write.
        report: Called with (done, total) names.

    Raises:
        TrainingError: the file is not a training state, has no score yet, or belongs to other names or another recipe.
    """
    about, arguments = FAMILY.recipes[name], training.network_arguments(name, source)
    module = Classifier(**arguments)
    kept = restore(module, state, f"{name} and these names")
    card = {"kind": FAMILY.kind, "name": name, "arguments": arguments, "vocabulary": list(VOCABULARY.tokens)}
    card |= {"labels": list(source.labels), "data": training.data_card(about["corpus"], source), "loss": about["loss"]}
    card |= {"seeds": of_seeds(name, state, card, source.split()[1])} if about.get("seeds") else {}
    return pack(module, kept, card, target, lambda loaded: measured(loaded, source, report))


def of_seeds(name: str, state: Path, card: dict[str, Any], dev: Names) -> list[dict[str, float | int]]:
    """Scores on dev of the networks of all seeds trained so far, with weights rounded as in a checkpoint.

    Args:
        name: One of the recipes.
        state: State file of the first seed; those of the others are next to it.
        card: Card of the network, as far as it is needed to rebuild it.
        dev: Held-out names.
    """
    rows = []
    for seed, file in training.students(name, state).items():
        if file.exists():
            module = Classifier(**card["arguments"])
            restore(module, file, f"{name} and these names")
            scored = scores(probabilities(as_saved(module, card, file), dev.texts), dev.targets)
            rows.append({"seed": seed} | {key: scored[key] for key in ("accuracy", "macro_f1", "nats_per_name")})
    return rows


def measured(loaded: "Loaded", source: Names, report: Report) -> dict[str, Any]:
    """Scores, counts, calibration and, if the names may be redistributed, those whose last letter changes the prediction most.

    `dev_shared` counts, cell by cell, the names that also belong to the predicted language.

    Args:
        loaded: The network.
        source: The whole collection it was trained on.
        report: Called with (done, total) names.
    """
    train, dev = source.split()
    p, p_of_train = (probabilities(loaded, side.texts, report) for side in (dev, train))
    predicted = p.argmax(1)
    shared = np.array([source.labels[j] in source.shared.get(text, ()) for text, j in zip(dev.texts, predicted, strict=True)], bool)
    on_dev: dict[str, Any] = {"split": "dev", "prior": training.PRIOR} | scores(p, dev.targets) | with_baselines(loaded.card, train, dev)
    on_dev["with_repetitions"] = scores(p.repeat(dev.times, 0), dev.targets.repeat(dev.times))
    on_dev["train"] = scores(p_of_train, train.targets)
    on_dev["by_stem"] = by_stem(predicted, train, dev)
    rows = {"dev": (dev.targets, predicted), "train": (train.targets, p_of_train.argmax(1))}
    rows["dev_shared"] = (dev.targets[shared], predicted[shared])
    tables = {split: confusion(*pair, source.labels).counts.tolist() for split, pair in rows.items()}
    card = {"scores": on_dev, "confusion": tables, "reliability": calibration_bins(p, dev.targets)}
    return card | ({"examples": turning_points(loaded, dev)} if loaded.card["data"]["corpus"] == "names" else {})


def calibration_bins(probabilities: np.ndarray, targets: np.ndarray) -> dict[str, list]:
    """Names, correct predictions and mean confidence of each bin, from probabilities [name, class] and targets [name]."""
    bins = reliability(np.clip(probabilities.max(1), 0, 1), probabilities.argmax(1) == targets, BINS)
    confidence = np.round(np.nan_to_num(bins.confidence), 6)
    return {"names": bins.items.tolist(), "right": bins.right.tolist(), "confidence": confidence.tolist()}


def with_baselines(card: dict[str, Any], train: Names, dev: Names) -> dict[str, Any]:
    """Scores of the baselines and the upper bounds; copied from another card of the same names if possible, as they take minutes."""
    from models import available

    for other in available().values():
        is_same = other["kind"] == FAMILY.kind and other.get("data", {}).get("sha256") == card["data"]["sha256"]
        if is_same and "with_prior" in other["scores"]["ngram_logistic"]:  # cards of version 0.1.0 lack it
            return {key: other["scores"][key] for key in ("majority", "ngram_logistic", "ceiling")}
    ceiling = ceilings(dev.texts, dev.targets, len(dev.labels))
    return {"majority": majority(train, dev), "ngram_logistic": ngram_logistic(train, dev), "ceiling": ceiling}


def majority(train: Names, dev: Names) -> dict[str, float | int]:
    """Scores on dev of always predicting the class frequencies of the training names."""
    shares = np.bincount(train.targets, minlength=len(train.labels)) / len(train)
    return scores(np.tile(shares, (len(dev), 1)), dev.targets)


def ngram_logistic(train: Names, dev: Names) -> dict[str, Any]:
    """Scores on dev of logistic regression on character n-grams, overall and by stem, and with the best prior.

    The n-grams weight all classes equally, while most networks favour large classes. For a fair comparison, `with_prior` has the
    scores with the power of the class sizes that gives the n-grams the best macro F1 on dev.
    """
    p, sizes = ngram_answers(train, dev.texts), np.bincount(train.targets, minlength=len(train.labels))
    adjusted = [{"power": power} | scores(with_prior(p, sizes, power), dev.targets) for power in POWERS]
    more = {"by_stem": by_stem(p.argmax(1), train, dev), "with_prior": max(adjusted, key=lambda row: row["macro_f1"])}
    return scores(p, dev.targets) | more


def turning_points(loaded: "Loaded", dev: Names) -> list[dict[str, Any]]:
    """Held-out names of one language whose last letter changes the prediction most, to the correct class; largest change first.

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


def evaluate(loaded: "Loaded", path: str | os.PathLike, report: Report = lambda done, total: None) -> dict[str, Any]:
    """Scores of a classifier on a folder of `<Label>.txt` files, or on a CSV of text and label; every row counts.

    Unusable rows are counted, and the first few are listed with line and reason.

    Raises:
        DataError: the file is missing, or no row has a label that is a class of the network.
    """
    table = labelled(path)
    if table.is_swapped(loaded.card["labels"]):
        raise DataError(f"The first column of {path} holds labels: are the columns swapped? Expected text, then label, or a header.")
    answers = answers_to_rows(loaded, table, report=report)
    if not answers.texts:
        raise DataError(f"No row of {path} has a label that is a class of {loaded.name}. Known: {', '.join(loaded.card['labels'])}.")
    why = [f"line {line}: {reason}" for line, reason in table.problems[:REASONS]]
    left_out = {"rows_left_out": len(table.problems), "why_left_out": why, "unknown_labels": answers.unknown, "notes": list(table.notes)}
    return scores(answers.probabilities, answers.targets) | left_out
