"""Small networks trained live on tasks that need memory, and what is measured of them meanwhile. Importing this costs no torch."""

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

PROBES = 5  # sequences whose gradient is followed
Every = Callable[[int, int], None]


@dataclass(frozen=True)
class Options:
    """What may be chosen."""

    task: Annotated[str, "What is learnt: temporal order, adding or copying."] = "temporal order"
    lengths: Annotated[list[int], "Steps of a sequence, once for each length."] = field(default_factory=lambda: [20, 40])
    kinds: Annotated[list[str], "rnn, gru or lstm, once for each kind."] = field(default_factory=lambda: ["rnn", "gru", "lstm"])
    seeds: Annotated[list[int], "Of all chance, once for each seed."] = field(default_factory=lambda: [1, 2, 3])
    units: Annotated[int, "Of the one layer."] = 32
    updates: Annotated[int, "Of the weights."] = 1000
    studies: Annotated[bool, "Also measure why recurrence, and truncated backpropagation."] = False
    file: Annotated[Path | None, "Where the result goes as JSON; only printed if left out."] = None


def learning(subject: Subject, options: Options, report: Report) -> Measured:
    """Accuracy and seconds of the trainings that the page Gradient flow shows live, one after the other with one thread.

    `seconds` are of the processor: those on the clock depend on what else runs. `reached` is the share of the gradient that
    arrived at the step that is asked about, before training and after it.
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
    """One training: what it reached, and what it took."""
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
    """Both studies of a seed: accuracy by length and by distance, and the seconds of each."""
    results: dict[str, dict[str, Any]] = {}
    for name, study in (("lengths", lengths), ("windows", lambda *given: windows("lstm", 10, *given))):
        curves: dict[str, list[float]] = {}
        started = time.process_time()
        study(seed, curves.__setitem__)(lambda done, total: None)
        results[name] = {line: [round(accuracy, 4) for accuracy in accuracies] for line, accuracies in curves.items()}
        results[name]["seconds"] = round(time.process_time() - started, 1)
    return results


def look(module: Any, setup: "Setup", update: int) -> Look:
    """What a network can do now, and how far back its gradient reaches."""
    import explorer
    from models.memory_tasks.network import held_out, scores

    x, wanted = held_out(setup, PROBES)
    with explorer.record(module, gradients=True) as recording:
        out, _ = module(x)
    # The sum over sequences gives each its own gradient: they have nothing in common but the weights.
    cost = setup.what.costs(out[:, -wanted.shape[1] :], wanted)[:, -1].sum()
    steps = tuple(str(step) for step in range(setup.length))
    flows = [explorer.gradient_flow(recording, cost, steps, index=row) for row in range(PROBES)]
    return Look(update, *scores(module, setup), by_lag(flows))


def train(setup: "Setup", name: str, tell: Callable[[Course], None], every: Every) -> None:
    """Train a network, and look at it as often as `setup` says, before the first update too.

    Args:
        setup: What is trained. name: of its line.
        tell: Called with the course at each look.
        every: Called after each update with (done, total); what it raises ends the training.
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
        tell(course)
        return state.loss

    def step(done: int, total: int) -> None:
        nonlocal spent, started
        spent += time.monotonic() - started
        every(done, total)
        started = time.monotonic()  # what a pause took is not counted

    trainer = Trainer(job(setup, score), recipe(setup), None)
    score(trainer.job.module)
    trainer.run(step)


def in_turn(trainings: Sequence[tuple["Setup", str, Callable[[Course], None]]]) -> Callable[[Every], None]:
    """A work that trains several networks one after the other: what is trained, the name of its line, who is told of its course."""

    def work(every: Every) -> None:
        before, total = 0, sum(setup.updates for setup, _, _ in trainings)
        for setup, name, tell in trainings:
            train(setup, name, tell, _counted(every, before, total))
            before += setup.updates

    return work


def lengths(seed: int, tell: Callable[[str, list[float]], None], updates: int | None = None) -> Callable[[Every], None]:
    """A work that trains the three networks of models.memory_tasks.length_generalisation and tells each one's accuracy by length."""

    def work(every: Every) -> None:
        from models.memory_tasks import length_generalisation as about

        many = updates or about.UPDATES
        for index, name in enumerate(about.NETWORKS):
            job, recipe = about.job(name, seed, many)
            _trained(job, recipe, _counted(every, index * many, many * len(about.NETWORKS)))
            tell(name, about.accuracy(job.module))

    return work


CARRIED = {"state carried over": True, "state reset to zero": False}


def windows(
    kind: str, window: int, seed: int, tell: Callable[[str, list[float]], None], updates: int | None = None
) -> Callable[[Every], None]:
    """A work that trains two networks in windows, see models.memory_tasks.truncated_bptt, and tells each one's accuracy by distance."""

    def work(every: Every) -> None:
        from models.memory_tasks import truncated_bptt as about

        many = updates or about.UPDATES
        for index, (name, is_carried) in enumerate(CARRIED.items()):
            job, recipe = about.job(kind, window, is_carried, seed, many)
            _trained(job, recipe, _counted(every, index * many, many * len(CARRIED)))
            tell(name, about.accuracy(job.module, window, is_carried))

    return work


def _counted(every: Every, before: int, total: int) -> Every:
    """Reports of one training as those of a part of the whole."""
    return lambda done, _: every(before + done, total)


def _trained(job: "Job", recipe: "Recipe", every: Every) -> None:
    from models.checkpoint import one_thread
    from models.training import Trainer

    one_thread()
    Trainer(job, recipe, None).run(every)
    job.module.eval()


MEASUREMENTS = {"learning": "models.memory_tasks.experiments:learning"}
