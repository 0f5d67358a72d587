"""Attack everything that reads: python -m tests.fuzz [--seconds S] [--seed N] [--target T] [--cases C].

Each case follows from its target and its seed; a failure is printed with the command that repeats it.
"""

import argparse
import itertools
import json
import logging
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from tests.fuzz.targets import PAGES, STOPPED, TARGETS, Ground, answered, prepared

LINKS = Path(__file__).parents[1] / "pages/links.json"
SHOWN = 20  # failures that are printed


def links() -> list[tuple[str, dict[str, str]]]:
    """The links of the test of old links, as (page, parameters without the name of the page)."""
    rows = json.loads(LINKS.read_text(encoding="utf-8"))["addresses"]
    made = []
    for row in rows:
        path = urlsplit(row["address"]).path.strip("/") or "hidden_states"  # the first page of links made before there was a start page
        asked = parse_qsl(urlsplit(row["address"]).query, keep_blank_values=True)
        made.append((path, {key.removeprefix(f"{path}."): value for key, value in asked}))
    return [(page, query) for page, query in made if page in PAGES] + [("start", {}), ("your_model", {})]


def failure(ground: Ground, target: str, seed: int) -> str:
    """Run one case; the traceback if it failed, empty if it was answered."""
    try:
        answered(lambda: TARGETS[target](random.Random(f"{target} {seed}"), ground))
    except Exception:
        return traceback.format_exc()
    return ""


def attacked(ground: Ground, targets: list[str], seeds: Iterator[int], until: float) -> tuple[Counter, dict[tuple[str, int], str]]:
    """Run cases of the targets in turn until a moment of time.monotonic, at least one of each.

    Returns:
        Number of cases by target, and the traceback of each that failed.
    """
    cases, failed = Counter(), {}
    for seed in seeds:
        for target in targets:
            if cases[target] and time.monotonic() > until:
                return cases, failed
            cases[target] += 1
            if trace := failure(ground, target, seed):
                failed[target, seed] = trace
    return cases, failed


def main() -> int:
    """Run, print what failed, and return the number of failures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=180, help="how long")
    parser.add_argument("--seed", type=int, help="the only seed of one target, or where the seeds begin; default: by the clock")
    parser.add_argument("--target", choices=list(TARGETS), help="the only target")
    parser.add_argument("--cases", type=int, help="seeds of each target; default: as many as the time allows")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    first = int(time.time()) * 1_000 if asked.seed is None else asked.seed
    seeds = itertools.islice(itertools.count(first), asked.cases)
    with tempfile.TemporaryDirectory() as folder:
        ground = prepared(Path(folder), links())
        cases, failed = attacked(ground, [asked.target] if asked.target else list(TARGETS), seeds, time.monotonic() + asked.seconds)
    print(", ".join(f"{count} {target}s" for target, count in cases.items()) + f": {len(failed)} failed")
    if STOPPED:
        print("child processes that a file stopped: " + ", ".join(f"{count} of {form}" for form, count in STOPPED.items()))
    for (target, seed), trace in itertools.islice(failed.items(), SHOWN):
        print(f"\n== python -m tests.fuzz --target {target} --seed {seed} --cases 1\n{trace}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(min(main(), 100))
