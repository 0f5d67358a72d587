"""What the pages believe of a checkpoint's card, by the schema of its family."""

from typing import Any

from models.family import named, of_kind


def believed(card: dict[str, Any]) -> dict[str, Any] | None:
    """The card with every field that pages read in its right form; None where the network cannot be shown."""
    schema = of_kind(card["kind"]).card
    return named(schema).checked(card) if schema else None


def of_module(card: dict[str, Any], module: Any) -> dict[str, Any] | None:
    """The card of a file nobody vouches for: its size read off the network itself; claims about it are left out."""
    return named(of_kind(card["kind"]).card).of_module(card, module)
