"""What the instrument measures of translation networks: translations under edits, whether an attention is real, known attentions."""

from typing import Any


def __getattr__(name: str) -> Any:
    if name != "MEASUREMENTS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from models.translation.experiments import attention, references  # when asked for: a page needs neither

    return {"attention": attention.measure, "references": references.measure}
