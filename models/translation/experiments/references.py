"""Results of the four attention tests on reference attentions, known to be real or fake, over many seeds.

The limits of the tests (explorer.analysis.attention_tests.Limits) are chosen on some of the seeds; the table shows the held-out
seeds. Every network is trained on a toy language generated from its seed.
"""

import itertools
import json
import statistics
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch

from explorer.analysis.attention_tests import LIMITS
from models.measurement import Measured, Report, Subject
from models.translation.attention_perturbation import alike, probe
from models.translation.experiments.attention import QUESTIONS, answers, lexicon_of
from models.translation.experiments.toy_languages import Example, language, vocabulary
from models.translation.experiments.toy_networks import SIZE, ThrownAway, trained
from models.translation.network import Seq2Seq
from models.vocabulary.subwords import Subwords

FILE = Path(__file__).parent.parent / "attention_references.json"
SEEDS = {"for_limits": (1, 2), "for_table": (11, 12, 13, 14, 15)}
LEARNT, ASKED = 4_000, 1_000  # training and test sentences of a language
THROWN = "context thrown away"
YES, NO, EITHER, UNSURE = "yes", "no", "any", "cannot tell"
Answers = Mapping[str, Mapping[str, Any]]  # by kind


class Kind(NamedTuple):
    """An attention, its toy language, and the expected answers of the tests; "any" if no answer is expected."""

    attention: str
    task: str
    healthy: bool
    expected: tuple[str, str, str, str]  # in the order of QUESTIONS
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


@dataclass(frozen=True)
class Options:
    """Options of this measurement."""

    file: Annotated[Path, "File to write the tables to."] = FILE


def measure(subject: Subject, options: Options, report: Report) -> Measured:
    """Run the four tests on reference attentions; writes the tables that the Attention page shows for comparison."""
    runs = {}
    with _fast():
        for seed in itertools.chain(*SEEDS.values()):
            runs[seed] = answers_of(seed, KINDS)
            report(f"seed {seed}")
    tables = tables_of(runs)
    return Measured(tables, tuple(_lines(tables)), files={options.file: json.dumps(tables, indent=1) + "\n"})


@contextmanager
def _fast() -> Iterator[None]:
    """One thread, and denormal numbers flushed to zero: with matrices this small, several threads are slower than one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


def _lines(tables: Mapping[str, Any]) -> Iterator[str]:
    for name in SEEDS:
        yield f"\n{name}, seeds {tables[name]['seeds']}: number of seeds with yes / no / cannot tell, and the median"
        for kind, row in tables[name]["kinds"].items():
            counts = [f"{q} {'/'.join(map(str, row[q]['says'].values()))} ({row[q]['median']:.3f})" for q in QUESTIONS]
            yield f"{kind:24} {statistics.median(row['nats']):.2f} nats  " + "  ".join(counts)


def networks(seed: int, pieces: Subwords, kinds: Iterable[str]) -> Iterator[tuple[str, Seq2Seq, list[Example]]]:
    """A network of each kind, trained on LEARNT sentences of its toy language, and ASKED held-out sentences."""
    made: dict[tuple[str, str, int], Seq2Seq] = {}

    def network(attention: str, task: str, updates: int) -> Seq2Seq:
        key = (attention, task, updates)
        if key not in made:
            made[key] = trained(attention, language(task, LEARNT, seed), pieces, seed, updates)
        return made[key]

    for kind in kinds:
        about = KINDS[kind]
        module = network(about.attention, about.task, about.updates)
        if kind == THROWN:
            module = ThrownAway(module, network("none", about.task, about.updates)).eval()
        yield kind, module, language(about.task, LEARNT + ASKED, seed)[LEARNT:]


def answers_of(seed: int, kinds: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By kind: the four answers for its network of one seed, and "nats", its cross-entropy in nats per reference word."""
    pieces, by_kind = vocabulary(), {}
    for kind, module, examples in networks(seed, pieces, kinds):
        pairs = [example.pair for example in examples]
        probes = probe(module, pieces, alike(pairs), seed)
        answered = {name: asdict(answer) for name, answer in answers(probes, pieces, lexicon_of(pairs)).items()}
        nats = sum(seen.costs["own"] for seen in probes) / sum(len(seen.target) for seen in probes)
        by_kind[kind] = answered | {"nats": nats}
    return by_kind


def table(runs: Mapping[int, Answers]) -> dict[str, Any]:
    """By kind: description, expected answers, number of seeds with each answer, and the values with median and range."""
    rows: dict[str, Any] = {}
    for kind, about in KINDS.items():
        rows[kind] = {"task": about.task, "healthy": about.healthy, "expected": dict(zip(QUESTIONS, about.expected, strict=True))}
        rows[kind] |= {"nats": [round(run[kind]["nats"], 4) for run in runs.values()]}
        for question in QUESTIONS:
            of_seeds = [run[kind][question] for run in runs.values()]
            values = [round(answer["value"], 4) + 0.0 for answer in of_seeds]
            counts = {says: sum(answer["says"] == says for answer in of_seeds) for says in (YES, NO, UNSURE)}
            middle = {"median": statistics.median(values), "least": min(values), "most": max(values), "unit": of_seeds[0]["unit"]}
            rows[kind][question] = {"says": counts, "each": [answer["says"] for answer in of_seeds], "values": values} | middle
    return rows


def tables_of(runs: Mapping[int, Answers]) -> dict[str, Any]:
    """Content of the file: the limits, the table of the seeds they were chosen on, and that of the held-out seeds; `runs` by seed."""
    parts = {name: {seed: runs[seed] for seed in seeds if seed in runs} for name, seeds in SEEDS.items()}
    tables = {name: {"seeds": list(part), "kinds": table(part)} for name, part in parts.items() if part}
    return {"limits": asdict(LIMITS), "network": SIZE, "taught": LEARNT} | tables
