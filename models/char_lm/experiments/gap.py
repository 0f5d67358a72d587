"""How probable the right closing mark is, by the distance from its opener, for networks and n-grams.

Every position of the dev text where such a mark closes what was opened there: the probability of its first character, given all
before it, under each network and each order of the shipped n-gram. Of each band of distances the mean with a 95 % interval
(bootstrap over the marks) is kept, and of the n-gram the order that is best overall. Only numbers are kept.
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
from models.char_lm.experiments.gradients import fingerprint, networks_of
from models.char_lm.network import costs
from models.checkpoint import Loaded
from models.measurement import Measured, Report, Subject

EDGES = (2, 6, 9, 13, 18, 25, 35, 50, 80, 200)  # characters from opener to mark; each band begins at one and ends before the next
ROWS, BEFORE, CALL = 16, 1_000, 250  # stretches read side by side, characters read before each, characters of a call
DRAWS = 2_000  # of the bootstrap


@dataclass(frozen=True)
class Options:
    """What may be chosen."""

    data: Annotated[Path | None, "Text to measure on; the dev split of the training text if left out."] = None
    characters: Annotated[int, "At most so many characters of it."] = 160_000
    opener: Annotated[str, "What opens."] = "[["
    mark: Annotated[str, "What closes it."] = "]]"
    file: Annotated[Path | None, "Where the result goes; CORPUS-gap.json beside the checkpoints if left out."] = None


def measure(subject: Subject, options: Options, report: Report) -> Measured:
    """How well all networks of a training text close brackets; writes CORPUS-gap.json for the page Gradient flow."""
    corpus = subject.training_data()
    text = corpora.dev_text(corpus, options.data)[: options.characters]
    measured = bands_of(corpus, text, (options.opener, options.mark), report)
    file = options.file or models.folder_of_checkpoints() / f"{corpus}-gap.json"
    lines = (f"{name} {' '.join(map(as_text, bands))}" for name, bands in measured["bands"].items())
    return Measured(measured, tuple(lines), files={file: json.dumps(measured, separators=(",", ":")) + "\n"})


def as_text(band: dict[str, Any]) -> str:
    """A band of distances for reading."""
    return f"{band['from']}-{band['to']}: {band['p']:.2f} ({band['low']:.2f}-{band['high']:.2f}, n {band['n']})"


def bands_of(corpus: str, text: str, marks: tuple[str, str], report: Report) -> dict[str, Any]:
    """The bands of every network of a training text and of its best n-gram; `marks` are what opens and what closes."""
    opener, mark = marks
    closed = closings(text, opener, mark)
    positions, distances = (np.array([getattr(closing, name) for closing in closed]) for name in ("at", "distance"))
    probabilities, weights = {}, {}
    for name in networks_of(corpus):
        loaded = models.load(name)
        probabilities[name] = np.exp(-costs_of(loaded, text)[positions])
        weights[name] = fingerprint(loaded)
        report(f"{name}: {probabilities[name].mean():.3f} on average over {len(closed)} marks")
    counts = ngram.load(corpus)
    if counts is not None:
        orders = np.exp(-counts.nats(text)[positions])
        best = int(np.log(orders).mean(0).argmax())
        probabilities[f"{best + 1}-gram"] = orders[:, best]
        report(f"n-grams, mean log-probability by order: {np.log(orders).mean(0).round(3).tolist()}")
    bands = {name: means(distances, p) for name, p in probabilities.items()}
    return {"opener": opener, "mark": mark, "marks": len(closed), "characters": len(text), "weights": weights, "bands": bands}


def means(distances: np.ndarray, p: np.ndarray, edges: tuple[int, ...] = EDGES, seed: int = 0) -> list[dict[str, Any]]:
    """Mean of p [mark] in each band of distances [mark], with a 95 % interval and how many marks it has; empty bands left out."""
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
    """Nats that each character of a text cost, [time]: several stretches side by side, each begun BEFORE characters early.

    The first character costs nothing. So long a run-up leaves a stretch as good as no memory of where it began.
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
