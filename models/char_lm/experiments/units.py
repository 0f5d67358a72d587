"""Which units of a character network follow which concept, measured on pages it was not trained on; the winners go into its card.

Unit, sign and threshold are chosen on the first pages and scored on the later ones, beside chance, the same network untrained, and
tables of the last 1 to 4 characters.
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

WINDOW = 100  # a replay is compared with the call it belongs to, and rounding in gates near 1 adds up over long calls
AT_LEAST = 200  # tokens on (and off) before a concept is measured
UNCLEAR = "a unit that does nothing clear"


@dataclass(frozen=True)
class Options:
    """What may be chosen."""

    data: Annotated[Path | None, "Text to measure on; the dev split of its training text if left out."] = None
    characters: Annotated[int, "At most so many characters of it."] = 160_000


@dataclass(frozen=True, eq=False)
class Activations:
    """One quantity of every unit over a text.

    Args:
        values: [time, layer * unit], layer after layer. quantity: which, a name of explorer.analysis.quantities.
        memory_times: Of each unit, in characters, [layer * unit]; None where the cells have no gate that forgets.
        units: In one layer.
    """

    values: np.ndarray
    memory_times: np.ndarray | None
    quantity: str
    units: int


def measure(subject: Subject, options: Options, report: Report) -> Measured:
    """Which unit of a network follows which concept; the winners go into its card."""
    loaded, corpus = subject.network(), subject.training_data()
    text = corpora.dev_text(corpus, options.data)[: options.characters]
    lines = unit_lines(loaded, corpus, text)
    cards = {subject.file: {"units": lines}} if subject.file else {}
    return Measured(lines, tuple(map(as_text, lines)), cards)


def unit_lines(loaded: Loaded, corpus: str, text: str) -> list[dict[str, Any]]:
    """Lines of a card: the best unit of every concept that a text has often enough, and one unit that follows none."""
    trained = activations(loaded, text)
    fresh = activations(untrained(loaded, seed=1), text, trained.quantity)
    choose = first_pages(corpus, text)
    scored = int((~choose).sum())
    rankings = {concept: rank(trained.values, track, text, fresh.values, choose) for concept, track in fitting(text, AT_LEAST).items()}
    lines = [card_line(concept, ranking, ranking.best, trained, scored) for concept, ranking in rankings.items()]
    nearest, unit = unclear(rankings, trained.values, choose)
    last = card_line(UNCLEAR, rankings[nearest], unit, trained, scored)
    moves = f"Unit {last['unit']} of layer {last['layer']} moves, and follows none of {len(rankings)} concepts: "
    return [*lines, last | {"nearest": nearest, "verdict": f"{moves}the nearest is {nearest!r} with r {last['r']:.2f}."}]


def activations(loaded: Loaded, text: str, name: str | None = None) -> Activations:
    """One quantity of every layer over a text, and the memory times of the units; the network's usual quantity if none is named."""
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
        forgotten.append(len(window) / np.concatenate(times) if times else None)  # sums of -log f, so that windows add up
    times = None if forgotten[0] is None else len(ids) / np.maximum(np.sum(forgotten, axis=0), 1e-12)
    return Activations(np.concatenate(rows), times, name or "", units)


def first_pages(corpus: str, text: str) -> np.ndarray:
    """True on the first pages (files, speeches), up to the border nearest to half of the text, [time]."""
    borders = [match.start() for match in re.finditer(corpora.text(corpus).boundary, text)]
    half = min((b for b in borders if b), key=lambda b: abs(b - len(text) / 2), default=len(text) // 2)
    return np.arange(len(text)) < half


def card_line(concept: str, ranking: Ranking, unit: int, trained: Activations, scored: int) -> dict[str, Any]:
    """One line of the card: where the unit is, how well it follows the concept on `scored` characters, and what else does."""
    layer, index = divmod(unit, trained.units)
    verdict = ranking.verdict(unit).replace(f"Unit {unit} ", f"Unit {index} of layer {layer} ")
    sign, threshold = int(ranking.sign[unit]), None if ranking.threshold is None else round(float(ranking.threshold[unit]), 4)
    line: dict[str, Any] = {"concept": concept, "layer": layer, "unit": index}
    line |= {"quantity": trained.quantity, "sign": sign, "threshold": threshold}
    line |= rounded(asdict(ranking.scores(unit))) | {"baselines": {name: rounded(asdict(s)) for name, s in ranking.baselines.items()}}
    times = trained.memory_times
    line |= {"memory_time": None if times is None else round(float(times[unit]), 2), "clears_all": all(ranking.cleared(unit).values())}
    return line | {"held_out": ranking.held_out, "characters": scored, "verdict": verdict}


def rounded(scores: Mapping[str, float | None]) -> dict[str, float | None]:
    """Scores to four digits."""
    return {name: None if score is None else round(score, 4) for name, score in scores.items()}


def unclear(rankings: dict[str, Ranking], values: np.ndarray, choose: np.ndarray) -> tuple[str, int]:
    """The unit that follows no concept best, and the concept nearest to it.

    Of the units that vary more than most on both parts of the text, it is the one whose largest |r| over all concepts is smallest.

    Args:
        rankings: Of each concept. values: of all units, [time, unit]. choose: the part of the text that units are chosen on, [time].
    """
    strongest = np.stack([np.abs(ranking.r) for ranking in rankings.values()])
    lively = np.minimum(variance(values[choose]), variance(values[~choose]))
    candidates = np.where(lively >= np.median(lively), strongest.max(axis=0), np.inf)
    unit = int(candidates.argmin())
    return list(rankings)[int(strongest[:, unit].argmax())], unit


def as_text(line: dict[str, Any]) -> str:
    """A line of the card for reading."""
    baselines = {name: scores["r"] for name, scores in line["baselines"].items()}
    table = max(r for name, r in baselines.items() if name.startswith("last"))
    where = f"{line['concept']:32} layer {line['layer']} unit {line['unit']:3}"
    own = f"r {line['r']:.2f}  AUC {line['auc'] or 0:.2f}  F1 {line['f1'] or 0:.2f}  balanced {line['balanced_accuracy'] or 0:.2f}"
    others = f"chance {baselines[CHANCE]:.2f}  untrained {baselines[UNTRAINED]:.2f}  table {table:.2f}"
    return f"{where}  {own}  {others}\n    {line['verdict']}"
