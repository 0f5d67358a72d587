"""How far gradients of character networks reach over many places of text they never saw; writes checkpoints/CORPUS-gradients.json.

    python -m tests.measure_gradients wiki [--data DEV_TEXT] [--windows 10] [--losses 10] [--file JSON]

In each of some windows, evenly spaced over the dev text, the cost of some characters is followed 200 characters back, in the
trained network and in untrained ones of the same form, an LSTM with several biases of its forget gates. Only numbers are kept.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import torch

import explorer
import models
from explorer.analysis.gradients import SHARES, curve, falls, reach
from models import corpora
from models.char_lm.network import costs, untrained
from models.char_lm.reading import Pass
from models.checkpoint import Loaded
from tests.sentences import sentences

LAGS = 200
BEFORE = 500  # characters read first, from the zero state
APART = 10  # characters between two losses of a window
BIASES = (0.0, 1.0, 2.0)
QUANTILES = (0.1, 0.5, 0.9)


def fingerprint(loaded: Loaded) -> str:
    """What tells these weights from others: numbers measured of them hold for no others."""
    digest = hashlib.sha256()
    for name, values in sorted(loaded.module.state_dict().items()):
        digest.update(name.encode() + values.numpy().tobytes())
    return digest.hexdigest()[:16]


def curves(loaded: Loaded, text: str, windows: int, losses: int) -> np.ndarray:
    """log10 of the gradient to the state relative to lag 0, [loss, layer, lag], at places evenly spaced over a text."""
    length = LAGS + losses * APART
    found = []
    for start in np.linspace(BEFORE, len(text) - length - 2, windows).astype(int):
        ids = torch.tensor(loaded.vocab.encode(text[start : start + length + 1]))
        state = Pass(loaded, text[start - BEFORE : start]).state
        with explorer.record(loaded.module, gradients=True) as recording:
            logits, _ = loaded.module(ids[None, :-1], state)
        places = LAGS + APART * np.arange(1, losses + 1) - 1
        flows = explorer.gradient_flows(recording, costs(logits[0], ids[1:])[places], tuple(text[start : start + length]))
        found += [[curve(flow, layer)[: LAGS + 1] for layer in range(flow.state_log10.shape[1])] for flow in flows]
    return np.array(found)


def summary(found: np.ndarray) -> list[dict]:
    """Of each layer: median and quantiles by lag, local factors, and quantiles of the lags to 1/2, 1/10, 1/100, 1/1000."""
    layers = []
    for each in found.swapaxes(0, 1):
        told = reach(list(each), QUANTILES[0])
        lags = np.quantile(falls(each), QUANTILES, axis=0, method="lower")
        rows = {
            f"1/{1 / share:.0f}": [None if np.isinf(lag) else int(lag) for lag in column]
            for share, column in zip(SHARES, lags.T, strict=True)
        }
        bands = {f"{start}-{stop}": _rounded(factor) for (start, stop), factor in zip(told.bands, told.factors, strict=True)}
        quantiles = {name: [_rounded(value) for value in getattr(told, name)] for name in ("low", "median", "high")}
        layers.append({"lags": rows, "factors": bands, "half_life": told.half_life and _rounded(told.half_life)} | quantiles)
    return layers


def _rounded(value: float) -> float | None:
    return None if not np.isfinite(value) else round(float(value), 3)


def measured(loaded: Loaded, text: str, windows: int, losses: int) -> dict:
    """All numbers of one network: trained, and untrained with the biases named."""
    is_lstm = loaded.card["arguments"]["cell"] == "lstm"
    runs = {"trained": loaded}
    runs |= (
        {f"untrained, forget bias {bias:g}": untrained(loaded, 0, bias) for bias in BIASES} if is_lstm else {"untrained": untrained(loaded)}
    )
    found = {}
    for name, run in runs.items():
        found[name] = summary(curves(run, text, windows, losses))
        print(f"{loaded.name}, {name}: last layer, lags at quantiles {QUANTILES}: {found[name][-1]['lags']}", flush=True)
    return {"weights": fingerprint(loaded), "losses": windows * losses, "quantiles": QUANTILES, "runs": found}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", choices=list(corpora.CORPORA))
    parser.add_argument("--data", type=Path, help="text to measure on; the dev split of the corpus if left out")
    parser.add_argument("--windows", type=int, default=10)
    parser.add_argument("--losses", type=int, default=10, help="in each window")
    parser.add_argument("--file", type=Path, help="where the numbers go; CORPUS-gradients.json beside the checkpoints if left out")
    asked = parser.parse_args()
    text = corpora.read_text(asked.data) if asked.data else corpora.split(asked.corpus, corpora.read_text(corpora.find(asked.corpus)))[1]
    cards = models.available()
    names = [name for name, card in cards.items() if card["kind"] == "char_lm" and card["data"]["corpus"] == asked.corpus]
    found = {name: measured(models.load(name), text, asked.windows, asked.losses) for name in names}
    file = asked.file or models.folder_of_checkpoints() / f"{asked.corpus}-gradients.json"
    file.write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with sentences():
        main()
