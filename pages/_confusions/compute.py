"""Cached computations of the Confusions page, shared by all visitors: predictions per letter, predictions for many names, counts."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from explorer.records import Trace
from models.corpora import DataError
from models.names.answers import Answers, Report, answers_to_rows, answers_to_split
from models.names.data import Names, find, is_held_out, read
from models.names.romanise import is_of_names, spelling
from models.names.table import Labelled
from pages._ui.cache import shared_cache
from pages._ui.networks import emitting, loaded
from pages._ui.pool import Cost
from pages._ui.view import PageView

if TYPE_CHECKING:
    from explorer.analysis.attribution import Comparison
    from models.names.experiments import Confusions

LIGHT = 2_000  # names that are classified in a moment
HEAVY = Cost(megabytes=300)
DEV, TRAIN, OWN = "dev", "train", "own"
EMITS = ("trace", "class_probabilities")  # what a network must give for this page


@dataclass(frozen=True)
class View(PageView):
    """What the visitor looks at: all that the page computes from and that a link restores.

    Args:
        model: Name of a checkpoint.
        text: The name that it reads.
        part: Which names are counted: "dev" (held out), "train", or "own".
        by: What the colour of the matrix shows, see explorer.figures.confusion.
        order: Order of rows and columns, see explorer.analysis.confusion.order.
        cell: The selected cell, (true, predicted).
    """

    model: str
    text: str
    part: str = DEV
    by: str = "share"
    order: str = "similarity"
    cell: tuple[str, str] | None = None


def letters(model: str, text: str) -> tuple[str, ...]:
    """What a network reads of a text: the letters of a romanised name, or the tokens of any text; empty if it reads nothing."""
    from models.names import network

    return network.letters(loaded(model), text)


def as_read(model: str, text: str) -> str:
    """A text as a network reads it: a romanised name, or the text as it is."""
    return spelling(text) if is_of_names(emitting(*EMITS)[model]) else text


def after_letters(model: str, text: str) -> np.ndarray:
    """Probabilities after each letter of a name, [letter, class]."""
    from models.names.network import after_each_letter

    spelled = as_read(model, text)
    return shared_cache("names", 64).get(("letters", model, spelled), lambda: after_each_letter(loaded(model), spelled))


def effects(model: str, text: str) -> Any:
    """Effect of deleting or replacing each letter, see models.names.network.LetterEffects."""
    from models.names.network import letter_effects

    spelled = as_read(model, text)
    return shared_cache("names", 64).get(("effects", model, spelled), lambda: letter_effects(loaded(model), spelled))


def attributed(model: str, text: str, label: str | None, baseline: str) -> "Comparison":
    """Attribution methods beside deletion for the probability of a language, that of the prediction for None.

    Raises:
        AnalysisError: the name has fewer than two letters.
        RecordingError: the network has no recurrent layers that can be recorded.
    """
    from models.names.experiments.attribution import comparison

    make = lambda: comparison(loaded(model), text, label, baseline)  # noqa: E731
    return shared_cache("names", 64).get(("attribution", model, as_read(model, text), label, baseline), make)


def trace(model: str, text: str) -> Trace:
    """States and gates while a name is read."""
    from models.names import experiments

    return shared_cache("names", 64).get(("trace", model, as_read(model, text)), lambda: experiments.trace(loaded(model), text))


@st.cache_resource(show_spinner="Loading the lists of names ...", max_entries=4)
def _read(folder: str) -> tuple[Names, str]:
    """The names in a folder, or those of Faker for "", and their checksum."""
    names = read(Path(folder) if folder else None)
    return names, names.sha256()


def collection(model: str) -> tuple[Names | None, str]:
    """The names a network was trained and scored on; or None, with a sentence that says why they are not available."""
    about = emitting(*EMITS)[model]
    corpus = str(about["data"]["corpus"])
    if not corpus:
        return None, "Nobody told this page what the network was trained on."
    try:
        names, digest = _read(str(find(corpus) or ""))
    except DataError as error:
        return None, str(error)
    if about["data"].get("sha256", digest) != digest:
        return None, f"The lists of {corpus!r} on this machine are a different version from those the network was trained on; see its card."
    if list(names.labels) != about["labels"]:
        return None, f"The lists of {corpus!r} have other languages than the network."
    return names, ""


def known(model: str, text: str) -> tuple[tuple[str, ...], bool] | None:
    """The languages of a name in the lists, and whether it was held out; None if the lists are not available."""
    names, _ = collection(model)
    if names is None:
        return None
    spelled = spelling(text)
    return names.languages.get(spelled, ()), is_held_out(spelled)


def cost(model: str, part: str, count: int, digest: str = "") -> Cost | None:
    """What classifying may use; None for a few names, and where it is done already.

    Args:
        model: Name of a checkpoint.
        part: "dev", "train" or "own".
        count: Number of names.
        digest: Checksum of a visitor's own rows.
    """
    key = ("own", model, digest) if part == OWN else ("answers", model, part)
    return None if count <= LIGHT or shared_cache("answers", 128).has(key) else HEAVY


def answers(model: str, part: str, report: Report = lambda done, total: None) -> Answers | None:
    """Predictions for the training names or the held-out names; None if the lists are not available."""
    names, _ = collection(model)
    if names is None:
        return None
    make = lambda: answers_to_split(loaded(model), names, part == DEV, report)  # noqa: E731
    return shared_cache("answers", 128).get(("answers", model, part), make)


def own_answers(model: str, table: Labelled, digest: str, report: Report = lambda done, total: None) -> Answers:
    """Predictions for a visitor's rows; `digest` is their checksum."""
    make = lambda: answers_to_rows(loaded(model), table, collection(model)[0], report)  # noqa: E731
    return shared_cache("answers", 128).get(("own", model, digest), make)


def confusions(about: dict[str, Any], part: str, answers: Answers | None) -> "Confusions | None":
    """The confusion matrix, counted from predictions, or from the card if there are none; None if neither is available."""
    from models.names import experiments

    if answers is None:
        return experiments.confusions_of_card(about, part)
    return experiments.confusions(about["labels"], answers) if answers.texts else None
