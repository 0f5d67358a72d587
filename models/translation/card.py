"""What a reader gets of the card of a translation network."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, Field, OnErrorOmit
from typing_extensions import TypedDict

import models.card
from models.card import AnyText, Else, Index, Number, only


class Score(TypedDict):
    """BLEU over so many sentences with its 95 % interval, and the same by the length of the source."""

    bleu: Number
    sentences: int
    interval: Annotated[list[Number], Field(min_length=2, max_length=2)]
    bleu_by_length: NotRequired[dict[AnyText, "Score"]]


class Answer(TypedDict):
    """What a test of attention answers, the measured value with its 95 % interval, and over how many sentences."""

    says: Literal["yes", "no", "cannot tell"]
    value: Number
    low: Number
    high: Number
    unit: AnyText
    sentences: int


class ByHand(Answer):
    """The same against alignments made by people, with the error rates of IBM model 1 and of the diagonal."""

    ibm1: Number
    diagonal: Number


class Answers(TypedDict):
    """The four tests of attention, see models/translation/experiments/attention.py."""

    looks: Answer
    beyond_position: Answer
    used: Answer
    points: Answer
    points_by_hand: NotRequired[OnErrorOmit[ByHand]]


class Example(TypedDict):
    """A weight to move in the matrix of a sentence, so that one word of the translation becomes another."""

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
    """A paired bootstrap on all of dev: the scores of two networks by name, with the p of that which is not the baseline."""

    against: AnyText
    all: dict[str, dict[str, Any]]


def _in_short(paired: Paired) -> dict[str, Any]:
    """The network compared with, and how often chance gives so large a difference."""
    (p,) = (scores.get("p") for name, scores in paired["all"].items() if name != paired["against"])
    if not isinstance(p, float | int):
        raise ValueError(f"p is {p!r}; expected a number.")
    return {"against": paired["against"], "p": p}


class Card(models.card.Card):
    """The card of a translation network: its direction, BLEU, the tests of its attention, and the sentence to open with.

    `paired` is short: the network that this one was `against`, and `p`; empty where they were not compared.
    """

    direction: AnyText
    scores: Annotated[Score, Else({})]
    answers: Annotated[Answers, only(Answers), Else({})]
    paired: Annotated[Paired, AfterValidator(_in_short), Else({})]
    example: Annotated[Example | None, Else(None)]

    @classmethod
    def of_module(cls, card: dict[str, Any], module: Any) -> dict[str, Any] | None:
        """The card of a file nobody vouches for; its direction may be unknown, "" then."""
        direction = card.get("direction")
        shown = direction.encode("utf-8", "replace").decode() if isinstance(direction, str) else ""
        return super().of_module(card | {"direction": shown}, module)
