"""States of calls in which an intervention changed states or gates on the way: taken from the calls, which nothing can replay."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from explorer.errors import RecordingError
from explorer.recording.calls import Reading, directions
from explorer.recording.replay import States

NOT_ALL = "Some calls of '{path}' ran with an intervention and others without. Choose those of one kind with calls=."


def ran(reading: Reading, chosen: Sequence[int]) -> tuple[States, np.ndarray]:
    """States [layer, time, unit] of some layers of one direction, and whether each step got the state of the one before, bool [time].

    Raises:
        RecordingError: some calls were changed and others not.
    """
    runs = [call.ran for call in reading.calls]
    if any(run is None for run in runs):
        raise RecordingError(NOT_ALL.format(path=reading.name))
    where = [layer * directions(reading.module) + reading.reverse for layer in chosen]
    rows = [(run, row) for run, row in zip(runs, reading.rows, strict=True) if run is not None]

    def of(values: list[list[Tensor]]) -> Tensor:
        """[layer, time, unit] from one list for each layer of the steps of each call, [time, unit]."""
        return torch.stack([torch.cat(of_layer) for of_layer in values]).float()

    states = [
        of([[run.states[at][part][: run.time(row), row] for run, row in rows] for at in where]) for part in range(_parts(rows, where))
    ]
    names = rows[0][0].gates[where[0]]
    gates = {name: of([[run.gates[at][name][: run.time(row), row] for run, row in rows] for at in where]) for name in names}
    first, row = rows[-1 if reading.reverse else 0]
    initial = tuple(torch.stack([first.initial[at][part][row].float().cpu() for at in where]) for part in range(len(states)))
    carried = reading.carried.copy()
    start = 0
    for run, row in rows:
        changed, stop = run.changed[where[0]][: run.time(row)], start + run.time(row)
        for layer in where[1:]:
            changed = changed | run.changed[layer][: run.time(row)]
        later = slice(start, stop - 1) if reading.reverse else slice(start + 1, stop + 1)
        source = changed[1:] if reading.reverse else changed
        carried[later] &= ~source[: len(carried[later])]
        start = stop
    return States(states[0], states[1] if len(states) > 1 else None, _without(gates, "relu", reading), initial), carried


def _parts(rows: Sequence, where: Sequence[int]) -> int:
    return len(rows[0][0].states[where[0]])


def _without(gates: dict[str, Tensor], unnamed: str, reading: Reading) -> dict[str, Tensor]:
    """The gates of a record: what a relu network proposes is none."""
    return {} if getattr(reading.module, "nonlinearity", "") == unnamed else gates
