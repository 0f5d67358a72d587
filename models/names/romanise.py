"""How a name is spelled for a network: in Latin small letters, whatever it was written in."""

import re
import unicodedata

from anyascii import anyascii

AS_SPOKEN = {"ού": "ou", "ου": "ou", "ու": "u"}  # two letters that anyascii takes one by one: Greek and Armenian u


def spelling(text: str) -> str:
    """A name as networks read it: Latin small letters, single blanks and hyphens; other letters are romanised, all else is left out.

    Apostrophes go too: in romanised names they mostly stand for a soft sign or an aspiration, and give the script away.
    """
    text = text.lower()
    if not text.isascii():
        for written, spoken in AS_SPOKEN.items():
            text = text.replace(written, spoken)
        text = "".join(sign for sign in text if _is_spoken(sign))
    return re.sub(" +", " ", re.sub("[^a-z -]", "", re.sub(r"\s", " ", anyascii(text).lower()))).strip(" -")


def left_out(text: str) -> str:
    """The signs of a name that are no letters, each once, as `spelling` leaves them out: digits, emoji, marks of all kinds."""
    return "".join(sign for sign in dict.fromkeys(text) if unicodedata.category(sign)[0] in "NSP" and not _is_spoken(sign))


def _is_spoken(sign: str) -> bool:
    """Whether a sign is a letter or stands with letters. The romanisation of all others is their name: an emoji's is a word."""
    kind = unicodedata.category(sign)
    return sign.isspace() or kind[0] in "LM" or kind == "Pd"  # letters, marks on letters, dashes
