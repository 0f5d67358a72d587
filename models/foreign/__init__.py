"""The family of networks of others: weights without a card, in which layers, embedding and output are found by name and shape."""

from typing import Any

from models.family import Family, handed_on

PARTS: dict[str, Any] = {
    "network": "models.foreign.network:FoundNetwork",
    "vocabulary": "models.foreign.vocabulary:FoundVocabulary",
    "card": "models.char_lm.card:Card",
}
# A network that predicts no next character: an encoder, a tagger, one that reads in both directions; or one of words.
READER = Family(kind="found_reader", emits=frozenset({"trace", "any_text"}), **PARTS)
FAMILY = Family(
    kind="found",
    emits=frozenset({"trace", "any_text", "next_token"}),
    commands="models.foreign.commands",
    needs=(READER,),
    **PARTS,
)

__getattr__ = handed_on(__name__, {"opening": ("Assumptions", "Opened", "as_checkpoint", "fitting", "network_of", "open_file")})
