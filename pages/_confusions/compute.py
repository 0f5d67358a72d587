"""What the page of confusions computes, each once for all visitors: letters of a name, answers to a collection, what is counted."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from explorer.analysis.confusion import Reliability, confusion, reliability, reliability_of
from explorer.records import ConfusionMatrix, Trace
from models.corpora import DataError
from models.names.data import Names, find, is_held_out, read
from models.names.romanise import spelling
from models.names.table import Labelled
from pages._ui.cache import shared_cache
from pages._ui.networks import cards, loaded
from pages._ui.view import PageView

DEV, TRAIN, OWN = "dev", "train", "own"
KIND = "classifier"
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class View(PageView):
    """What is looked at: enough to compute every picture of the page, and all that a link restores.

    Args:
        model: Name of a checkpoint. text: the name it reads.
        part: Which names are counted: "dev", "train", or "own".
        by: "share" or "count". order: of rows and columns, see analysis.confusion.order.
        cell: (true, predicted) of the opened cell.
    """

    model: str
    text: str
    part: str = DEV
    by: str = "share"
    order: str = "similarity"
    cell: tuple[str, str] | None = None


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network says to many names.

    Args:
        texts: [name]. targets: number of the true class, [name].
        probabilities: [name, class].
        shared: Whether the name belongs to another class than the true one too, and that is the answer, [name].
        learnt: Whether the network was trained on its spelling, [name]; None where that was not asked or cannot be told.
    """

    texts: tuple[str, ...]
    targets: np.ndarray
    probabilities: np.ndarray
    shared: np.ndarray
    learnt: np.ndarray | None = None

    @cached_property
    def predicted(self) -> np.ndarray:
        """Number of the answer, [name]."""
        return self.probabilities.argmax(1)


@dataclass(frozen=True, eq=False)
class Counted:
    """What is taken for what; `answers` is None where the names are not at hand, and the counts are those of the card."""

    matrix: ConfusionMatrix
    shared: ConfusionMatrix | None
    reliability: Reliability | None
    answers: Answers | None


def after_letters(model: str, text: str) -> np.ndarray:
    """Probabilities after each letter of a name, [letter, class]."""
    from models.names.network import after_each_letter

    spelled = spelling(text)
    return shared_cache("names", 64).get(("letters", model, spelled), lambda: after_each_letter(loaded(model), spelled))


def effects(model: str, text: str) -> Any:
    """What deleting or replacing each letter does: see models.names.network.LetterEffects."""
    from models.names.network import letter_effects

    spelled = spelling(text)
    return shared_cache("names", 64).get(("effects", model, spelled), lambda: letter_effects(loaded(model), spelled))


def trace(model: str, text: str) -> Trace:
    """States and gates while a name is read; a recording listens, as it would to any module."""
    import explorer
    from models.names.network import after_each_letter

    spelled = spelling(text)

    def make() -> Trace:
        network = loaded(model)
        with explorer.record(network.module) as recording:
            after_each_letter(network, spelled)
        return recording.trace(tuple(spelled))

    return shared_cache("names", 64).get(("trace", model, spelled), make)


@st.cache_resource(show_spinner="Reading the lists of names ...", max_entries=4)
def _read(place: str) -> tuple[Names, str]:
    """The names of a place, "" for those of Faker, and their checksum."""
    found = read(Path(place) if place else None)
    return found, found.sha256()


def collection(model: str) -> tuple[Names | None, str]:
    """The names a network was trained and scored on, or None and a sentence that says why they are not at hand."""
    about = cards(KIND)[model]
    corpus = str(about["data"]["corpus"])
    try:
        found, digest = _read(str(find(corpus) or ""))
    except DataError as error:
        return None, str(error)
    if about["data"].get("sha256", digest) != digest:
        return None, f"The lists of {corpus!r} on this machine are not those the network was trained on (another version); see its card."
    if list(found.labels) != about["labels"]:
        return None, f"The network knows other languages than the lists of {corpus!r}."
    return found, ""


