"""The attention of a module that is served to the app: the weights at its Taps, over what it read and what it wrote."""

from collections.abc import Sequence
from typing import Any

from explorer.errors import ExplorerError
from explorer.recording.record import Recording
from explorer.recording.taps import Heard

MOST = 40_000  # weights of one alignment


def attended(recording: Recording, tokens: Sequence[str], written: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The weights at each Tap that is named neither hidden, cell nor after a gate: name, source, target and weights, or the problem.

    Args:
        recording: Of one run.
        tokens: What was read, [in]; where a Tap has other columns, they are numbered.
        written: What the module wrote, [out], if it is known; else rows are named by the tokens where there are as many, or numbered.
    """
    return [_of_tap(recording, path, heard, tokens, written) for path, heard in recording.weight_taps.items()]


def _of_tap(recording: Recording, path: str, heard: Heard, tokens: Sequence[str], written: Sequence[str] | None) -> dict[str, Any]:
    if heard.refused or not heard.values:
        return {"name": path, "problem": heard.refused}
    rows, columns = _sizes(heard)
    if rows * columns > MOST:
        return {"name": path, "problem": f"It received {rows:,} x {columns:,} weights; at most {MOST:,} are drawn. Read a shorter text."}
    source, target = _names(columns, tokens), _names(rows, *(names for names in (written, tokens) if names is not None))
    try:
        weights = recording.alignment(source, target, path, head="mean" if _has_heads(heard) else None)
    except ExplorerError as error:
        return {"name": path, "problem": str(error)}
    return {"name": path, "source": list(source), "target": list(target), "weights": weights.weights.tolist()}


def _sizes(heard: Heard) -> tuple[int, int]:
    """Rows and columns of the weights, as the shapes say: [in] or [batch, in] for each step, or all steps at once before the last axis."""
    axes, first = (heard.tap.axes or "").split(), heard.values[0]
    columns = first.shape[axes.index("in") if "in" in axes else -1] if first.ndim else 0
    if axes:
        return sum(value.shape[axes.index("out")] if "out" in axes else 1 for value in heard.values), columns
    if first.ndim > 2:
        return sum(value.shape[-2] for value in heard.values), columns
    return first.shape[0] if first.ndim == 2 and len(heard.values) == 1 else len(heard.values), columns


def _has_heads(heard: Heard) -> bool:
    return "head" in (heard.tap.axes or "").split() or heard.values[0].ndim == 4


def _names(count: int, *choices: Sequence[str]) -> tuple[str, ...]:
    """The first of the lists that has so many names, or numbers from 1 on."""
    fitting = next((names for names in choices if len(names) == count), None)
    return tuple(map(str, range(1, count + 1) if fitting is None else fitting))
