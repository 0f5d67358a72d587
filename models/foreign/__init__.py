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
OF_CLASSIFIER: dict[str, Any] = {
    "network": "models.foreign.network:FoundClassifier",
    "card": "models.foreign.card:ClassifierCard",
    "check": "models.card:check_labels",
}
CLASSIFIER = Family(kind="found_classifier", emits=frozenset({"trace", "any_text", "class_probabilities"}), **(PARTS | OF_CLASSIFIER))
FAMILY = Family(
    kind="found",
    emits=frozenset({"trace", "any_text", "next_token"}),
    commands="models.foreign.commands",
    needs=(READER, CLASSIFIER),
    **PARTS,
)

__getattr__ = handed_on(__name__, {"opening": ("Assumptions", "Opened", "as_checkpoint", "fitting", "network_of", "open_file")})
