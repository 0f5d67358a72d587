"""Schema of the card of a translation network."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, Field, OnErrorOmit
from typing_extensions import TypedDict

import models.card
from models.card import AnyText, Else, Index, Integer, Number, only


class Score(TypedDict):
    """BLEU with its 95 % interval and the number of sentences, overall and by source length."""

    bleu: Number
    sentences: Integer
    interval: Annotated[list[Number], Field(min_length=2, max_length=2)]
    bleu_by_length: NotRequired[dict[AnyText, "Score"]]


class Answer(TypedDict):
    """Answer of one attention test: the verdict, the measured value with its 95 % interval, and the number of sentences."""

    says: Literal["yes", "no", "cannot tell"]
    value: Number
    low: Number
    high: Number
    unit: AnyText
    sentences: Integer


class ByHand(Answer):
    """The alignment test against human alignments, with the error rates of IBM model 1 and of the diagonal as baselines."""

    ibm1: Number
    diagonal: Number


class Answers(TypedDict):
    """Answers of the four attention tests, see models/translation/experiments/attention.py."""

    looks: Answer
    beyond_position: Answer
    used: Answer
    points: Answer
    points_by_hand: NotRequired[OnErrorOmit[ByHand]]


class Example(TypedDict):
    """A sentence and an attention weight whose change replaces one word of the translation."""

    sentence: AnyText
    truth: AnyText
    looks: AnyText
    looks_instead: AnyText
    word: AnyText
    becomes: AnyText
    row: Index
    step: Index
    column: Index
    other: Index
    crossing: Annotated[list[AnyText], Field(min_length=2, max_length=2)]


class Paired(TypedDict):
    """Paired bootstrap on all of dev: the scores of two networks by name, with the p-value of the one that is not the baseline."""

    against: AnyText
    all: dict[str, dict[str, Any]]


def _in_short(paired: Paired) -> dict[str, Any]:
    """The baseline network and the p-value of the difference."""
    (p,) = (scores.get("p") for name, scores in paired["all"].items() if name != paired["against"])
    if not isinstance(p, float | int):
        raise ValueError(f"p is {p!r}; expected a number.")
    return {"against": paired["against"], "p": p}


class Card(models.card.Card):
    """The card of a translation network: direction, BLEU, attention tests, and the example sentence of the page.

    `paired` is a summary: `against`, the baseline network, and `p`, the p-value; empty if there was no comparison.
    """

    direction: AnyText
    scores: Annotated[Score, Else({})]
    answers: Annotated[Answers, only(Answers), Else({})]
    paired: Annotated[Paired, AfterValidator(_in_short), Else({})]
    example: Annotated[Example | None, Else(None)]

    @classmethod
    def of_module(cls, card: dict[str, Any], module: Any) -> dict[str, Any] | None:
        """The card of an untrusted file; `direction` is "" if it is unknown."""
        direction = card.get("direction")
        shown = direction.encode("utf-8", "replace").decode() if isinstance(direction, str) else ""
        return super().of_module(card | {"direction": shown}, module)
