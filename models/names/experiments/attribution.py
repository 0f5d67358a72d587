"""Which letters of a name its predicted language depends on: attribution methods beside the effect of really deleting each letter.

The measurement repeats this for held-out names. Its result contains no names.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch

import explorer
import models
from explorer.analysis.attribution import METHODS, Comparison, as_text, summary
from explorer.errors import AnalysisError
from explorer.gradients.attribution import BASELINES, AttributionMethod, attributions
from models.checkpoint import Loaded
from models.measurement import Measured, Report, Subject, of_networks
from models.names.data import Names, find, read
from models.names.network import letters
from models.names.romanise import is_of_names
from models.vocabulary.characters import without_each

SHORTEST = 4  # letters of the names that are measured: a rank correlation over fewer says nothing


def comparison(loaded: Loaded, name: str, label: str | None = None, baseline: str = BASELINES[0]) -> Comparison:
    """Every method beside deletion, for the log probability of one language after a whole name.

    Args:
        loaded: A classifier.
        name: In any spelling; it is normalised for the network first.
        label: The language whose probability is explained; None for the predicted one.
        baseline: What a one-hot vector is compared with, "zero" or "mean", see `explorer.AttributionMethod`.

    Raises:
        AnalysisError: the name has fewer than two letters.
        RecordingError: the network has no recurrent layers that can be recorded.
    """
    tokens = letters(loaded, name)
    if len(tokens) < 2:
        raise AnalysisError("The name has fewer than 2 letters; expected some that can be deleted.")
    module: Any = loaded.module
    ids = torch.tensor(loaded.vocab.encode("".join(tokens) if is_of_names(loaded.card) else name))
    with explorer.record(module) as recording:
        logs = module(ids[None])[0][0, -1].double()
    labels = loaded.card["labels"]
    answer = int(logs.argmax()) if label is None else labels.index(label)
    methods = [AttributionMethod(method, baseline) for method in METHODS]
    scored = attributions(recording, lambda: module(ids[None])[0][:, -1, answer], methods, tokens, path="rnn")
    shorter = torch.tensor(without_each(ids.tolist()))
    with torch.inference_mode():
        without = module(shorter)[0][:, -1, answer].double()
    return Comparison(tokens, labels[answer], float(logs[answer]), (logs[answer] - without).numpy(), scored)


@dataclass(frozen=True)
class Options:
    """Options of this measurement."""

    names: Annotated[int, "Number of held-out names, evenly spaced in the list."] = 200
    file: Annotated[Path | None, "File to write the result to; default: CORPUS-attribution.json next to the checkpoints."] = None


def measure(subject: Subject, options: Options, report: Report) -> Measured:
    """Measure how far attribution methods agree with deletion in all classifiers of a collection; writes CORPUS-attribution.json."""
    corpus = subject.training_data()
    _, dev = read(find(corpus)).split()
    names = [name for name, card in models.available().items() if card["kind"] == "classifier" and card["data"]["corpus"] == corpus]
    file = options.file or models.folder_of_checkpoints() / f"{corpus}-attribution.json"
    return of_networks(names, lambda loaded: summary(comparisons(loaded, dev, options.names)), as_text, file, report)


def comparisons(loaded: Loaded, dev: Names, count: int) -> list[Comparison]:
    """Comparisons for the true language of names evenly spaced over a list, each of at least four letters."""
    long = [index for index, text in enumerate(dev.texts) if len(text) >= SHORTEST]
    chosen = [long[at] for at in np.linspace(0, len(long) - 1, min(count, len(long))).astype(int)]
    return [comparison(loaded, dev.texts[index], dev.labels[dev.targets[index]]) for index in chosen]
