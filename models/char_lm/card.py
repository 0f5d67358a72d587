"""Schema of the card of a character network."""

from typing import Annotated, Any, Literal, Self

from pydantic import InstanceOf, OnErrorOmit, PositiveInt, model_validator
from typing_extensions import TypedDict

import models.card
from models.card import AnyText, Else, Index, Integer, Number


class Size(TypedDict):
    """The cell, and the numbers of layers and units."""

    cell: Literal["rnn", "lstm", "gru"]
    layers: PositiveInt
    units: PositiveInt


class Baseline(TypedDict):
    """The correlation that a baseline reaches."""

    r: Number


class Unit(TypedDict):
    """A unit measured against a concept: the correlation `r`, those of the baselines, and a verdict in words."""

    concept: AnyText
    layer: Index
    unit: Index
    sign: Integer
    clears_all: bool
    verdict: AnyText
    baselines: dict[AnyText, Baseline]
    r: InstanceOf[float]


class Scores(TypedDict, total=False):
    """The cross-entropy per character on dev, and that of n-grams by order."""

    nats_per_character: Number
    ngram_nats: dict[AnyText, Number]


class Card(models.card.Card):
    """The card of a character network: its size, its scores, and the scores of its measured units."""

    arguments: Size
    scores: Annotated[Scores, Else({})]
    units: Annotated[list[OnErrorOmit[Unit]], Else([])]

    @model_validator(mode="after")
    def _only_its_own_units(self) -> Self:
        layers, units = self.arguments["layers"], self.arguments["units"]
        self.units = [unit for unit in self.units if unit["layer"] < layers and unit["unit"] < units]
        return self

    @classmethod
    def of_module(cls, card: dict[str, Any], module: Any) -> dict[str, Any] | None:
        """The card of an untrusted file; layers and units are read from the network itself."""
        size = {"layers": int(module.rnn.num_layers), "units": int(module.rnn.hidden_size)}
        return super().of_module(card | {"arguments": card["arguments"] | size}, module)
