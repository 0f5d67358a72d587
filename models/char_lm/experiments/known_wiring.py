"""What the instruments find in networks whose wiring is known: precision and recall of correlation, silencing, pairs and provenance.

For each of four kinds of prediction it is known which units of a `glass_box` are used, and which characters wrote them. Each instrument
names units; precision is the part of the named ones that are used, recall the part of the used ones that are named.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import numpy as np

import models
from explorer.analysis.logits import logit_parts
from explorer.analysis.provenance import provenance
from explorer.analysis.unit_effects import FEWEST, unit_effect
from explorer.analysis.unit_scores import correlation
from models.char_lm.experiments.held import MEAN
from models.char_lm.experiments.trace_back import readout
from models.char_lm.experiments.unit_effects import all_effects, passages
from models.char_lm.experiments.window import LEAD, Layer, Window, read_window
from models.char_lm.glass_box import TRUTH, glass_box, tracks, units_of, written_text
from models.char_lm.reading import read
from models.checkpoint import Loaded
from models.measurement import Measured, Report, Subject

TRACKS, SHARE = 0.5, 0.1  # a unit tracks a concept from this correlation on, and carries a prediction from this share of it on
CORRELATION, SILENCE, PAIRS, LOGITS = "correlation", "silencing one unit", "silencing pairs as well", "parts of the logit"


@dataclass(frozen=True)
class Options:
    """Options of this measurement."""

    wirings: Annotated[int, "Number of networks."] = 20
    characters: Annotated[int, "Length of the text that each network writes and reads."] = 3_000
    file: Annotated[Path | None, "File to write the result to; default: known-wiring.json next to the checkpoints."] = None


def measure(subject: Subject, options: Options, report: Report) -> Measured:
    """Measure what the instruments find in networks whose wiring is known; writes known-wiring.json."""
    counts = {name: np.zeros(3, int) for name in (CORRELATION, SILENCE, PAIRS, LOGITS)}
    writers, tested = np.zeros(2, int), 0
    for seed in range(options.wirings):
        loaded, wiring = glass_box(seed)
        truths = {letters: units_of(wiring, roles) for letters, (roles, _) in TRUTH.items()}
        results, right = findings(loaded, written_text(loaded, options.characters, seed), truths)
        writers += right
        for letters, named in results.items():
            truth, tested = truths[letters], tested + 1
            for name, units in named.items():
                counts[name] += (len(units & truth), len(units), len(truth))
        report(f"wiring {seed}: done")
    instruments = {name: {"right": int(right), "named": int(named), "used": int(used)} for name, (right, named, used) in counts.items()}
    values = {"wirings": options.wirings, "characters": options.characters, "tests": tested, "instruments": instruments}
    values["writers"] = {"right": int(writers[0]), "of": int(writers[1])}
    file = options.file or models.folder_of_checkpoints() / "known-wiring.json"
    return Measured(values, tuple(as_text(values)), files={file: json.dumps(values, separators=(",", ":")) + "\n"})


def as_text(values: Mapping[str, Any]) -> list[str]:
    """The result as lines of text."""
    lines = []
    for name, one in values["instruments"].items():
        precision, recall = shares(one)
        lines.append(f"{name}: precision {precision:.2f}, recall {recall:.2f} ({one['right']} of {one['named']} named, {one['used']} used)")
    return [*lines, f"largest write by a character of the wiring: {values['writers']['right']} of {values['writers']['of']}"]


def shares(one: Mapping[str, int]) -> tuple[float, float]:
    """Precision and recall."""
    return one["right"] / max(one["named"], 1), one["right"] / max(one["used"], 1)


def findings(loaded: Loaded, text: str, truths: Mapping[str, set[int]]) -> tuple[dict[str, dict[str, set[int]]], np.ndarray]:
    """What each instrument names for each kind of prediction in a text, and how many largest writes are by the right characters.

    Kinds with fewer than 5 predictions in the text are left out. The second value is (right, all), of the units that are used.

    Args:
        loaded: The network.
        text: Text that it reads.
        truths: The units that are used for each kind of prediction.
    """
    module: Any = loaded.module
    count = module.rnn.hidden_size
    (passage,) = passages(loaded, read(loaded, text, window=len(text)), [0])
    window, known = read_window(loaded, text, Layer()), tracks(text)
    pairs = list(combinations(range(count), 2))
    alone = all_effects(loaded, [passage], [(0, unit) for unit in range(count)], MEAN)
    together = all_effects(loaded, [passage], [(0, pair) for pair in pairs], MEAN)
    results, right = {}, np.zeros(2, int)
    for letters in TRUTH:
        places = np.isin(list(text), list(letters))
        where = places[passage.counted]
        if min(where.sum(), (~where).sum()) < FEWEST:
            continue
        single = {unit for unit in range(count) if unit_effect(alone, where, unit).is_used}
        double = _used_pairs(together, where, [pair for pair in pairs if not single & set(pair)], pairs)
        named = _carriers(loaded, window, letters)
        right += _writes(window, letters, truths[letters])
        follows = np.abs(correlation(passage.own[:, 0], known[letters])) > TRACKS
        results[letters] = {CORRELATION: set(np.flatnonzero(follows).tolist()), SILENCE: single, PAIRS: single | double, LOGITS: named}
    return results, right


def _used_pairs(effects: np.ndarray, where: np.ndarray, asked: list[tuple[int, int]], pairs: list[tuple[int, int]]) -> set[int]:
    """Units of pairs that are used together though neither is used alone."""
    units = set()
    rows = [pairs.index(pair) for pair in asked]
    for row, pair in enumerate(asked):
        if unit_effect(effects[rows], where, row).is_used:
            units |= set(pair)
    return units


def _steps(window: Window, letters: str) -> list[int]:
    """The steps after which one of the characters came."""
    tokens = window.trace.tokens
    return [at - 1 for at in range(LEAD, len(tokens)) if tokens[at] in letters]


def _carriers(loaded: Loaded, window: Window, letters: str) -> set[int]:
    """Units that carry more than a tenth of the predictions of some characters, on average."""
    weight, bias = readout(loaded.module)
    trace, known = window.trace, loaded.vocab.tokens
    steps = _steps(window, letters)
    parts = np.mean([logit_parts(trace.hidden[at, 0], weight, bias, known.index(trace.tokens[at + 1])).units for at in steps], axis=0)
    return set(np.flatnonzero(np.abs(parts) > SHARE * np.abs(parts).sum()).tolist())


def _writes(window: Window, letters: str, units: set[int]) -> np.ndarray:
    """(right, all) of the largest writes into some units where the characters are predicted: is it by a character of the wiring?"""
    right, trace = np.zeros(2, int), window.trace
    for at in _steps(window, letters):
        writers = np.abs(provenance(trace, at).writers)
        for unit in units:
            right += (trace.tokens[int(writers[:, unit].argmax())] in TRUTH[letters][1], 1)
    return right
