"""Schema of the card of a name classifier."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, InstanceOf, OnErrorOmit, PositiveInt, model_validator
from typing_extensions import TypedDict

import models.card
from models.card import AnyText, Else, Index, Integer, Number, Text, where


class Size(TypedDict):
    """The cell."""

    cell: Literal["rnn", "lstm", "gru", "linear"]


class Share(TypedDict):
    """An accuracy and the number of names."""

    names: PositiveInt
    accuracy: InstanceOf[float]


class ByStem(TypedDict):
    """The accuracy on names whose first `letters` letters occur in training, and on the others."""

    letters: Integer
    known: Share
    new: Share


class Scores(TypedDict, total=False, extra_items=Annotated[Number | None, Else(None)]):
    """All numeric scores, those of two baselines, and the upper bounds for any classifier by spelling."""

    prior: OnErrorOmit[AnyText]
    by_stem: OnErrorOmit[ByStem]
    with_prior: OnErrorOmit["WithoutNone"]
    majority: OnErrorOmit["WithoutNone"]
    ngram_logistic: OnErrorOmit["WithoutNone"]
    ceiling: OnErrorOmit["WithoutNone"]


WithoutNone = Annotated[Scores, AfterValidator(lambda scores: {name: value for name, value in scores.items() if value is not None})]


class Bins(TypedDict):
    """A reliability diagram: for each bin the number of names, the number classified correctly, and the mean confidence."""

    names: list[Number]
    right: list[Number]
    confidence: list[Number]


def _has_names(bins: Bins) -> bool:
    return len(bins["names"]) == len(bins["right"]) == len(bins["confidence"]) and sum(map(float, bins["names"])) > 0


class OfSeed(TypedDict):
    """Scores on dev of the same recipe with another random seed."""

    seed: Index
    accuracy: Number
    macro_f1: Number
    nats_per_name: Number


class Turn(TypedDict):
    """A held-out name whose last letter changes the prediction, and the size of the change."""

    name: Text
    before: Text
    after: Text
    change: Number


class Card(models.card.Card):
    """The card of a name classifier: labels, scores and confusion matrices on each split, scores by seed, and example names.

    `confusion` has a table [true][predicted] for each available split of dev, train and dev_shared.
    """

    arguments: Size
    labels: Annotated[list[Text], Field(min_length=2)]
    scores: Annotated[WithoutNone, Else({})]
    confusion: Annotated[dict[OnErrorOmit[Literal["dev", "train", "dev_shared"]], OnErrorOmit[list[list[Index]]]], Else({})]
    reliability: Annotated[Annotated[Bins, where(_has_names)] | None, Else(None)]
    examples: Annotated[list[OnErrorOmit[Turn]], Else([])]
    seeds: Annotated[list[OnErrorOmit[OfSeed]], Else([])] = Field(default_factory=list)

    @model_validator(mode="after")
    def _only_square_tables(self) -> Self:
        size = len(self.labels)
        self.confusion = {split: rows for split, rows in self.confusion.items() if {len(rows), *map(len, rows)} == {size}}
        return self
