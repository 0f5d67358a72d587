"""What the instrument measures of character networks: their units, how far gradients reach, and how well they close brackets."""

from typing import Any


def __getattr__(name: str) -> Any:
    if name != "MEASUREMENTS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from models.char_lm.experiments import gap, gradients, units  # when asked for: they bring in torch, which a page may not need

    return {"units": units.measure, "gradients": gradients.measure, "gap": gap.measure}
