"""Tap: an identity module that makes a value inside a model's forward recordable under a name."""

from torch import Tensor, nn

from explorer.errors import RecordingError

AXES = ("batch", "head", "out", "in", "time", "unit")


class Tap(nn.Module):
    """Identity module: returns its input, and a recording can read it under a name.

    It has no weights and does not appear in `state_dict`, so taps can be added to a model whose checkpoints exist already.
    Taps named `hidden`, `cell` or after a gate under one parent form a path of their own; attention weights are read with
    `Recording.alignment`.

    Args:
        name: What passes here: "hidden", "cell", "input", "forget", "candidate", "output", "reset", "update" or any word.
        axes: Names of the axes in order, such as "batch in", "batch head out in" or "batch time unit", where the shape leaves
            several readings.

    Raises:
        RecordingError: the name is empty, or an axis is unknown or named twice.
    """

    def __init__(self, name: str, axes: str | None = None):
        super().__init__()
        if not name.strip():
            raise RecordingError("A Tap needs a name, such as 'attention' or 'forget'; got an empty one.")
        words = axes.split() if axes is not None else ["in"]
        if not words or len(set(words)) != len(words) or not set(words) <= set(AXES):
            raise RecordingError(f"Tap({name!r}) has axes {axes!r}; expected different words out of {', '.join(AXES)}, such as 'batch in'.")
        self.name, self.axes = name, axes

    def forward(self, value: Tensor) -> Tensor:
        return value

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return repr(self.name) if self.axes is None else f"{self.name!r}, axes={self.axes!r}"
