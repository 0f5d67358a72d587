"""Measurements of a classifier of names: its confusion matrix, its calibration, and its states while a name is read."""

from dataclasses import dataclass
from typing import Any

import numpy as np

import explorer
from explorer.analysis.confusion import Reliability, confusion, reliability, reliability_of
from explorer.records import ConfusionMatrix, Trace
from models.checkpoint import Loaded
from models.names.answers import Answers

MEASUREMENTS = {"attribution": "models.names.experiments.attribution:measure"}
TRUE_P = "p of the true class"  # column of a table of names


@dataclass(frozen=True, eq=False)
class Confusions:
    """A confusion matrix with what belongs to it.

    Args:
        matrix: Counts of all names.
        shared: Counts of the names that belong to the predicted class too; None if unknown.
        reliability: Calibration in bins; None if unknown.
        answers: The predictions that were counted; None if the counts come from a card.
    """

    matrix: ConfusionMatrix
    shared: ConfusionMatrix | None
    reliability: Reliability | None
    answers: Answers | None


def confusions(labels: list[str], answers: Answers) -> Confusions:
    """Counts and calibration of predictions; `labels` are the classes."""
    predicted, shared = answers.predicted, answers.shared
    confidence = np.clip(answers.probabilities.max(1), 0, 1)
    return Confusions(
        confusion(answers.targets, predicted, labels),
        confusion(answers.targets[shared], predicted[shared], labels),
        reliability(confidence, predicted == answers.targets),
        answers,
    )


def confusions_of_card(card: dict[str, Any], split: str) -> Confusions | None:
    """Counts and calibration from a card, of "dev" or "train"; None if the card has none of this split."""
    tables, labels = card["confusion"], tuple(card["labels"])
    if split not in tables:
        return None
    is_dev = split == "dev"
    shared = ConfusionMatrix(labels, np.array(tables["dev_shared"])) if is_dev and "dev_shared" in tables else None
    bins = card["reliability"] if is_dev else None
    kept = None if bins is None else reliability_of(*(np.array(bins[name]) for name in ("names", "right", "confidence")))
    return Confusions(ConfusionMatrix(labels, np.array(tables[split])), shared, kept, None)


def trace(loaded: Loaded, text: str) -> Trace:
    """States and gates while a name is read, recorded as from any module.

    Raises:
        ValueError: the text has no letter.
    """
    from models.names.network import after_each_letter, letters

    with explorer.record(loaded.module) as recording:
        after_each_letter(loaded, text)
    return recording.trace(letters(loaded, text), path="rnn")


def rows_of(answers: Answers, labels: list[str], cell: tuple[str, str] | None = None) -> dict[str, Any]:
    """Columns of a table of names: those of one cell, the most confident first, or all in their own order.

    Args:
        answers: Predictions for the names.
        labels: The classes.
        cell: (true, predicted) of the cell; None for all names.
    """
    predicted, chosen = answers.predicted, np.arange(len(answers.texts))
    if cell is not None:
        true, answer = (labels.index(label) for label in cell)
        chosen = np.flatnonzero((answers.targets == true) & (predicted == answer))
        chosen = chosen[np.argsort(-answers.probabilities[chosen, answer], kind="stable")]
    columns = {"name": [answers.texts[row] for row in chosen], "true": np.array(labels)[answers.targets[chosen]]}
    columns |= {"predicted": np.array(labels)[predicted[chosen]], "p": answers.probabilities[chosen, predicted[chosen]]}
    columns[TRUE_P] = answers.probabilities[chosen, answers.targets[chosen]]
    return columns | {"shared": answers.shared[chosen]}
