"""Visible signs for characters, and names for those that cannot be seen."""

import unicodedata

_SIGNS = {" ": "·", "\n": "⏎", "\r": "␍", "\t": "→", "\x7f": "␡", "\u00a0": "⍽", "\u202f": "⍽", "\u00ad": "‐"}
_NAMES = {" ": "space", "\n": "newline", "\r": "carriage return", "\t": "tab", "\x7f": "delete", "": "nothing"}
_CIRCLE, _BOX = "\u25cc", "\u25a1"  # what carries a mark that stands on other characters; what cannot be drawn


def sign(token: str) -> str:
    """What is drawn for a token: itself, or a sign that takes its place. Never white space, never a line break.

    Space becomes a middle dot, newline a return sign, tab an arrow, control characters their pictures; a combining mark
    stands on a dotted circle, so that it cannot join its neighbour; what has no shape of its own becomes a box.
    """
    if token in _SIGNS:
        return _SIGNS[token]
    if len(token) != 1:
        return token if token.isprintable() and token else _BOX
    if ord(token) < 32:
        return chr(0x2400 + ord(token))
    kind = unicodedata.category(token)
    if kind in ("Mn", "Me", "Mc"):
        return _CIRCLE + token
    return _BOX if kind in ("Cf", "Cs", "Co", "Cn", "Cc", "Zl", "Zp", "Zs") else token


def name(token: str) -> str:
    """A name for a token that cannot be seen or read aloud, "" for letters, digits and multi-character tokens."""
    if token in _NAMES:
        return _NAMES[token]
    if len(token) != 1 or (token.isalnum() and token.isascii()):
        return ""
    if ord(token) < 32:
        return f"control character {ord(token)}"
    return unicodedata.name(token, f"U+{ord(token):04X}").lower()
