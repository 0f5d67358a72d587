"""What the page calls the texts that a classifier reads, their parts and their classes: names, letters and languages, or others."""

from dataclasses import dataclass

from models.names.romanise import is_of_names
from pages._confusions.compute import EMITS
from pages._ui.networks import emitting, loaded


@dataclass(frozen=True)
class Words:
    """The nouns of one classifier.

    Args:
        text: What it reads.
        token: What it reads in one step.
        label, labels: What it predicts, and the plural.
        of_names: Whether it is one of the project's own classifiers of names.
    """

    text: str = "name"
    token: str = "letter"
    label: str = "language"
    labels: str = "languages"
    of_names: bool = True


NAMES = Words()


def words(model: str) -> Words:
    """The nouns of a classifier; one of a visitor reads texts and predicts classes."""
    if is_of_names(emitting(*EMITS)[model]):
        return NAMES
    return Words("text", loaded(model).vocab.noun, "class", "classes", False)
