"""Search for the unit of a character network that best tracks each concept, on held-out pages; the results go into its card.

Unit, sign and threshold are chosen on the first pages and scored on the later ones. The baselines are chance, the same network
untrained, and lookup tables of the last 1 to 4 characters.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch

import explorer
from explorer.analysis.quantities import memory_time, quantities, quantity, variance
from explorer.analysis.rank import CHANCE, UNTRAINED, Ranking, rank
from explorer.analysis.tracks import fitting
from models import corpora
from models.char_lm.network import untrained
from models.checkpoint import Loaded
from models.measurement import Measured, Report, Subject

WINDOW = 100  # a replay is compared with the recorded call, and rounding errors in gates near 1 accumulate over long calls
AT_LEAST = 200  # minimum number of tokens with and without a concept
UNCLEAR = "a unit that does nothing clear"


@dataclass(frozen=True)
class Options:
    """Options of this measurement."""

    data: Annotated[Path | None, "Text to measure on; default: the dev split of its training text."] = None
    characters: Annotated[int, "Maximum number of its characters to use."] = 160_000


@dataclass(frozen=True, eq=False)
class Activations:
    """One quantity of every unit over a text.

    Args:
        values: Values of all units, [time, layer * unit], layer by layer.
        quantity: Name of the quantity, see explorer.analysis.quantities.
        memory_times: Memory time of each unit in characters, [layer * unit]; None if the cells have no forget or update gate.
        units: Number of units per layer.
    """

    values: np.ndarray
    memory_times: np.ndarray | None
    quantity: str
    units: int


def measure(subject: Subject, options: Options, report: Report) -> Measured:
    """Find the unit that best tracks each concept; the results go into the network's card."""
    loaded, corpus = subject.network(), subject.training_data()
    text = corpora.dev_text(corpus, options.data)[: options.characters]
    lines = unit_lines(loaded, corpus, text)
    return subject.measured(loaded, lines, map(as_text, lines), units=lines)


def unit_lines(loaded: Loaded, corpus: str, text: str) -> list[dict[str, Any]]:
    """Entries of a card: the best unit for every concept that is frequent enough in the text, and one unit that tracks none."""
    trained = activations(loaded, text)
    fresh = activations(untrained(loaded, seed=1), text, trained.quantity)
    choose = first_pages(corpus, text)
    scored = int((~choose).sum())
    rankings = {concept: rank(trained.values, track, text, fresh.values, choose) for concept, track in fitting(text, AT_LEAST).items()}
    lines = [card_line(concept, ranking, ranking.best, trained, scored) for concept, ranking in rankings.items()]
    nearest, unit = unclear(rankings, trained.values, choose)
    last = card_line(UNCLEAR, rankings[nearest], unit, trained, scored)
    name = f"Unit {last['unit']} of layer {last['layer'] + 1}"
    closest = f"the closest of {len(rankings)} concepts is {nearest!r} (correlation {last['r']:.2f})"
    return [*lines, last | {"nearest": nearest, "verdict": f"{name} is active but has no clear meaning: {closest}."}]


def activations(loaded: Loaded, text: str, name: str | None = None) -> Activations:
    """One quantity of every layer over a text, and the memory times of the units; default: the network's usual quantity."""
    module, state, rows, forgotten = loaded.module, None, [], []
    ids = torch.tensor(loaded.vocab.encode(text))
    units = 0
    for start in range(0, len(ids), WINDOW):
        window = ids[start : start + WINDOW]
        with torch.inference_mode(), explorer.record(module) as recording:
            _, state = module(window[None], state)
        trace = recording.trace(text[start : start + WINDOW])
        name, units = name or quantities(trace)[0], trace.hidden.shape[2]
        layers = range(trace.hidden.shape[1])
        rows.append(np.concatenate([quantity(trace, name, layer) for layer in layers], axis=1))
        times = [layer for layer in (memory_time(trace, layer) for layer in layers) if layer is not None]
        forgotten.append(len(window) / np.concatenate(times) if times else None)  # sums of -log f, which can be added over windows
    times = None if forgotten[0] is None else len(ids) / np.maximum(np.sum(forgotten, axis=0), 1e-12)
    return Activations(np.concatenate(rows), times, name or "", units)


def first_pages(corpus: str, text: str) -> np.ndarray:
    """True on the first pages (files, speeches), up to the border nearest to the middle of the text, [time]."""
    borders = [match.start() for match in re.finditer(corpora.text(corpus).boundary, text)]
    half = min((b for b in borders if b), key=lambda b: abs(b - len(text) / 2), default=len(text) // 2)
    return np.arange(len(text)) < half


def card_line(concept: str, ranking: Ranking, unit: int, trained: Activations, scored: int) -> dict[str, Any]:
    """One entry of the card: the unit, its score for the concept on `scored` characters, and the scores of the baselines."""
    layer, index = divmod(unit, trained.units)
    verdict = ranking.verdict(unit).replace(f"Unit {unit} ", f"Unit {index} of layer {layer + 1} ")
    sign, threshold = int(ranking.sign[unit]), None if ranking.threshold is None else round(float(ranking.threshold[unit]), 4)
    line: dict[str, Any] = {"concept": concept, "layer": layer, "unit": index}
    line |= {"quantity": trained.quantity, "sign": sign, "threshold": threshold}
    line |= rounded(asdict(ranking.scores(unit))) | {"baselines": {name: rounded(asdict(s)) for name, s in ranking.baselines.items()}}
    times = trained.memory_times
    line |= {"memory_time": None if times is None else round(float(times[unit]), 2), "clears_all": all(ranking.cleared(unit).values())}
    return line | {"held_out": ranking.held_out, "characters": scored, "verdict": verdict}


def rounded(scores: Mapping[str, float | None]) -> dict[str, float | None]:
    """Scores rounded to four digits."""
    return {name: None if score is None else round(score, 4) for name, score in scores.items()}


def unclear(rankings: dict[str, Ranking], values: np.ndarray, choose: np.ndarray) -> tuple[str, int]:
    """The unit that tracks no concept, and the concept closest to it.

    Among the units that vary more than most on both parts of the text, it has the smallest maximum of |r| over all concepts.

    Args:
        rankings: Ranking of the units for each concept.
        values: Values of all units, [time, unit].
        choose: True on the part of the text on which units are chosen, [time].
    """
    strongest = np.stack([np.abs(ranking.r) for ranking in rankings.values()])
    lively = np.minimum(variance(values[choose]), variance(values[~choose]))
    candidates = np.where(lively >= np.median(lively), strongest.max(axis=0), np.inf)
    unit = int(candidates.argmin())
    return list(rankings)[int(strongest[:, unit].argmax())], unit


def as_text(line: dict[str, Any]) -> str:
    """An entry of the card as a line of text."""
    baselines = {name: scores["r"] for name, scores in line["baselines"].items()}
    table = max(r for name, r in baselines.items() if name.startswith("last"))
    concept = "no clear meaning" if line["concept"] == UNCLEAR else line["concept"]
    where = f"{concept:32} layer {line['layer'] + 1} unit {line['unit']:3}"
    own = f"r {line['r']:.2f}  AUC {line['auc'] or 0:.2f}  F1 {line['f1'] or 0:.2f}  balanced {line['balanced_accuracy'] or 0:.2f}"
    others = f"chance {baselines[CHANCE]:.2f}  untrained {baselines[UNTRAINED]:.2f}  table {table:.2f}"
    return f"{where}  {own}  {others}\n    {line['verdict']}"
