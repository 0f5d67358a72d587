"""Equal parameters: whether an LSTM is ahead of a plain RNN because it has more of them, tested on a memory task.

An LSTM has four times as many recurrent weights as an RNN with as many units. Beside these two a wider RNN is trained that has as
many parameters as the LSTM. All three get the same sequences, the same number of training steps, and the best of the same learning rates.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any

from models.checkpoint import one_thread
from models.measurement import Measured, Report, Subject
from models.memory_tasks.network import Setup, job, matched, parameters, recipe, scores
from models.training import Trainer


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


def compared(subject: Subject, options: Options, report: Report) -> Measured:
    """Measure the accuracy of an LSTM, of an RNN with as many units, and of an RNN with as many parameters, for several seeds."""
    lstm = Setup(options.task, "lstm", min(options.lengths), options.units, options.updates)
    rows = []
    for setup in (replace(lstm, kind="rnn"), matched(lstm), lstm):
        row = {"kind": setup.kind, "units": setup.units, "parameters": parameters(setup)}
        for length in options.lengths:
            row |= {"length": length} | best_rate(replace(setup, length=length), options)
            rows.append(dict(row))
            report(json.dumps(rows[-1]))
    chance = lstm.what.chance(lstm.length).accuracy
    measured = {"task": options.task, "updates": options.updates, "seeds": options.seeds, "chance": chance, "rows": rows}
    return Measured(measured, tuple(map(json.dumps, rows)), files={options.file: json.dumps(measured) + "\n"} if options.file else {})


def best_rate(setup: Setup, options: Options) -> dict[str, Any]:
    """Accuracy of each seed with the learning rate whose mean accuracy is the highest, and that mean for every rate."""
    tried = {rate: [accuracy(replace(setup, seed=seed), rate) for seed in options.seeds] for rate in options.rates}
    best = max(tried, key=lambda rate: fmean(tried[rate]))
    return {"rate": best, "accuracy": tried[best], "mean_by_rate": {f"{rate:g}": round(fmean(of), 4) for rate, of in tried.items()}}


def accuracy(setup: Setup, rate: float) -> float:
    """Accuracy on held-out sequences after training with a peak learning rate."""
    one_thread()
    training = job(setup, lambda module: 0.0)  # nothing is chosen by a score: the network at the end counts
    Trainer(training, replace(recipe(setup), learning_rate=rate, checks=1), None).run()
    return round(scores(training.module.eval(), setup)[1], 4)
