"""What the panel "Does it learn?" finds, measured: accuracy and seconds of each kind at short and long lengths, and both studies.

    python -m tests.measure_learning [--task "temporal order"] [--lengths 20 40] [--kinds rnn gru lstm] [--seeds 1 2 3]
                                     [--units 32] [--updates 1000] [--studies] [--file JSON]

Trains what the page trains, one after the other with one thread, and prints a row for each. `seconds` are of the processor: those
of the wall depend on what else runs. `reached` is the share of the gradient that arrived at what is asked for, before training
and after it.
"""

import argparse
import json
import time
from pathlib import Path

from explorer.analysis.training_curve import Course
from models.char_lm.network import CELLS
from models.memory_tasks.network import Setup
from models.memory_tasks.tasks import TASKS
from pages._gradient_flow import live_training
from tests.sentences import sentences


def measured(setup: Setup) -> dict:
    """One training: what it reached, and what it took."""
    courses: list[Course] = []
    started = time.process_time()
    live_training.train(setup, setup.kind, courses.append, lambda done, total: None)
    first, last = courses[-1].looks[0], courses[-1].looks[-1]
    lag, chance = setup.what.reach(setup.length), setup.what.chance(setup.length)
    row = {name: getattr(setup, name) for name in ("task", "length", "kind", "units", "updates", "seed")}
    row |= {"accuracy": round(last.accuracy, 4), "chance": round(chance.accuracy, 4)}
    row |= {"loss": round(last.loss, 5), "chance_loss": round(chance.loss, 4)}
    row |= {"reached": [round(float(look.gradient_log10[lag]), 2) for look in (first, last)]}
    return row | {"seconds": round(time.process_time() - started, 1)}


def studied(seed: int) -> dict[str, dict]:
    """Both studies of a seed: accuracy by length and by distance, and the seconds of each."""
    found: dict[str, dict] = {}
    for name, study in (("lengths", live_training.lengths), ("windows", lambda *given: live_training.windows("lstm", 10, *given))):
        lines: dict[str, list[float]] = {}
        started = time.process_time()
        study(seed, lines.__setitem__)(lambda done, total: None)
        found[name] = {line: [round(value, 4) for value in values] for line, values in lines.items()}
        found[name]["seconds"] = round(time.process_time() - started, 1)
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=list(TASKS), default="temporal order")
    parser.add_argument("--lengths", type=int, nargs="+", default=[20, 40])
    parser.add_argument("--kinds", choices=list(CELLS), nargs="+", default=["rnn", "gru", "lstm"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--units", type=int, default=32)
    parser.add_argument("--updates", type=int, default=1000)
    parser.add_argument("--studies", action="store_true", help="also why recurrence, and truncated backpropagation")
    parser.add_argument("--file", type=Path, help="where the numbers go as JSON; only printed if left out")
    asked = parser.parse_args()
    rows, studies = [], {}
    for length in asked.lengths:
        for kind in asked.kinds:
            for seed in asked.seeds:
                rows.append(measured(Setup(asked.task, kind, length, asked.units, asked.updates, seed=seed)))
                print(json.dumps(rows[-1]), flush=True)
    for seed in asked.seeds if asked.studies else []:
        studies[seed] = studied(seed)
        print(json.dumps({seed: studies[seed]}), flush=True)
    if asked.file:
        asked.file.write_text(json.dumps({"trainings": rows, "studies": studies}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with sentences():
        main()
