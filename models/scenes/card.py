"""Schema of the card of a scene captioner."""

from typing import Annotated, NotRequired, Self

from pydantic import model_validator
from typing_extensions import TypedDict

from models.captioning.card import AnyCaptioner
from models.card import AnyText, Else, Integer, Number

# Files that cards name as the source of their data, where they are today.
MOVED = {"models/scenes.py": "models/scenes/data.py"}


class Game(TypedDict, extra_items=Number | None):
    """A row of the pointing game: the hit rate of each kind of map over `n` names, None if there was nothing to measure."""

    n: Integer


class Scores(TypedDict):
    """Shares of true captions and of correct names, the number of scenes, and the pointing game by size of the figure."""

    true_captions: Number
    named_right: Number
    scenes: Number
    pointing: NotRequired[dict[AnyText, Game]]


class Card(AnyCaptioner):
    """The card of a scene captioner: its scores and example scenes."""

    scores: Annotated[Scores, Else({})]

    @model_validator(mode="after")
    def _source_of_today(self) -> Self:
        source = str(self.data["source"])
        self.data = self.data | {"source": MOVED.get(source, source)}
        return self
