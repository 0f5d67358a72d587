"""Cards of checkpoints, checked against the schema of their family."""

from typing import Any

from models.family import named, of_kind


def believed(card: dict[str, Any]) -> dict[str, Any] | None:
    """The card, with every field that pages read in a valid form; None if the network cannot be shown."""
    schema = of_kind(card["kind"]).card
    return named(schema).checked(card) if schema else None


def of_module(card: dict[str, Any], module: Any) -> dict[str, Any] | None:
    """The card of an uploaded file: its size is read from the network itself, and its claims are left out."""
    return named(of_kind(card["kind"]).card).of_module(card, module)
