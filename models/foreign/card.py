"""Schema of the card of a network found in a file of somebody's own."""

from models.char_lm.card import Card as CharCard


class Card(CharCard):
    """The card of a network that predicts the next token: size and tokens, without scores."""
