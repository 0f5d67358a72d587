"""What the pages believe of a checkpoint's card, by the schema of its family."""

from pkgutil import resolve_name
from typing import Any

SCHEMAS = {
    "char_lm": "models.char_lm.card:Card",
    "seq2seq": "models.translation.card:Card",
    "classifier": "models.names.card:Card",
    "captioner": "models.captioning.card:Card",
    "scenes": "models.scenes.card:Card",
}


def believed(card: dict[str, Any]) -> dict[str, Any] | None:
    """The card with every field that pages read in its right form; None where the network cannot be shown."""
    schema = SCHEMAS.get(card["kind"])
    return resolve_name(schema).checked(card) if schema else None


def of_module(card: dict[str, Any], module: Any) -> dict[str, Any] | None:
    """The card of a file nobody vouches for: its size read off the network itself; claims about it are left out."""
    return resolve_name(SCHEMAS[card["kind"]]).of_module(card, module)
