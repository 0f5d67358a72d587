"""What the instrument measures of classifiers of names: which class is taken for which, and the states while a name is read."""

from dataclasses import dataclass
from typing import Any

import numpy as np

import explorer
from explorer.analysis.confusion import Reliability, confusion, reliability, reliability_of
from explorer.records import ConfusionMatrix, Trace
from models.checkpoint import Loaded
from models.names.answers import Answers
from models.names.romanise import spelling


@dataclass(frozen=True, eq=False)
class Confusions:
    """Which class is taken for which.

    Args:
        matrix: Counts of all names.
        shared: Counts of the names that belong to the answer's class too; None where that is not known.
        reliability: Whether confidence can be trusted; None where that is not known.
        answers: What was counted; None where the names are not at hand, and the counts are those of a card.
    """

    matrix: ConfusionMatrix
    shared: ConfusionMatrix | None
    reliability: Reliability | None
    answers: Answers | None


def confusions(labels: list[str], answers: Answers) -> Confusions:
    """Counts and calibration of some answers; `labels` are the classes."""
    predicted, shared = answers.predicted, answers.shared
    confidence = np.clip(answers.probabilities.max(1), 0, 1)
    return Confusions(
        confusion(answers.targets, predicted, labels),
        confusion(answers.targets[shared], predicted[shared], labels),
        reliability(confidence, predicted == answers.targets),
        answers,
    )


def confusions_of_card(card: dict[str, Any], split: str) -> Confusions | None:
    """Counts and calibration as a card keeps them, of "dev" or "train"; None where it keeps none of this split."""
    tables, labels = card["confusion"], tuple(card["labels"])
    if split not in tables:
        return None
    is_dev = split == "dev"
    shared = ConfusionMatrix(labels, np.array(tables["dev_shared"])) if is_dev and "dev_shared" in tables else None
    bins = card["reliability"] if is_dev else None
    kept = None if bins is None else reliability_of(*(np.array(bins[name]) for name in ("names", "right", "confidence")))
    return Confusions(ConfusionMatrix(labels, np.array(tables[split])), shared, kept, None)


def trace(loaded: Loaded, text: str) -> Trace:
    """States and gates while a name is read; a recording listens, as it would to any module.

    Raises:
        ValueError: the text has no letter.
    """
    from models.names.network import after_each_letter

    with explorer.record(loaded.module) as recording:
        after_each_letter(loaded, text)
    return recording.trace(tuple(spelling(text)))


def rows_of(answers: Answers, labels: list[str], cell: tuple[str, str] | None = None) -> dict[str, Any]:
    """Columns of a table of names: those of one cell, the most confident first, or all as they come.

    Args:
        answers: To the names.
        labels: The classes.
        cell: (true, predicted) of the cell.
    """
    predicted, chosen = answers.predicted, np.arange(len(answers.texts))
    if cell is not None:
        true, answer = (labels.index(label) for label in cell)
        chosen = np.flatnonzero((answers.targets == true) & (predicted == answer))
        chosen = chosen[np.argsort(-answers.probabilities[chosen, answer], kind="stable")]
    columns = {"name": [answers.texts[row] for row in chosen], "true": np.array(labels)[answers.targets[chosen]]}
    columns |= {"predicted": np.array(labels)[predicted[chosen]], "p": answers.probabilities[chosen, predicted[chosen]]}
    columns["p of the true one"] = answers.probabilities[chosen, answers.targets[chosen]]
    return columns | {"shared": answers.shared[chosen]}
