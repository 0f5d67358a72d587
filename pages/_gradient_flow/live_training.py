"""What the page of gradients trains while it is looked at: small networks, and what is measured of them meanwhile."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explorer.analysis.training_curve import Course, Look, by_lag

if TYPE_CHECKING:
    from models.memory_tasks.network import Setup
    from models.training import Job, Recipe

PROBES = 5  # sequences whose gradient is followed
Every = Callable[[int, int], None]


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
    from models.char_lm.reading import one_thread
    from models.memory_tasks.network import job, recipe
    from models.training import Trainer

    one_thread()
    course, spent, started = Course(name), 0.0, time.monotonic()

    def score(module: Any) -> float:
        nonlocal course
        seen = look(module.eval(), setup, trainer.update)
        course = replace(course.seen(seen), seconds=spent + time.monotonic() - started)
        tell(course)
        return seen.loss

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
        for number, name in enumerate(about.NETWORKS):
            job, recipe = about.job(name, seed, many)
            _trained(job, recipe, _counted(every, number * many, many * len(about.NETWORKS)))
            tell(name, about.accuracy(job.module))

    return work


CARRIED = {"state carried over borders": True, "state set to zero there": False}


def windows(
    kind: str, window: int, seed: int, tell: Callable[[str, list[float]], None], updates: int | None = None
) -> Callable[[Every], None]:
    """A work that trains two networks in windows, see models.memory_tasks.truncated_bptt, and tells each one's accuracy by distance."""

    def work(every: Every) -> None:
        from models.memory_tasks import truncated_bptt as about

        many = updates or about.UPDATES
        for number, (name, is_carried) in enumerate(CARRIED.items()):
            job, recipe = about.job(kind, window, is_carried, seed, many)
            _trained(job, recipe, _counted(every, number * many, many * len(CARRIED)))
            tell(name, about.accuracy(job.module, window, is_carried))

    return work


def _counted(every: Every, before: int, total: int) -> Every:
    """Reports of one training as those of a part of the whole."""
    return lambda done, _: every(before + done, total)


def _trained(job: "Job", recipe: "Recipe", every: Every) -> None:
    from models.char_lm.reading import one_thread
    from models.training import Trainer

    one_thread()
    Trainer(job, recipe, None).run(every)
    job.module.eval()
