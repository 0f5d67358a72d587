"""What a reader gets of the card of a captioner of drawn scenes."""

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from models.captioning.card import AnyCaptioner
from models.card import AnyText, Else, Number


class Game(TypedDict, extra_items=Number | None):
    """A row of the pointing game: over `n` names, the hit rate of each kind of map, None where there was nothing to measure."""

    n: int


class Scores(TypedDict):
    """Shares of true captions and of right names over so many scenes, and the pointing game by the size of the figure."""

    true_captions: Number
    named_right: Number
    scenes: Number
    pointing: NotRequired[dict[AnyText, Game]]


class Card(AnyCaptioner):
    """The card of a captioner of drawn scenes: its scores, and scenes to open with."""

    scores: Annotated[Scores, Else({})]
