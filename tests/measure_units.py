"""Which units of a checkpoint follow which concept, measured on pages it never saw; the winners go into its card.

    python -m tests.measure_units wiki-lstm [--file PATH] [--data DEV_TEXT] [--characters 160000] [--json] [--dry]

Choice of unit, sign and cut on the first pages, scores on the later ones, beside chance, the same network untrained, and
tables of the last 1 to 4 characters.
"""

import argparse
import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

import explorer
import models
from explorer.analysis.quantities import quantities, quantity
from explorer.analysis.rank import CHANCE, UNTRAINED, Ranking, rank
from explorer.analysis.tracks import fitting
from explorer.analysis.units import memory_time, variance
from models import checkpoint, corpora
from models.char_lm.network import untrained
from models.recipes import RECIPES
from tests.sentences import sentences

WINDOW = 100  # a replay is compared with the call it belongs to, and rounding in gates near 1 adds up over long calls
AT_LEAST = 200  # tokens on (and off) before a concept is measured
UNCLEAR = "a unit that does nothing clear"


def activations(loaded, text: str, name: str | None = None) -> tuple[np.ndarray, np.ndarray | None, str, int]:
    """One quantity of every layer side by side, [time, layer * unit], its memory times, its name, and the units of a layer."""
    module, state, rows, taus = loaded.module, None, [], []
    ids = torch.tensor(loaded.vocab.encode(text))
    for start in range(0, len(ids), WINDOW):
        part = ids[start : start + WINDOW]
        with torch.inference_mode(), explorer.record(module) as recording:
            _, state = module(part[None], state)
        trace = recording.trace(text[start : start + WINDOW])
        name = name or quantities(trace)[0]
        layers = range(trace.hidden.shape[1])
        rows.append(np.concatenate([quantity(trace, name, layer) for layer in layers], axis=1))
        times = [memory_time(trace, layer) for layer in layers]
        taus.append(None if times[0] is None else len(part) / np.concatenate(times))  # sums of -log f, so that windows add up
    tau = None if taus[0] is None else len(ids) / np.maximum(np.sum(taus, axis=0), 1e-12)
    return np.concatenate(rows), tau, name or "", trace.hidden.shape[2]


def first_pages(name: str, text: str) -> np.ndarray:
    """True on the first pages (files, speeches), up to the border nearest to half of the text."""
    borders = [match.start() for match in re.finditer(corpora.corpus(name)["boundary"], text)]
    half = min((b for b in borders if b), key=lambda b: abs(b - len(text) / 2), default=len(text) // 2)
    return np.arange(len(text)) < half


def entry(concept: str, found: Ranking, unit: int, about: dict) -> dict:
    """One line of the card: where the unit is, how well it follows, and what else does."""
    own, units = found.scores(unit), about["units"]
    verdict = found.verdict(unit).replace(f"Unit {unit} ", f"Unit {unit % units} of layer {unit // units} ")
    sign, cut = int(found.sign[unit]), None if found.threshold is None else round(float(found.threshold[unit]), 4)
    line = {"concept": concept, "layer": unit // units, "unit": unit % units, "quantity": about["quantity"], "sign": sign, "threshold": cut}
    line |= rounded(asdict(own)) | {"baselines": {name: rounded(asdict(scores)) for name, scores in found.baselines.items()}}
    tau = about["memory_time"]
    line |= {"memory_time": None if tau is None else round(float(tau[unit]), 2), "clears_all": all(found.cleared(unit).values())}
    return line | {"held_out": found.held_out, "characters": about["characters"], "verdict": verdict}


def rounded(scores: dict) -> dict:
    """Scores to four digits."""
    return {name: None if value is None else round(value, 4) for name, value in scores.items()}


def unclear(rankings: dict[str, Ranking], values: np.ndarray, choose: np.ndarray) -> tuple[str, int]:
    """Of the units livelier than most on both parts, the one whose best |r| over all concepts is smallest; and that concept."""
    reach = np.stack([np.abs(found.r) for found in rankings.values()])
    lively = np.minimum(variance(values[choose]), variance(values[~choose]))
    candidates = np.where(lively >= np.median(lively), reach.max(axis=0), np.inf)
    unit = int(candidates.argmin())
    return list(rankings)[int(reach[:, unit].argmax())], unit


def measure(loaded, corpus: str, text: str) -> list[dict]:
    """The winner of every concept that the text can speak of, and one unit that follows none."""
    values, tau, name, units = activations(loaded, text)
    fresh = activations(untrained(loaded, seed=1), text, name)[0]
    choose = first_pages(corpus, text)
    about = {"quantity": name, "units": units, "memory_time": tau, "characters": int((~choose).sum())}
    rankings = {concept: rank(values, track, text, fresh, choose) for concept, track in fitting(text, AT_LEAST).items()}
    lines = [entry(concept, found, found.best, about) for concept, found in rankings.items()]
    nearest, unit = unclear(rankings, values, choose)
    line = entry(UNCLEAR, rankings[nearest], unit, about)
    moves = f"Unit {line['unit']} of layer {line['layer']} moves, and follows none of {len(rankings)} concepts: "
    return [*lines, line | {"nearest": nearest, "verdict": f"{moves}the nearest is {nearest!r} with r {line['r']:.2f}."}]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=list(RECIPES))
    parser.add_argument("--file", type=Path, help="checkpoint file; the one of that name in checkpoints/ if left out")
    parser.add_argument("--data", type=Path, help="text to measure on; the dev split of its corpus if left out")
    parser.add_argument("--characters", type=int, default=160_000, help="at most so many characters of it")
    parser.add_argument("--json", action="store_true", help="print the lines as JSON")
    parser.add_argument("--dry", action="store_true", help="leave the card as it is")
    asked = parser.parse_args()
    corpus = RECIPES[asked.name]["corpus"]
    file = asked.file or models.folder_of_checkpoints() / f"{asked.name}.safetensors"
    text = corpora.read_text(asked.data) if asked.data else corpora.split(corpus, corpora.read_text(corpora.find(corpus)))[1]
    lines = measure(checkpoint.load(file), corpus, text[: asked.characters])
    if not asked.dry:
        checkpoint.update_card(file, units=lines)
    if asked.json:
        print(json.dumps(lines, indent=1))
        return
    for line in lines:
        print(told(line))


def told(line: dict) -> str:
    """A line of the card for reading."""
    others = {name: scores["r"] for name, scores in line["baselines"].items()}
    table = max(r for name, r in others.items() if name.startswith("last"))
    place = f"{line['concept']:32} layer {line['layer']} unit {line['unit']:3}"
    own = f"r {line['r']:.2f}  AUC {line['auc'] or 0:.2f}  F1 {line['f1'] or 0:.2f}  balanced {line['balanced_accuracy'] or 0:.2f}"
    return f"{place}  {own}  chance {others[CHANCE]:.2f}  untrained {others[UNTRAINED]:.2f}  table {table:.2f}\n    {line['verdict']}"


if __name__ == "__main__":
    with sentences():
        main()
