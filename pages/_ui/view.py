"""What is looked at on a page, as one frozen value."""

from dataclasses import dataclass, replace
from typing import Any, Self


@dataclass(frozen=True)
class PageView:
    """What is looked at: enough to compute every picture of a page, and all that a link restores; each page adds the fields."""

    def of(self, **changes: Any) -> Self:
        """The same view with some of it changed."""
        return replace(self, **changes)


@dataclass(frozen=True)
class TextView(PageView):
    """What is looked at where a character network reads a text.

    Args:
        model: Name of a checkpoint.
        text: What it reads.
        warm_up: What it reads before, unseen.
    """

    model: str
    text: str
    warm_up: str = ""

    @property
    def reads(self) -> tuple[str, str, str]:
        """Network, text and warm-up: what decides every state and every cost."""
        return self.model, self.text, self.warm_up
