"""Equal parameters: whether an LSTM is ahead of a plain RNN because it has more of them, tested on a memory task.

An LSTM has four times as many recurrent weights as an RNN with as many units. Beside these two a wider RNN is trained that has as
many parameters as the LSTM. All three get the same sequences, the same number of training steps, and the best of the same learning rates.

Importing this module does not import torch.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

from models.measurement import Measured, Report, Subject

if TYPE_CHECKING:
    from models.memory_tasks.network import Setup

CLOSE = 0.1  # a smaller difference of mean accuracies is called no difference


@dataclass(frozen=True)
class Options:
    """Options of this measurement."""

    task: Annotated[str, "Task: temporal order, adding or copying."] = "temporal order"
    lengths: Annotated[list[int], "Sequence length in steps; can be repeated."] = field(default_factory=lambda: [20, 30, 40])
    seeds: Annotated[list[int], "Random seed; can be repeated."] = field(default_factory=lambda: [1, 2, 3, 4, 5])
    rates: Annotated[list[float], "Learning rate to try; each network gets the best one at each length; can be repeated."] = field(
        default_factory=lambda: [1e-3, 3e-3]
    )
    units: Annotated[int, "Number of units of the LSTM and of the smaller RNN."] = 32
    updates: Annotated[int, "Number of updates."] = 1000
    file: Annotated[Path | None, "JSON file to write the result to; default: print only."] = None


@dataclass(frozen=True)
class Reached:
    """What one network reached at one length.

    Args:
        kind, units, parameters: Of the network.
        length: Of the sequences, in steps.
        rate: The best learning rate.
        accuracy: For each seed.
    """

    kind: str
    units: int
    parameters: int
    length: int
    rate: float
    accuracy: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean accuracy over the seeds."""
        return fmean(self.accuracy)


@dataclass(frozen=True)
class Answer:
    """What the three networks reached at the longest length.

    Args:
        lstm: The LSTM.
        wide: The RNN with as many parameters.
        small: The RNN with as many units.
    """

    lstm: Reached
    wide: Reached
    small: Reached

    @property
    def is_ahead(self) -> bool:
        """Whether the LSTM is ahead of the RNN with as many parameters."""
        return self.lstm.mean - self.wide.mean >= CLOSE

    @property
    def is_behind(self) -> bool:
        """Whether the RNN with as many parameters is ahead of the LSTM."""
        return self.wide.mean - self.lstm.mean >= CLOSE


def reached(measured: Mapping[str, Any]) -> list[Reached]:
    """The rows of a measurement, in the order in which they were measured."""
    names = ("kind", "units", "parameters", "length", "rate")
    return [Reached(**{name: row[name] for name in names}, accuracy=tuple(row["accuracy"])) for row in measured["rows"]]


def answer(rows: Sequence[Reached]) -> Answer:
    """The networks of the longest length side by side."""
    longest = [row for row in rows if row.length == max(row.length for row in rows)]
    small, wide = sorted((row for row in longest if row.kind == "rnn"), key=lambda row: row.units)
    return Answer(next(row for row in longest if row.kind == "lstm"), wide, small)


def compared(subject: Subject, options: Options, report: Report) -> Measured:
    """Measure the accuracy of an LSTM, of an RNN with as many units, and of an RNN with as many parameters, for several seeds."""
    from models.memory_tasks.network import Setup, matched, parameters

    lstm = Setup(options.task, "lstm", min(options.lengths), options.units, options.updates)
    rows = []
    for setup in (replace(lstm, kind="rnn"), matched(lstm), lstm):
        about = {"kind": setup.kind, "units": setup.units, "parameters": parameters(setup)}
        for length in options.lengths:
            rows.append(about | {"length": length} | best_rate(replace(setup, length=length), options))
            report(json.dumps(rows[-1]))
    chance = lstm.what.chance(lstm.length).accuracy
    measured = {"task": options.task, "updates": options.updates, "seeds": options.seeds, "chance": chance, "rows": rows}
    return Measured(measured, tuple(map(json.dumps, rows)), files={options.file: json.dumps(measured) + "\n"} if options.file else {})


def best_rate(setup: "Setup", options: Options) -> dict[str, Any]:
    """Accuracy of each seed with the learning rate whose mean accuracy is the highest, and that mean for every rate."""
    tried = {rate: [accuracy(replace(setup, seed=seed), rate) for seed in options.seeds] for rate in options.rates}
    best = max(tried, key=lambda rate: fmean(tried[rate]))
    return {"rate": best, "accuracy": tried[best], "mean_by_rate": {f"{rate:g}": round(fmean(of), 4) for rate, of in tried.items()}}


def accuracy(setup: "Setup", rate: float) -> float:
    """Accuracy on held-out sequences after training with a peak learning rate."""
    from models.checkpoint import one_thread
    from models.memory_tasks.network import job, recipe, scores
    from models.training import Trainer

    one_thread()
    training = job(setup, lambda module: 0.0)  # nothing is chosen by a score: the network at the end counts
    Trainer(training, replace(recipe(setup), learning_rate=rate, checks=1), None).run()
    return round(scores(training.module.eval(), setup)[1], 4)