def known(model: str, text: str) -> tuple[tuple[str, ...], bool] | None:
    """The languages under which the lists hold a name, and whether it was held out; None where the lists are not at hand."""
    names, _ = collection(model)
    if names is None:
        return None
    spelled = spelling(text)
    return names.languages.get(spelled, ()), is_held_out(spelled)


def answers(model: str, part: str, report: Report = lambda done, total: None) -> Answers | None:
    """The network's answers to one side of its collection; None where the lists are not at hand."""
    from models.names.network import probabilities

    names, _ = collection(model)
    if names is None:
        return None

    def make() -> Answers:
        side = names.split()[part == DEV]
        p = probabilities(loaded(model), side.texts, report)
        return _marked(names, side.texts, side.targets, p)

    return shared_cache("answers", 128).get(("answers", model, part), make)


def own_answers(model: str, table: Labelled, digest: str, report: Report = lambda done, total: None) -> tuple[Answers, dict[str, int]]:
    """The network's answers to a visitor's rows, and how many rows have labels that it does not know."""
    from models.names.training import answered

    def make() -> tuple[Answers, dict[str, int]]:
        found = answered(loaded(model), table, report)
        spelled = [spelling(text) for text in found.texts]
        both = _in_several(spelled, found.targets)
        predicted = found.probabilities.argmax(1) if len(found.texts) else found.targets
        rows = zip(spelled, found.targets, predicted, strict=True)
        shared = np.array([guess != true and (text, guess) in both for text, true, guess in rows], bool)
        return Answers(found.texts, found.targets, found.probabilities, shared, _learnt(model, spelled)), found.unknown

    return shared_cache("answers", 128).get(("own", model, digest), make)


def _learnt(model: str, spelled: list[str]) -> np.ndarray | None:
    """Whether a network was trained on each spelling, [name]; None where its lists are not at hand."""
    names, _ = collection(model)
    if names is None:
        return None
    kept = {text for text in set(spelled) if text in names.languages and not is_held_out(text)}
    return np.array([text in kept for text in spelled], bool)


def _in_several(spelled: list[str], targets: np.ndarray) -> set[tuple[str, int]]:
    """Spelling and class of every name that stands under several classes."""
    pairs = set(zip(spelled, targets.tolist(), strict=True))
    times = Counter(text for text, _ in pairs)
    return {pair for pair in pairs if times[pair[0]] > 1}


def _marked(names: Names, texts: tuple[str, ...], targets: np.ndarray, p: np.ndarray) -> Answers:
    rows = zip(texts, targets, p.argmax(1), strict=True)
    shared = [guess != true and names.labels[guess] in names.languages[text] for text, true, guess in rows]
    return Answers(texts, targets, p, np.array(shared, bool))


def counted(labels: list[str], found: Answers) -> Counted:
    """Counts and calibration of some answers."""
    predicted = found.predicted
    matrix = confusion(found.targets, predicted, labels)
    shared = confusion(found.targets[found.shared], predicted[found.shared], labels)
    confidence = np.clip(found.probabilities.max(1), 0, 1)
    return Counted(matrix, shared, reliability(confidence, predicted == found.targets), found)


def of_card(about: dict[str, Any], part: str) -> Counted | None:
    """Counts and calibration as the card keeps them; None where it keeps none of this side."""
    if part not in about["confusion"]:
        return None
    labels, tables = tuple(about["labels"]), about["confusion"]
    shared = ConfusionMatrix(labels, np.array(tables["dev_shared"])) if part == DEV and "dev_shared" in tables else None
    bins = about["reliability"] if part == DEV else None
    found = None if bins is None else reliability_of(*(np.array(bins[name]) for name in ("names", "right", "confidence")))
    return Counted(ConfusionMatrix(labels, np.array(tables[part])), shared, found, None)
