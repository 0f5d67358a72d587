"""How much of the past a linear probe finds in the hidden state: the character k steps back, for k from 1 to 50.

The hidden state is a lossy summary of the text. At every position of the dev text, ridge regression predicts the character k steps back
from the hidden states h of all layers; of an LSTM, also from tanh of its cell states. It is fitted on the first pages and scored on the
later ones. The baselines are the most frequent character and a probe of the same network untrained. The result contains no text.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor

import models
from explorer.analysis.quantities import HIDDEN, TANH_CELL
from models import corpora
from models.char_lm.experiments.gradients import networks_of
from models.char_lm.experiments.units import activations, first_pages
from models.char_lm.network import untrained
from models.checkpoint import fingerprint
from models.measurement import Measured, Report, Subject

LAGS = range(1, 51)
RIDGE = 1e-2  # added to the diagonal of the features' covariance, as a share of its mean, against overfitting


@dataclass(frozen=True)
class Options:
    """Options of this measurement."""

    data: Annotated[Path | None, "Text to measure on; default: the dev split of the training text."] = None
    characters: Annotated[int, "Maximum number of its characters to use."] = 100_000
    file: Annotated[Path | None, "File to write the result to; default: CORPUS-probe.json next to the checkpoints."] = None


def measure(subject: Subject, options: Options, report: Report) -> Measured:
    """Measure what a linear probe finds of the past in all networks of a training text; writes CORPUS-probe.json for Gradient flow."""
    corpus = subject.training_data()
    text = corpora.dev_text(corpus, options.data)[: options.characters]
    fit = first_pages(corpus, text)
    measured: dict[str, Any] = {"lags": list(LAGS), "fitted": int(fit.sum()), "scored": int((~fit).sum()), "networks": {}}
    for name in networks_of(corpus):
        loaded = models.load(name)
        ids = torch.tensor(loaded.vocab.encode(text))
        fresh = untrained(loaded, seed=1)
        runs = {"trained": (loaded, HIDDEN), "untrained": (fresh, HIDDEN)}
        if loaded.card["arguments"]["cell"] == "lstm":
            runs["cell state"] = (loaded, TANH_CELL)
        scores = {run: probe(activations(network, text, read).values, ids, fit) for run, (network, read) in runs.items()}
        measured["networks"][name] = {"weights": fingerprint(loaded)} | {run: [round(p, 4) for p in p_of] for run, p_of in scores.items()}
        measured["most_frequent"] = round(most_frequent(ids, fit), 4)
        report(f"{name}: done")
    file = options.file or models.folder_of_checkpoints() / f"{corpus}-probe.json"
    return Measured(measured, tuple(as_text(measured)), files={file: json.dumps(measured, separators=(",", ":")) + "\n"})


def probe(states: np.ndarray, ids: Tensor, fit: np.ndarray, lags: range = LAGS) -> list[float]:
    """Share of the held-out positions at which a linear probe finds the character k steps back, for each k.

    The probe is ridge regression to one column per character; the column with the largest value is its answer. Positions whose
    character k steps back belongs to the other part of the text are left out.

    Args:
        states: What the probe reads, [time, feature].
        ids: The text, [time].
        fit: True on the part of the text on which the probe is fitted, [time]; one stretch at its beginning.
        lags: The values of k.

    Returns:
        A share for each k.
    """
    border, longest = int(fit.sum()), max(lags)
    read = torch.from_numpy(np.ascontiguousarray(states, np.float32))
    mean, spread = read[:border].mean(0), read[:border].std(0).clamp(min=1e-6)
    read = torch.cat([(read - mean) / spread, torch.ones(len(read), 1)], 1)
    own, other = read[longest:border], read[border + longest :]
    gram = (own.T @ own).double()
    factor = torch.linalg.cholesky(gram + RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype))
    shares = []
    for lag in lags:
        targets = ids[longest - lag : border - lag]
        sums = torch.zeros(int(ids.max()) + 1, read.shape[1]).index_add_(0, targets, own)
        answers = (other @ torch.cholesky_solve(sums.T.double(), factor).float()).argmax(1)
        shares.append(float((answers == ids[border + longest - lag : len(ids) - lag]).float().mean()))
    return shares


def most_frequent(ids: Tensor, fit: np.ndarray) -> float:
    """Share of the held-out part that is the most frequent character of the other part: chance for any k.

    Args:
        ids: The text, [time].
        fit: As for `probe`, [time].
    """
    border = int(fit.sum())
    return float((ids[border:] == ids[:border].bincount().argmax()).float().mean())


def as_text(measured: dict[str, Any]) -> list[str]:
    """The result as lines of text, at a few values of k."""
    at = [lag for lag in (1, 2, 5, 10, 20, 50) if lag in measured["lags"]]
    rows = [f"the most frequent character: {measured['most_frequent']:.3f}"]
    for name, about in measured["networks"].items():
        for run in (run for run in about if run != "weights"):
            rows.append(f"{name}, {run}: " + "  ".join(f"{lag} back {about[run][measured['lags'].index(lag)]:.3f}" for lag in at))
    return rows
