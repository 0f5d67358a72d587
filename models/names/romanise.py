"""Normalisation of names for a network: romanised to lower-case Latin letters."""

import re
import unicodedata
from typing import Any

from anyascii import anyascii

from models.names import FAMILY

AS_SPOKEN = {"ού": "ou", "ου": "ou", "ու": "u"}  # Greek and Armenian u, two letters that anyascii romanises one by one


def spelling(text: str) -> str:
    """A name as networks read it: lower-case Latin letters, single spaces and hyphens; other letters are romanised, the rest removed.

    Apostrophes are removed too: in romanised names they mostly represent a soft sign or an aspiration, and reveal the script.
    """
    text = text.lower()
    if not text.isascii():
        for written, spoken in AS_SPOKEN.items():
            text = text.replace(written, spoken)
        text = "".join(sign for sign in text if _is_spoken(sign))
    return re.sub(" +", " ", re.sub("[^a-z -]", "", re.sub(r"\s", " ", anyascii(text).lower()))).strip(" -")


def is_of_names(card: dict[str, Any]) -> bool:
    """Whether a classifier reads romanised names, as those of this family do; others read a text as it is."""
    return card.get("kind", FAMILY.kind) == FAMILY.kind


def left_out(text: str) -> str:
    """The distinct characters of a name that `spelling` removes: digits, emoji and other symbols."""
    return "".join(sign for sign in dict.fromkeys(text) if unicodedata.category(sign)[0] in "NSP" and not _is_spoken(sign))


def _is_spoken(sign: str) -> bool:
    """Whether a character is a letter or occurs with letters. All others are romanised to their name: an emoji to a word."""
    kind = unicodedata.category(sign)
    return sign.isspace() or kind[0] in "LM" or kind == "Pd"  # letters, marks on letters, dashes
