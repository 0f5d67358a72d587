"""The view of a page: everything the visitor has chosen, as one frozen value."""

from dataclasses import dataclass, replace
from typing import Any, Self


@dataclass(frozen=True)
class PageView:
    """Everything needed to compute the figures of a page, and everything its link restores; each page adds its fields."""

    def of(self, **changes: Any) -> Self:
        """The same view with some fields changed."""
        return replace(self, **changes)


@dataclass(frozen=True)
class TextView(PageView):
    """The view of a page on which a character network reads a text.

    Args:
        model: Name of a checkpoint.
        text: The text it reads.
        warm_up: Text it reads first, not shown.
    """

    model: str
    text: str
    warm_up: str = ""

    @property
    def reads(self) -> tuple[str, str, str]:
        """Network, text and warm-up: they determine every state and every surprise."""
        return self.model, self.text, self.warm_up
