"""Closing brackets and other closing marks of a text, each with the distance to its opening mark."""

from dataclasses import dataclass

PAIRS = (("[[", "]]"), ("{{", "}}"), ("/*", "*/"), ("(", ")"), ("{", "}"))


@dataclass(frozen=True)
class Closing:
    """A closing mark.

    Args:
        at: Place of its first character.
        opened: Place of the first character of its opener.
        opener, mark: What they are.
    """

    at: int
    opened: int
    opener: str
    mark: str

    @property
    def distance(self) -> int:
        """Characters from the opener to it."""
        return self.at - self.opened


def closings(text: str, opener: str, mark: str) -> list[Closing]:
    """The closing marks of one kind in a text, first to last, each with the innermost opener that is still open there.

    Args:
        text: What to search.
        opener, mark: One of PAIRS, or another pair of different marks.
    """
    closed, still_open, at = [], [], 0
    while at < len(text):
        if text.startswith(opener, at):
            still_open.append(at)
            at += len(opener)
        elif text.startswith(mark, at):
            if still_open:
                closed.append(Closing(at, still_open.pop(), opener, mark))
            at += len(mark)
        else:
            at += 1
    return closed
