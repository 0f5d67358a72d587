"""How probable the right closing mark is, by the distance from its opener, for networks and n-grams; writes CORPUS-gap.json.

    python -m tests.measure_gap wiki [--data DEV_TEXT] [--characters 160000] [--opener "[[" --mark "]]"] [--file JSON]

Every place of the dev text where such a mark closes what was opened there: its first character's probability, given all before
it, under each network and each order of the shipped n-gram. Of each band of distances the mean with a 95 % interval (bootstrap
over the marks) is kept, and of the n-gram the order that is best overall. Only numbers are kept.
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

import models
from explorer.analysis.brackets import closings
from models import corpora, ngram
from models.char_lm.network import costs
from models.checkpoint import Loaded
from tests.measure_gradients import fingerprint
from tests.sentences import sentences

EDGES = (2, 6, 9, 13, 18, 25, 35, 50, 80, 200)  # characters from opener to mark; each band begins at one and ends before the next
ROWS, BEFORE, CALL = 16, 1_000, 250  # stretches read side by side, characters read before each, characters of a call
DRAWS = 2_000  # of the bootstrap


def means(distances: np.ndarray, p: np.ndarray, edges: tuple[int, ...] = EDGES, seed: int = 0) -> list[dict]:
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
    state, pieces = None, []
    with torch.inference_mode():
        for at in range(0, size - 1, CALL):
            logits, state = loaded.module(batch[:, at : min(at + CALL, size - 1)], state)
            pieces.append(torch.stack([costs(*row) for row in zip(logits, batch[:, at + 1 : at + 1 + CALL], strict=True)]))
    every, found = torch.cat(pieces, 1).numpy(), np.zeros(len(text))
    for row, start in enumerate(starts):
        own = slice(max(row * length, 1), min((row + 1) * length, len(text)))
        found[own] = every[row, own.start - 1 - start : own.stop - 1 - start]
    return found


def measured(corpus: str, text: str, opener: str, mark: str) -> dict:
    """The bands of every network of a corpus and of its best n-gram."""
    marks = closings(text, opener, mark)
    places, distances = (np.array([getattr(each, name) for each in marks]) for name in ("at", "distance"))
    found, weights = {}, {}
    for name, card in models.available().items():
        if card["kind"] == "char_lm" and card["data"]["corpus"] == corpus:
            loaded = models.load(name)
            found[name] = np.exp(-costs_of(loaded, text)[places])
            weights[name] = fingerprint(loaded)
            print(f"{name}: {found[name].mean():.3f} on average over {len(marks)} marks", flush=True)
    counts = ngram.load(corpus)
    if counts is not None:
        orders = np.exp(-counts.nats(text)[places])
        best = int(np.log(orders).mean(0).argmax())
        found[f"{best + 1}-gram"] = orders[:, best]
        print(f"n-grams, mean log-probability by order: {np.log(orders).mean(0).round(3).tolist()}")
    bands = {name: means(distances, p) for name, p in found.items()}
    return {"opener": opener, "mark": mark, "marks": len(marks), "characters": len(text), "weights": weights, "bands": bands}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", choices=list(corpora.CORPORA))
    parser.add_argument("--data", type=Path, help="text to measure on; the dev split of the corpus if left out")
    parser.add_argument("--characters", type=int, default=160_000, help="at most so many characters of it")
    parser.add_argument("--opener", default="[[")
    parser.add_argument("--mark", default="]]")
    parser.add_argument("--file", type=Path, help="where the numbers go; CORPUS-gap.json beside the checkpoints if left out")
    asked = parser.parse_args()
    text = corpora.read_text(asked.data) if asked.data else corpora.split(asked.corpus, corpora.read_text(corpora.find(asked.corpus)))[1]
    found = measured(asked.corpus, text[: asked.characters], asked.opener, asked.mark)
    file = asked.file or models.folder_of_checkpoints() / f"{asked.corpus}-gap.json"
    file.write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8")
    for name, bands in found["bands"].items():
        print(
            name,
            " ".join(
                f"{band['from']}-{band['to']}: {band['p']:.2f} ({band['low']:.2f}-{band['high']:.2f}, n {band['n']})" for band in bands
            ),
        )


if __name__ == "__main__":
    with sentences():
        main()
