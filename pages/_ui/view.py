"""What is looked at on a page, as one frozen value."""

from dataclasses import dataclass, replace
from typing import Any, Self


@dataclass(frozen=True)
class PageView:
    """What is looked at: enough to compute every picture of a page, and all that a link restores; each page adds the fields."""

    def of(self, **changes: Any) -> Self:
        """The same view with some of it changed."""
        return replace(self, **changes)
