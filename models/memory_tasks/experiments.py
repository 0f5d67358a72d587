"""Training of small networks on memory tasks, with measurements during training. Importing this module does not import torch."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from explorer.analysis.training_curve import Course, Look, by_lag
from models.measurement import Measured, Report, Subject

if TYPE_CHECKING:
    from models.memory_tasks.network import Setup
    from models.training import Job, Recipe

PROBES = 5  # sequences whose gradients are measured
Every = Callable[[int, int], None]


@dataclass(frozen=True)
class Options:
    """Options of this measurement."""

    task: Annotated[str, "Task: temporal order, adding or copying."] = "temporal order"
    lengths: Annotated[list[int], "Sequence length in steps; can be repeated."] = field(default_factory=lambda: [20, 40])
    kinds: Annotated[list[str], "Kind of network: rnn, gru or lstm; can be repeated."] = field(
        default_factory=lambda: ["rnn", "gru", "lstm"]
    )
    seeds: Annotated[list[int], "Random seed; can be repeated."] = field(default_factory=lambda: [1, 2, 3])
    units: Annotated[int, "Number of units."] = 32
    updates: Annotated[int, "Number of updates."] = 1000
    studies: Annotated[bool, "Also measure length generalisation and truncated backpropagation."] = False
    file: Annotated[Path | None, "JSON file to write the result to; default: print only."] = None


def learning(subject: Subject, options: Options, report: Report) -> Measured:
    """Measure accuracy and time of the trainings of the Gradient flow page, one after another with one thread.

    `seconds` are CPU time, because wall time depends on other processes. `reached` is the share of the gradient that arrives at
    the step to be remembered, before and after training.
    """
    from models.memory_tasks.network import Setup

    setups = [
        Setup(options.task, kind, length, options.units, options.updates, seed=seed)
        for length in options.lengths
        for kind in options.kinds
        for seed in options.seeds
    ]
    rows, studies = [], {}
    for setup in setups:
        rows.append(training_row(setup))
        report(json.dumps(rows[-1]))
    for seed in options.seeds if options.studies else []:
        studies[seed] = studied(seed)
        report(json.dumps({seed: studies[seed]}))
    measured = {"trainings": rows, "studies": studies}
    lines = [*map(json.dumps, rows), *(json.dumps({seed: study}) for seed, study in studies.items())]
    return Measured(measured, tuple(lines), files={options.file: json.dumps(measured) + "\n"} if options.file else {})


def training_row(setup: "Setup") -> dict[str, Any]:
    """Accuracy and time of one training."""
    courses: list[Course] = []
    started = time.process_time()
    train(setup, setup.kind, courses.append, lambda done, total: None)
    first, last = courses[-1].looks[0], courses[-1].looks[-1]
    lag, chance = setup.what.reach(setup.length), setup.what.chance(setup.length)
    row = {name: getattr(setup, name) for name in ("task", "length", "kind", "units", "updates", "seed")}
    row |= {"accuracy": round(last.accuracy, 4), "chance": round(chance.accuracy, 4)}
    row |= {"loss": round(last.loss, 5), "chance_loss": round(chance.loss, 4)}
    row |= {"reached": [round(float(look.gradient_log10[lag]), 2) for look in (first, last)]}
    return row | {"seconds": round(time.process_time() - started, 1)}


def studied(seed: int) -> dict[str, dict[str, Any]]:
    """Both studies for one seed: accuracy by length and by distance, and the time of each in seconds."""
    results: dict[str, dict[str, Any]] = {}
    for name, study in (("lengths", lengths), ("windows", lambda *given: windows("lstm", 10, *given))):
        curves: dict[str, list[float]] = {}
        started = time.process_time()
        study(seed, curves.__setitem__)(lambda done, total: None)
        results[name] = {line: [round(accuracy, 4) for accuracy in accuracies] for line, accuracies in curves.items()}
        results[name]["seconds"] = round(time.process_time() - started, 1)
    return results


def look(module: Any, setup: "Setup", update: int) -> Look:
    """Current accuracy of a network, and how far back its gradient reaches."""
    import explorer
    from models.memory_tasks.network import held_out, scores

    x, wanted = held_out(setup, PROBES)
    with explorer.record(module, gradients=True) as recording:
        out, _ = module(x)
    # Summing over sequences still gives each its own gradient, because they only share the weights.
    cost = setup.what.costs(out[:, -wanted.shape[1] :], wanted)[:, -1].sum()
    steps = tuple(str(step) for step in range(setup.length))
    flows = [explorer.gradient_flow(recording, cost, steps, index=row) for row in range(PROBES)]
    return Look(update, *scores(module, setup), by_lag(flows))


def train(setup: "Setup", name: str, report: Callable[[Course], None], every: Every) -> None:
    """Trains a network and measures it as often as `setup` says, including before the first update.

    Args:
        setup: Task, network and length of training.
        name: Name of its curve.
        report: Called with the course at each measurement.
        every: Called with (done, total) after each update; any exception from it ends the training.
    """
    from models.checkpoint import one_thread
    from models.memory_tasks.network import job, recipe
    from models.training import Trainer

    one_thread()
    course, spent, started = Course(name), 0.0, time.monotonic()

    def score(module: Any) -> float:
        nonlocal course
        state = look(module.eval(), setup, trainer.update)
        course = replace(course.seen(state), seconds=spent + time.monotonic() - started)
        report(course)
        return state.loss

    def step(done: int, total: int) -> None:
        nonlocal spent, started
        spent += time.monotonic() - started
        every(done, total)
        started = time.monotonic()  # pauses are not counted

    trainer = Trainer(job(setup, score), recipe(setup), None)
    score(trainer.job.module)
    trainer.run(step)


def in_turn(trainings: Sequence[tuple["Setup", str, Callable[[Course], None]]]) -> Callable[[Every], None]:
    """A job that trains several networks in turn, given the setup, curve name and report callback of each."""

    def work(every: Every) -> None:
        before, total = 0, sum(setup.updates for setup, _, _ in trainings)
        for setup, name, report in trainings:
            train(setup, name, report, _counted(every, before, total))
            before += setup.updates

    return work


def lengths(seed: int, report: Callable[[str, list[float]], None], updates: int | None = None) -> Callable[[Every], None]:
    """A job that trains the three networks of models.memory_tasks.length_generalisation and reports the accuracy by length of each."""

    def work(every: Every) -> None:
        from models.memory_tasks import length_generalisation as about

        many = updates or about.UPDATES
        for index, name in enumerate(about.NETWORKS):
            job, recipe = about.job(name, seed, many)
            _trained(job, recipe, _counted(every, index * many, many * len(about.NETWORKS)))
            report(name, about.accuracy(job.module))

    return work


CARRIED = {"state carried over": True, "state reset to zero": False}


def windows(
    kind: str, window: int, seed: int, report: Callable[[str, list[float]], None], updates: int | None = None
) -> Callable[[Every], None]:
    """A job that trains two networks in windows, see models.memory_tasks.truncated_bptt, and reports the accuracy by distance of each."""

    def work(every: Every) -> None:
        from models.memory_tasks import truncated_bptt as about

        many = updates or about.UPDATES
        for index, (name, is_carried) in enumerate(CARRIED.items()):
            job, recipe = about.job(kind, window, is_carried, seed, many)
            _trained(job, recipe, _counted(every, index * many, many * len(CARRIED)))
            report(name, about.accuracy(job.module, window, is_carried))

    return work


def _counted(every: Every, before: int, total: int) -> Every:
    """Progress of one training as part of the progress of several."""
    return lambda done, _: every(before + done, total)


def _trained(job: "Job", recipe: "Recipe", every: Every) -> None:
    from models.checkpoint import one_thread
    from models.training import Trainer

    one_thread()
    Trainer(job, recipe, None).run(every)
    job.module.eval()


MEASUREMENTS = {
    "learning": "models.memory_tasks.experiments:learning",
    "parameters": "models.memory_tasks.parameter_match:compared",
}
