"""Schema of the card of a classifier found in a file."""

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt
from typing_extensions import TypedDict

import models.card
from models.card import Else, Index, Text


class Size(TypedDict):
    """The cell, and the numbers of layers and units."""

    cell: Literal["rnn", "lstm", "gru"]
    layers: PositiveInt
    units: PositiveInt


class ClassifierCard(models.card.Card):
    """The card of a found classifier: its size and the names of its classes; nothing of it was measured."""

    arguments: Size
    labels: Annotated[list[Text], Field(min_length=2)]
    scores: Annotated[dict[str, Any], Else({})]
    confusion: Annotated[dict[str, list[list[Index]]], Else({})]
    reliability: Annotated[None, Else(None)]
    examples: Annotated[list[Any], Else([])]

    @classmethod
    def of_module(cls, card: dict[str, Any], module: Any) -> dict[str, Any] | None:
        """The card of an untrusted file; layers and units are read from the network itself."""
        size = {"layers": int(module.rnn.num_layers), "units": int(module.rnn.hidden_size)}
        return super().of_module(card | {"arguments": card["arguments"] | size}, module)
