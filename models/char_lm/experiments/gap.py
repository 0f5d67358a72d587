"""Probability of the correct closing mark by distance from its opening mark, for networks and n-grams.

At every position of the dev text where a mark closes an open one, the probability of its first character given the preceding
text is computed under each network and each order of the published n-gram. The result holds the mean for each band of distances
with a 95 % interval (bootstrap over the marks), and for the n-gram the order that is best overall. It contains no text.
"""

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch

import models
from explorer.analysis.brackets import closings
from models import corpora, ngram
from models.char_lm.experiments.gradients import networks_of
from models.char_lm.network import costs
from models.checkpoint import Loaded, fingerprint
from models.measurement import Measured, Report, Subject

EDGES = (2, 6, 9, 13, 18, 25, 35, 50, 80, 200)  # band borders in characters from opening to closing mark; upper borders are exclusive
ROWS, BEFORE, CALL = 16, 1_000, 250  # segments read in parallel, warm-up characters of each, characters per call
DRAWS = 2_000  # bootstrap samples


@dataclass(frozen=True)
class Options:
    """Options of this measurement."""

    data: Annotated[Path | None, "Text to measure on; default: the dev split of the training text."] = None
    characters: Annotated[int, "Maximum number of its characters to use."] = 160_000
    opener: Annotated[str, "Opening mark."] = "[["
    mark: Annotated[str, "Closing mark."] = "]]"
    file: Annotated[Path | None, "File to write the result to; default: CORPUS-gap.json next to the checkpoints."] = None


def measure(subject: Subject, options: Options, report: Report) -> Measured:
    """Measure how well all networks of a training text close brackets; writes CORPUS-gap.json for the Gradient flow page."""
    corpus = subject.training_data()
    text = corpora.dev_text(corpus, options.data)[: options.characters]
    measured = bands_of(corpus, text, (options.opener, options.mark), report)
    file = options.file or models.folder_of_checkpoints() / f"{corpus}-gap.json"
    lines = (f"{name} {' '.join(map(as_text, bands))}" for name, bands in measured["bands"].items())
    return Measured(measured, tuple(lines), files={file: json.dumps(measured, separators=(",", ":")) + "\n"})


def as_text(band: dict[str, Any]) -> str:
    """A band of distances as a line of text."""
    return f"{band['from']}-{band['to']}: {band['p']:.2f} ({band['low']:.2f}-{band['high']:.2f}, n {band['n']})"


def bands_of(corpus: str, text: str, marks: tuple[str, str], report: Report) -> dict[str, Any]:
    """The bands of every network of a training text and of its best n-gram; `marks` are the opening and the closing mark."""
    opener, mark = marks
    closed = closings(text, opener, mark)
    positions, distances = (np.array([getattr(closing, name) for closing in closed]) for name in ("at", "distance"))
    probabilities, weights = {}, {}
    for name in networks_of(corpus):
        loaded = models.load(name)
        probabilities[name] = np.exp(-costs_of(loaded, text)[positions])
        weights[name] = fingerprint(loaded)
        report(f"{name}: {probabilities[name].mean():.3f} on average over {len(closed)} closing marks")
    counts = ngram.load(corpus)
    if counts is not None:
        orders = np.exp(-counts.nats(text)[positions])
        best = int(np.log(orders).mean(0).argmax())
        probabilities[f"{best + 1}-gram"] = orders[:, best]
        report(f"n-grams, mean log-probability by order: {np.log(orders).mean(0).round(3).tolist()}")
    bands = {name: means(distances, p) for name, p in probabilities.items()}
    return {"opener": opener, "mark": mark, "marks": len(closed), "characters": len(text), "weights": weights, "bands": bands}


def means(distances: np.ndarray, p: np.ndarray, edges: tuple[int, ...] = EDGES, seed: int = 0) -> list[dict[str, Any]]:
    """Mean of p [mark] in each band of distances [mark], with a 95 % interval and the number of marks; empty bands are omitted."""
    rng, bands = np.random.default_rng(seed), []
    for start, stop in pairwise(edges):
        inside = p[(distances >= start) & (distances < stop)]
        if len(inside):
            drawn = inside[rng.integers(0, len(inside), (DRAWS, len(inside)))].mean(1)
            low, high = np.quantile(drawn, (0.025, 0.975))
            bands.append(
                {"from": start, "to": stop - 1, "n": len(inside), "p": _four(inside.mean()), "low": _four(low), "high": _four(high)}
            )
    return bands


def _four(value: float) -> float:
    return round(float(value), 4)


def costs_of(loaded: Loaded, text: str, rows: int = ROWS) -> np.ndarray:
    """Cross-entropy of each character of a text in nats, [time]; several segments are read in parallel after a warm-up.

    Each segment starts BEFORE characters early, which is long enough for the effect of its initial state to vanish. The first
    character of the text costs 0.
    """
    length = -(-len(text) // rows)
    starts = [max(0, row * length - BEFORE) for row in range(rows)]
    size = max(min((row + 1) * length, len(text)) - start for row, start in enumerate(starts))
    ids = torch.tensor(loaded.vocab.encode(text + " " * size))
    batch = torch.stack([ids[start : start + size] for start in starts])
    state, calls = None, []
    with torch.inference_mode():
        for at in range(0, size - 1, CALL):
            logits, state = loaded.module(batch[:, at : min(at + CALL, size - 1)], state)
            calls.append(torch.stack([costs(*row) for row in zip(logits, batch[:, at + 1 : at + 1 + CALL], strict=True)]))
    of_stretches, nats = torch.cat(calls, 1).numpy(), np.zeros(len(text))
    for row, start in enumerate(starts):
        own = slice(max(row * length, 1), min((row + 1) * length, len(text)))
        nats[own] = of_stretches[row, own.start - 1 - start : own.stop - 1 - start]
    return nats
