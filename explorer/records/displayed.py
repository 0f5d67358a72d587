"""What all records share: how they are displayed, and the wording of their sentences."""

import importlib
from typing import Any

from explorer.errors import RecordError


class Displayed:
    """What records share: as the last line of a notebook cell they draw themselves, and printed they are three lines."""

    def __repr__(self) -> str:
        return f"<{str(self).splitlines()[0]}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """What a notebook displays: the figure of `explorer.show`, or the three lines where it cannot be drawn."""
        # By name: records know nothing of figures, which are loaded only when a notebook asks.
        return importlib.import_module("explorer.figures.notebook").bundle_of(self)


def shape_error(name: str, got: tuple, expected: str, why: str) -> RecordError:
    """The error for an array of another shape than expected: what was given, what was expected, and why."""
    return RecordError(f"{name} has shape {got}; expected {expected} because {why}.")


def there_are(count: int, noun: str) -> str:
    """A number of things as a clause: "there is 1 token", "there are 3 tokens"."""
    return f"there is 1 {noun}" if count == 1 else f"there are {count} {noun}s"


def plural(count: int, noun: str) -> str:
    """A number of things: "1 token", "1,200 tokens", "2 classes"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}{'es' if noun.endswith('s') else 's'}"


def quoted(tokens: tuple[str, ...], longest: int = 40) -> str:
    """The beginning of a text in quotation marks."""
    text = ("" if all(len(token) == 1 for token in tokens) else " ").join(tokens[:longest])
    return repr(text if len(text) <= longest and len(tokens) <= longest else text[: longest - 3] + "...")
