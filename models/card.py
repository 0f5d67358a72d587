"""Schemas for reading checkpoint cards safely: any field of a file can be missing or malformed."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, OnErrorOmit, ValidationError
from pydantic_core import CoreSchema, core_schema

UNKNOWN = {"corpus": "", "source": "a text its card does not name", "licence": "unknown"}
LARGEST = 2**63 - 1  # larger integers do not fit in a table
Integer = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
Number = bool | Integer | float  # kept as written; may be nan


def _unicode(text: str) -> str:
    """The text if it is valid Unicode; half a surrogate pair, which JSON can hold, raises UnicodeEncodeError."""
    text.encode("utf-8")
    return text


AnyText = Annotated[str, AfterValidator(_unicode)]
Text = Annotated[AnyText, Field(min_length=1)]
Index = Annotated[int, Field(ge=0, le=LARGEST)]


class Else:
    """Marks a field that gets `default` if it is missing or malformed, instead of invalidating the whole card."""

    def __init__(self, default: Any):
        self.default = default

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The schema of the field with its default, for pydantic."""
        return core_schema.with_default_schema(handler(source), default=self.default, on_error="default")


def where(is_right: Callable[[Any], bool]) -> AfterValidator:
    """Marks a field whose value must also satisfy `is_right`."""

    def check(value: Any) -> Any:
        if not is_right(value):
            raise ValueError("its parts do not fit together")
        return value

    return AfterValidator(check)


def only(form: type) -> AfterValidator:
    """Marks a TypedDict that is reduced to its declared fields."""
    return AfterValidator(lambda value: {name: value[name] for name in form.__annotations__ if name in value})


class Card(BaseModel):
    """Fields of all cards: kind of network, constructor `arguments`, training `data` and number of `parameters`.

    The card of a family adds its own fields. Fields marked with `Else` are claims about the network and fall back to their
    default; all others define the network and are required. Malformed entries of lists are dropped. `data` always has
    `corpus`, `source` and `licence`.
    """

    model_config = ConfigDict(strict=True, extra="allow")

    kind: AnyText
    arguments: dict[str, Any]
    data: Annotated[dict[str, OnErrorOmit[AnyText | bool | Integer]], AfterValidator(lambda data: UNKNOWN | data), Else(UNKNOWN)]
    parameters: Annotated[Index, Else(0)]
    recipe: Annotated[dict[str, Any], Else({})] = Field(default_factory=dict)
    curve: Annotated[list[OnErrorOmit[dict[AnyText, Number]]], Else([])] = Field(default_factory=list)

    @classmethod
    def checked(cls, card: dict[str, Any]) -> dict[str, Any] | None:
        """The card with every field of this class validated and all others unchanged; None if a required field is malformed."""
        try:
            return card | dict(cls.model_validate({name: card[name] for name in cls.model_fields if name in card}))
        except ValidationError:
            return None

    @classmethod
    def of_module(cls, card: dict[str, Any], module: Any) -> dict[str, Any] | None:
        """The card of an untrusted file: its definition, with the size counted from the network itself, and no claims about it."""
        is_claim = {name: any(isinstance(mark, Else) for mark in field.metadata) for name, field in cls.model_fields.items()}
        own = {name: card.get(name) for name in cls.model_fields if not is_claim[name]}
        return cls.checked(own | {"parameters": sum(weights.numel() for weights in module.parameters())})


def check_labels(card: dict[str, Any]) -> None:
    """Checks that the card of a classifier names each class of its network once.

    Raises:
        ValueError: it does not; the message completes a sentence about the card.
    """
    labels, arguments = card.get("labels"), card.get("arguments")
    named = labels if isinstance(labels, list) and all(isinstance(label, str) and label for label in labels) else []
    if not named or len(set(named)) != len(named) or not isinstance(arguments, dict) or arguments.get("classes") != len(named):
        raise ValueError("does not name each class of its classifier once. It is damaged.")
