"""What a reader gets of a checkpoint's card: whatever stands in a file may be missing or of the wrong form."""

import sys
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, OnErrorOmit, ValidationError
from pydantic_core import CoreSchema, core_schema

UNKNOWN = {"corpus": "", "source": "a text its card does not name", "licence": "unknown"}
LARGEST = int(sys.float_info.max)  # a larger whole number cannot be formatted like a float
Number = bool | Annotated[int, Field(ge=-LARGEST, le=LARGEST)] | float  # kept as it is written; may be nan


def _unicode(text: str) -> str:
    """The text, if it can be shown and saved: half a surrogate pair, which JSON can hold, raises UnicodeEncodeError."""
    text.encode("utf-8")
    return text


AnyText = Annotated[str, AfterValidator(_unicode)]
Text = Annotated[AnyText, Field(min_length=1)]
Index = Annotated[int, Field(ge=0)]


class Else:
    """Marks a field that does not refuse the whole card: where it is missing or of the wrong form, a reader gets `default`."""

    def __init__(self, default: Any):
        self.default = default

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The schema of the field with its default, for pydantic."""
        return core_schema.with_default_schema(handler(source), default=self.default, on_error="default")


def where(is_right: Callable[[Any], bool]) -> AfterValidator:
    """Marks a form that is right only where `is_right` says so of a value that has it."""

    def check(value: Any) -> Any:
        if not is_right(value):
            raise ValueError("its parts do not fit together")
        return value

    return AfterValidator(check)


def only(form: type) -> AfterValidator:
    """Marks a TypedDict of which a reader gets the declared fields alone."""
    return AfterValidator(lambda value: {name: value[name] for name in form.__annotations__ if name in value})


class Card(BaseModel):
    """What every card has: the kind of network, its constructor's `arguments`, its training `data`, its count of `parameters`.

    A family's card adds its own fields. A field marked with `Else` is a claim about the network and falls back to its
    default; the others say what the network is, and without them it cannot be shown. Broken entries of lists are dropped.
    `data` always has `corpus`, `source` and `licence`.
    """

    model_config = ConfigDict(strict=True, extra="allow")

    kind: AnyText
    arguments: dict[str, Any]
    data: Annotated[dict[str, OnErrorOmit[AnyText | bool | int]], AfterValidator(lambda data: UNKNOWN | data), Else(UNKNOWN)]
    parameters: Annotated[int, Else(0)]

    @classmethod
    def checked(cls, card: dict[str, Any]) -> dict[str, Any] | None:
        """The card with every field of this class in its right form, others as they are; None where the network cannot be shown."""
        try:
            return card | dict(cls.model_validate({name: card[name] for name in cls.model_fields if name in card}))
        except ValidationError:
            return None

    @classmethod
    def of_module(cls, card: dict[str, Any], module: Any) -> dict[str, Any] | None:
        """The card of a file nobody vouches for: what the network is, its size counted; claims about it are left out."""
        is_claim = {name: any(isinstance(mark, Else) for mark in field.metadata) for name, field in cls.model_fields.items()}
        own = {name: card.get(name) for name in cls.model_fields if not is_claim[name]}
        return cls.checked(own | {"parameters": sum(weights.numel() for weights in module.parameters())})
