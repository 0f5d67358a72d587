"""Which earlier characters a prediction depends on: attribution methods beside the effect of really deleting each character.

The measurement repeats this at evenly spaced places of the dev text. Its result contains no text.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor

import explorer
import models
from explorer.analysis.attribution import METHODS, Attribution, Comparison, as_text, summary
from explorer.errors import AnalysisError
from explorer.gradients.attribution import BASELINES, AttributionMethod, attributing
from models import corpora
from models.char_lm.experiments.gradients import BEFORE, networks_of
from models.char_lm.reading import CHUNK, Stream, numbers
from models.checkpoint import Loaded
from models.measurement import Measured, Report, Subject, of_networks
from models.vocabulary.characters import without_each

SPAN = 60  # characters before a prediction that are scored
# Of integrated gradients. Median completeness error at 40 predictions in held-out text, with 50 steps and with 100: wiki-lstm .04 and .007
# nats, wiki-gru .13 and .02, wiki-rnn 3.4 and 3.0, which does not converge. At a tenth of the predictions wiki-lstm stays above .3.
STEPS = 100


@dataclass(frozen=True)
class Prediction:
    """The next character after a text, and the characters on which its prediction may depend.

    Args:
        text: The text that is read; the prediction is made after its last character.
        span: Number of its last characters that are scored.
        target: The character whose probability is explained; None for the most likely one.
        before: Text that is read first, as a warm-up.
    """

    text: str
    span: int = SPAN
    target: str | None = None
    before: str = ""


def comparison(
    loaded: Loaded,
    prediction: Prediction,
    baseline: str = BASELINES[0],
    state: Any = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Comparison:
    """Every method beside deletion, for the log probability of one character after a text.

    Args:
        loaded: The network.
        prediction: What is explained.
        baseline: What an embedding is compared with, "zero" or "mean", see `explorer.AttributionMethod`.
        state: Recurrent state before the text, if it is known; else the warm-up is read from the zero state.
        report: Called with (done, total): one for each method, and one for deletion; may raise to stop.

    Raises:
        AnalysisError: the text has fewer than two characters.
        RecordingError: the network has no recurrent layers that can be recorded.
    """
    text = prediction.text
    if len(text) < 2 or prediction.span < 2:
        raise AnalysisError("There are fewer than 2 characters before the prediction; expected some that can be deleted.")
    module: Any = loaded.module
    start = max(0, len(text) - prediction.span)
    rows = len(METHODS) + 1
    ids, state = numbers(loaded, text[start:]), _after(loaded, prediction, text[:start], state, lambda: report(0, rows))
    with explorer.record(module) as recording:
        logs = module(ids[None], state)[0][0, -1].double().log_softmax(-1)
    answer = int(logs.argmax()) if prediction.target is None else int(numbers(loaded, prediction.target)[0])
    output = lambda: module(ids[None], state)[0][:, -1].log_softmax(-1)[:, answer]  # noqa: E731
    scored: list[Attribution] = []
    with attributing(recording, output, tuple(text[start:])) as score:
        for name in METHODS:
            scored.append(score(AttributionMethod(name, baseline, STEPS)))
            report(len(scored), rows)
    deleted = logs[answer] - after_deletions(loaded, ids, state)[:, answer]
    predicted = str(loaded.vocab.tokens[answer]) if prediction.target is None else prediction.target
    return Comparison(tuple(text[start:]), predicted, float(logs[answer]), deleted.numpy(), tuple(scored))


def after_deletions(loaded: Loaded, ids: Tensor, state: Any) -> Tensor:
    """Log probabilities of the next character after a text without one of its characters, read again, [deleted, vocab], float64.

    Args:
        loaded: The network.
        ids: The text, [time], at least two characters.
        state: Recurrent state before it, None for zeros.
    """
    module: Any = loaded.module
    shorter = torch.tensor(without_each(ids.tolist()))
    parts = () if state is None else state if isinstance(state, tuple) else (state,)
    wide = tuple(part.expand(-1, len(ids), -1).contiguous() for part in parts)
    with torch.inference_mode():
        logits, _ = module(shorter, wide if len(wide) > 1 else wide[0] if wide else None)
        return logits[:, -1].double().log_softmax(-1)


def _after(loaded: Loaded, prediction: Prediction, text: str, state: Any, report: Callable[[], None]) -> Any:
    """Recurrent state after the part of the text that is not scored."""
    stream = Stream(loaded, "" if state is not None else prediction.before)
    stream.state = stream.state if state is None else state
    for at in range(0, len(text), CHUNK):
        report()
        stream.read(numbers(loaded, text[at : at + CHUNK]))
    return stream.state


@dataclass(frozen=True)
class Options:
    """Options of this measurement."""

    data: Annotated[Path | None, "Text to measure on; default: the dev split of the training text."] = None
    predictions: Annotated[int, "Number of evenly spaced predictions."] = 200
    span: Annotated[int, "Number of characters before each prediction that are scored."] = SPAN
    file: Annotated[Path | None, "File to write the result to; default: CORPUS-attribution.json next to the checkpoints."] = None


def measure(subject: Subject, options: Options, report: Report) -> Measured:
    """Measure how far attribution methods agree with deletion in all networks of a training text; writes CORPUS-attribution.json."""
    corpus = subject.training_data()
    text = corpora.dev_text(corpus, options.data)
    file = options.file or models.folder_of_checkpoints() / f"{corpus}-attribution.json"
    one = lambda loaded: summary(comparisons(loaded, text, options.predictions, options.span))  # noqa: E731
    return of_networks(networks_of(corpus), one, as_text, file, report, span=options.span)


def comparisons(loaded: Loaded, text: str, count: int, span: int = SPAN) -> list[Comparison]:
    """Comparisons for the actual next character at positions evenly spaced over a text, each after a warm-up of 500 characters."""
    places = np.linspace(BEFORE + span, len(text) - 1, count).astype(int)
    return [comparison(loaded, Prediction(text[at - span - BEFORE : at], span, text[at])) for at in places]
