"""The experiment behind "Is it real?": healthy attentions and fakes of many seeds, and what the four questions say of each.

    python -m tests.attention_fakes

Some seeds show where the limits belong (explorer.analysis.attention_tests.Limits); the confusion table is of the others. Every
network learns a toy language of its seed. Prints the table and writes it to models/translation/attention_references.json.
"""

import argparse
import itertools
import json
import statistics
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch

from explorer.analysis.attention_tests import LIMITS
from models.translation.attention_perturbation import alike, probe
from models.translation.network import Seq2Seq
from models.vocabulary.subwords import Pieces
from tests.measure_attention import QUESTIONS, answers, lexicon_of
from tests.models.translation.toy_languages import SIZE, Example, ThrownAway, language, trained, vocabulary

FILE = Path(__file__).parent.parent / "models/translation/attention_references.json"
SEEDS = {"for_limits": (1, 2), "for_table": (11, 12, 13, 14, 15)}
TAUGHT, ASKED = 4_000, 1_000  # sentences of a language
THROWN = "context thrown away"
YES, NO, EITHER, UNSURE = "yes", "no", "any", "cannot tell"


class Kind(NamedTuple):
    """An attention, the toy language it is for, and what the questions should say; "any" where nothing is promised."""

    attention: str
    task: str
    healthy: bool
    expected: tuple[str, str, str, str]  # of QUESTIONS
    updates: int = 180


KINDS = {
    "additive": Kind("additive", "gathered", True, (YES, YES, YES, YES)),
    "bilinear": Kind("bilinear", "gathered", True, (YES, YES, YES, EITHER)),
    "additive, reverse": Kind("additive", "reverse", True, (YES, EITHER, YES, YES)),
    "additive, monotone": Kind("additive", "monotone", True, (YES, EITHER, YES, UNSURE)),
    "decoder only": Kind("decoder", "gathered", False, (NO, EITHER, YES, EITHER)),
    "decoder only, reverse": Kind("decoder", "reverse", False, (NO, EITHER, YES, EITHER)),
    "position only": Kind("position only", "gathered", False, (NO, NO, YES, EITHER)),
    "position only, reverse": Kind("position only", "reverse", False, (NO, NO, YES, EITHER)),
    "same row": Kind("same row", "gathered", False, (NO, NO, EITHER, NO), 80),
    "random but fixed": Kind("random but fixed", "gathered", False, (NO, NO, EITHER, NO), 80),
    "uniform": Kind("uniform", "gathered", False, (UNSURE, NO, NO, NO), 80),
    "all on the end mark": Kind("all on the end mark", "gathered", False, (NO, NO, EITHER, NO), 80),
    "untrained": Kind("additive", "gathered", False, (UNSURE, NO, NO, NO), 0),
    THROWN: Kind("additive", "gathered", False, (YES, YES, NO, YES)),
}


def networks(seed: int, pieces: Pieces, kinds: Iterable[str]) -> Iterator[tuple[str, Seq2Seq, list[Example]]]:
    """Each kind, trained on TAUGHT sentences of its toy language, with ASKED others."""
    made: dict[tuple, Seq2Seq] = {}

    def of(*asked: Any) -> Seq2Seq:
        if asked not in made:
            attention, task, updates = asked
            made[asked] = trained(attention, language(task, TAUGHT, seed), pieces, seed, updates)
        return made[asked]

    for kind in kinds:
        about = KINDS[kind]
        module = of(about.attention, about.task, about.updates)
        if kind == THROWN:
            module = ThrownAway(module, of("none", about.task, about.updates)).eval()
        yield kind, module, language(about.task, TAUGHT + ASKED, seed)[TAUGHT:]


def answers_of(seed: int, kinds: Iterable[str] = tuple(KINDS)) -> dict[str, dict[str, Any]]:
    """By kind: the four answers for its network of a seed, and "nats", what a word of the truth costs it."""
    pieces, found = vocabulary(), {}
    for kind, module, examples in networks(seed, pieces, kinds):
        pairs = [example.pair for example in examples]
        probes = probe(module, pieces, alike(pairs), seed)
        told: dict[str, Any] = {name: asdict(answer) for name, answer in answers(probes, pieces, lexicon_of(pairs)).items()}
        found[kind] = told | {"nats": sum(each.costs["own"] for each in probes) / sum(len(each.target) for each in probes)}
    return found


def table(runs: dict[int, dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """By kind: what it is, what was expected, how many seeds gave each answer, and their values, with median and range."""
    rows: dict[str, Any] = {}
    for kind, about in KINDS.items():
        rows[kind] = {"task": about.task, "healthy": about.healthy, "expected": dict(zip(QUESTIONS, about.expected, strict=True))}
        rows[kind] |= {"nats": [round(run[kind]["nats"], 4) for run in runs.values()]}
        for question in QUESTIONS:
            each = [run[kind][question] for run in runs.values()]
            values = [round(answer["value"], 4) + 0.0 for answer in each]
            count = {says: sum(answer["says"] == says for answer in each) for says in (YES, NO, UNSURE)}
            middle = {"median": statistics.median(values), "least": min(values), "most": max(values), "unit": each[0]["unit"]}
            rows[kind][question] = {"says": count, "each": [answer["says"] for answer in each], "values": values} | middle
    return rows


def report(runs: dict[int, dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """What the file holds: the limits, and a table of the seeds they were chosen on beside that of the others."""
    parts = {name: {seed: runs[seed] for seed in seeds if seed in runs} for name, seeds in SEEDS.items()}
    tables = {name: {"seeds": list(part), "kinds": table(part)} for name, part in parts.items() if part}
    return {"limits": asdict(LIMITS), "network": SIZE, "taught": TAUGHT} | tables


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=FILE, help="where the tables are written")
    file = parser.parse_args().file
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    runs = {}
    for seed in itertools.chain(*SEEDS.values()):
        runs[seed] = answers_of(seed)
        print(f"seed {seed}", file=sys.stderr, flush=True)
    found = report(runs)
    file.write_text(json.dumps(found, indent=1) + "\n")
    for name in SEEDS:
        print(f"\n{name}, seeds {found[name]['seeds']}: how often yes / no / cannot tell, and the median")
        for kind, row in found[name]["kinds"].items():
            told = [f"{q} {'/'.join(map(str, row[q]['says'].values()))} ({row[q]['median']:.3f})" for q in QUESTIONS]
            print(f"{kind:24} {statistics.median(row['nats']):.2f} nats  " + "  ".join(told))


if __name__ == "__main__":
    main()
