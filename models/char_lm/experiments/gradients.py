"""How far gradients of character networks reach back, measured at many positions of held-out text.

In evenly spaced windows of the dev text, the gradient of the loss at some characters is followed 200 characters back, in the
trained network and in untrained networks of the same architecture (LSTMs with several forget biases). The result contains no text.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch

import explorer
import models
from explorer.analysis.gradients import SHARES, curve, falls, reach
from models import corpora
from models.char_lm.network import costs, untrained
from models.char_lm.reading import Stream
from models.checkpoint import Loaded, fingerprint
from models.measurement import Measured, Report, Subject

LAGS = 200
BEFORE = 500  # warm-up characters, read from the zero state
APART = 10  # characters between two losses of a window
BIASES = (0.0, 1.0, 2.0)
QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Options:
    """Options of this measurement."""

    data: Annotated[Path | None, "Text to measure on; default: the dev split of the training text."] = None
    windows: Annotated[int, "Number of evenly spaced windows of the text."] = 10
    losses: Annotated[int, "Number of characters in each window whose gradient is followed back."] = 10
    file: Annotated[Path | None, "File to write the result to; default: CORPUS-gradients.json next to the checkpoints."] = None


def measure(subject: Subject, options: Options, report: Report) -> Measured:
    """Measure how far gradients reach in all networks of a training text; writes CORPUS-gradients.json for the Gradient flow page."""
    corpus = subject.training_data()
    text = corpora.dev_text(corpus, options.data)
    measured = {}
    for name in networks_of(corpus):
        measured[name] = reach_of(models.load(name), text, options.windows, options.losses)
        report(f"{name}: done")
    file = options.file or models.folder_of_checkpoints() / f"{corpus}-gradients.json"
    lines = [
        f"{name}, {run}: last layer, lags at quantiles {QUANTILES}: {layers[-1]['lags']}"
        for name, about in measured.items()
        for run, layers in about["runs"].items()
    ]
    return Measured(measured, tuple(lines), files={file: json.dumps(measured, separators=(",", ":")) + "\n"})


def networks_of(corpus: str) -> list[str]:
    """Names of the available character networks that were trained on a text."""
    cards = models.available()
    return [name for name, card in cards.items() if card["kind"] == "char_lm" and card["data"]["corpus"] == corpus]


def reach_of(loaded: Loaded, text: str, windows: int, losses: int) -> dict[str, Any]:
    """How far the gradients of one network reach, trained and untrained; untrained LSTMs by forget bias."""
    runs = {"trained": loaded}
    if loaded.card["arguments"]["cell"] == "lstm":
        runs |= {f"untrained, forget bias {bias:g}": untrained(loaded, 0, bias) for bias in BIASES}
    else:
        runs["untrained"] = untrained(loaded)
    layers = {name: summary(curves(run, text, windows, losses)) for name, run in runs.items()}
    return {"weights": fingerprint(loaded), "losses": windows * losses, "quantiles": QUANTILES, "runs": layers}


def curves(loaded: Loaded, text: str, windows: int, losses: int) -> np.ndarray:
    """log10 of the gradient to the state relative to lag 0, [loss, layer, lag], at positions evenly spaced over a text."""
    length = LAGS + losses * APART
    rows = []
    for start in np.linspace(BEFORE, len(text) - length - 2, windows).astype(int):
        ids = torch.tensor(loaded.vocab.encode(text[start : start + length + 1]))
        state = Stream(loaded, text[start - BEFORE : start]).state
        with explorer.record(loaded.module, gradients=True) as recording:
            logits, _ = loaded.module(ids[None, :-1], state)
        positions = LAGS + APART * np.arange(1, losses + 1) - 1
        flows = explorer.gradient_flows(recording, costs(logits[0], ids[1:])[positions], tuple(text[start : start + length]))
        rows += [[curve(flow, layer)[: LAGS + 1] for layer in range(flow.state_log10.shape[1])] for flow in flows]
    return np.array(rows)


def summary(log10: np.ndarray) -> list[dict[str, Any]]:
    """For each layer: median and quantiles by lag, factors per step, and quantiles of the lags to 1/2, 1/10, 1/100, 1/1000.

    Args:
        log10: Result of `curves`, [loss, layer, lag].
    """
    layers = []
    for of_layer in log10.swapaxes(0, 1):
        decay = reach(list(of_layer), QUANTILES[0])
        lags = np.quantile(falls(of_layer), QUANTILES, axis=0, method="lower")
        rows = {
            f"1/{1 / share:.0f}": [None if np.isinf(lag) else int(lag) for lag in column]
            for share, column in zip(SHARES, lags.T, strict=True)
        }
        bands = {f"{start}-{stop}": _rounded(factor) for (start, stop), factor in zip(decay.bands, decay.factors, strict=True)}
        quantiles = {name: [_rounded(value) for value in getattr(decay, name)] for name in ("low", "median", "high")}
        layers.append({"lags": rows, "factors": bands, "half_life": decay.half_life and _rounded(decay.half_life)} | quantiles)
    return layers


def _rounded(value: float) -> float | None:
    return None if not np.isfinite(value) else round(float(value), 3)
