"""The family of networks of others: weights without a card, in which layers, embedding and output are found by name and shape."""

from models.family import Family, handed_on

FAMILY = Family(
    kind="found",
    network="models.foreign.network:FoundNetwork",
    vocabulary="models.foreign.vocabulary:FoundVocabulary",
    card="models.char_lm.card:Card",
    emits=frozenset({"trace", "next_token"}),
    commands="models.foreign.commands",
)

__getattr__ = handed_on(__name__, {"opening": ("Assumptions", "Opened", "as_checkpoint", "fitting", "network_of", "open_file")})
