"""What a text about a figure must hold, however it is worded."""

import re


def says(text: str, *facts: str) -> bool:
    """Whether one sentence of a text holds these names and numbers, whole and in this order; the words between them are free."""
    whole = [rf"(?<![\w.−-]){re.escape(fact)}(?!\w|\.\d)" for fact in facts]
    return re.search(r"(?:(?!\. )[\s\S])*?".join(whole), text) is not None
