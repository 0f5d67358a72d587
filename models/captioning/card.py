"""Schemas of the cards of captioners, of photographs and of synthetic scenes, and of what a captioner says to photographs."""

from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, OnErrorOmit, TypeAdapter, ValidationError
from typing_extensions import TypedDict

import models.card
from models.card import AnyText, Else, Index, Integer, Number, only, where

Four = Annotated[list[Number], Field(min_length=4, max_length=4)]  # BLEU of orders 1 to 4


class Arguments(TypedDict):
    """The constructor's arguments; the default attention is soft."""

    attention: NotRequired[Annotated[Literal["none", "soft"], Field(default="soft")]]


class Bleu(TypedDict):
    """BLEU of orders 1 to 4."""

    bleu: Four


class BeamScore(Bleu):
    """The scores of beam search with one width, and the number of images."""

    without_brevity_penalty: Four
    cider_d: Number
    images: Integer


class Scores(TypedDict):
    """The scores by beam width; `against_four`: human captions and the network against four of the five references."""

    beams: dict[str, BeamScore]
    against_four: NotRequired[Annotated[dict[str, OnErrorOmit[Bleu]], Else({})]]


class Occlusion(TypedDict):
    """A word of a scene's caption that changes, or stays, when the region with the largest weight is occluded."""

    scene: Index
    word: Index
    kind: Literal["changes", "stays"]
    says: AnyText
    pixels: AnyText
    mean: AnyText


class View(TypedDict):
    """A table row, its columns in this order: a feature map of the encoder, and the BLEU-4 of a short training on it."""

    view: NotRequired[Any]
    regions: NotRequired[Any]
    channels: NotRequired[Any]
    picture: NotRequired[Any]
    bleu_4: Number


class Whole(TypedDict):
    """BLEU-4 after each epoch of two trainings: on the feature map `view`, and on the one of the published network."""

    view: AnyText
    bleu_4: Annotated[list[Number], Field(min_length=1)]
    ships: list[Number]


class Features(TypedDict):
    """Comparison of the encoder's feature maps, see models/captioning/experiments/encoder_views.py."""

    pictures: Integer
    epochs: Number
    views: Annotated[list[OnErrorOmit[View]], Field(min_length=1)]
    whole: NotRequired[Annotated[Whole, where(lambda whole: len(whole["bleu_4"]) == len(whole["ships"])), Else({})]]


class AnyCaptioner(models.card.Card):
    """Common part of the cards of captioners of photographs and of scenes: the attention and the example scenes."""

    arguments: Arguments
    examples: Annotated[list[OnErrorOmit[Annotated[Occlusion, where(lambda row: row["word"] < len(row["says"].split()))]]], Else([])]

    @classmethod
    def of_module(cls, card: dict[str, Any], module: Any) -> dict[str, Any] | None:
        """The card of an untrusted file; whether it has attention is read from the network itself."""
        attention = "soft" if module.looks else "none"
        return super().of_module(card | {"arguments": card["arguments"] | {"attention": attention}}, module)


class Card(AnyCaptioner):
    """The card of a photograph captioner: its scores, and the comparison of feature maps, empty if there was none."""

    scores: Annotated[Scores, Else({})]
    features: Annotated[Features, only(Features), Else({})]


class Answer(TypedDict):
    """What a captioner says to a photograph; see models.captioning.experiments.photographs.of_photograph."""

    caption: str
    word: Index
    said: str
    right: bool
    p: Number
    on: Number
    area: Number
    regions: Integer
    pixels: str
    mean: str
    verdict: str
    alone: Number
    guess: str
    training_said: Integer
    training_names: Integer


class Answers(TypedDict):
    """What a captioner with these weights says to photographs, by name, and how many pictures and captions it was trained on."""

    pictures: Integer
    captions: Integer
    weights: str
    photographs: dict[str, Answer]


def answers(file: Path) -> Answers | None:
    """The file that `python -m models measure NETWORK photographs` writes; None if it is missing or of the wrong form."""
    try:
        return TypeAdapter(Answers).validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None
