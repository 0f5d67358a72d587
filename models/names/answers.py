"""A classifier's predictions for many names, with their true labels."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from models.names.data import Names, is_held_out
from models.names.romanise import is_of_names, spelling
from models.names.table import Labelled

if TYPE_CHECKING:
    from models.checkpoint import Loaded

Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Answers:
    """A classifier's predictions for labelled names.

    Args:
        texts: The names as given, [name].
        targets: Index of the true class, [name].
        probabilities: Predicted probabilities, [name, class].
        shared: Whether the predicted class is not the target, but the name belongs to it too, [name].
        learnt: Whether the spelling was in the training data, [name]; None if unknown.
        unknown: Number of rows by label that is not a class of the network; these rows are not in the arrays.
    """

    texts: tuple[str, ...]
    targets: np.ndarray
    probabilities: np.ndarray
    shared: np.ndarray
    learnt: np.ndarray | None = None
    unknown: dict[str, int] = field(default_factory=dict)

    @cached_property
    def predicted(self) -> np.ndarray:
        """Index of the predicted class, [name]."""
        return self.probabilities.argmax(1) if len(self.texts) else self.targets


def answers_to_split(loaded: "Loaded", names: Names, is_dev: bool, report: Report = lambda done, total: None) -> Answers:
    """A classifier's predictions for the held-out names of a collection, or for its training names.

    Args:
        loaded: The classifier.
        names: The whole collection.
        is_dev: Whether to use the held-out names.
        report: Called with (done, total) names; may raise to stop.
    """
    from models.names.network import probabilities

    side = names.split()[is_dev]
    p = probabilities(loaded, side.texts, report)
    rows = zip(side.texts, side.targets, p.argmax(1), strict=True)
    shared = [answer != true and names.labels[answer] in names.languages[text] for text, true, answer in rows]
    return Answers(side.texts, side.targets, p, np.array(shared, bool))


def answers_to_rows(loaded: "Loaded", table: Labelled, names: Names | None = None, report: Report = lambda done, total: None) -> Answers:
    """A classifier's predictions for table rows; each distinct text is read once. The case of labels is ignored.

    Args:
        loaded: The classifier.
        table: Rows of text and label.
        names: The collection it was trained on, if available, to tell which rows were in its training data.
        report: Called with (done, total) names; may raise to stop.
    """
    from models.names.network import probabilities

    class_of = {label.casefold(): index for index, label in enumerate(loaded.card["labels"])}
    pairs = zip(table.texts, map(str.casefold, table.labels), strict=True)
    rows = [(text, class_of[label]) for text, label in pairs if label in class_of]
    row_of = {text: row for row, text in enumerate(dict.fromkeys(text for text, _ in rows))}
    p = probabilities(loaded, list(row_of), report) if row_of else np.zeros((0, len(class_of)), np.float32)
    p, targets = p[[row_of[text] for text, _ in rows]], np.array([target for _, target in rows], np.int64)
    spelled = [spelling(text) if is_of_names(loaded.card) else text for text, _ in rows]
    unknown = Counter(label for label in table.labels if label.casefold() not in class_of)
    shared, learnt = _shared(spelled, targets, p), None if names is None else _learnt(spelled, names)
    return Answers(tuple(text for text, _ in rows), targets, p, shared, learnt, dict(unknown))


def _shared(spelled: Sequence[str], targets: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Whether the prediction is another class that also has this spelling, [name], given targets [name] and p [name, class]."""
    pairs = set(zip(spelled, targets.tolist(), strict=True))
    times = Counter(text for text, _ in pairs)
    in_several = {pair for pair in pairs if times[pair[0]] > 1}
    rows = zip(spelled, targets, p.argmax(1) if len(spelled) else targets, strict=True)
    return np.array([answer != true and (text, answer) in in_several for text, true, answer in rows], bool)


def _learnt(spelled: Sequence[str], names: Names) -> np.ndarray:
    """Whether each spelling is in the training part of a collection, [name]."""
    kept = {text for text in set(spelled) if text in names.languages and not is_held_out(text)}
    return np.array([text in kept for text in spelled], bool)
