"""Four tests of the attention of a translation network on about 400 dev sentence pairs; the answers go into its card.

`models.translation.attention_perturbation` runs the network on reference translations and returns arrays;
`explorer.analysis.attention_tests` computes the answers from them.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from explorer.analysis import attention_tests
from explorer.analysis.attention_tests import LIMITS, Alignment, Answer, Limits, Links
from models import corpora
from models.checkpoint import Loaded
from models.measurement import Measured, Report, Subject
from models.translation import data as translation_data
from models.translation import gold_alignments, ibm1
from models.translation.attention_perturbation import Probe, alike, probe
from models.translation.translate import by_words
from models.vocabulary.subwords import Subwords

QUESTIONS = ("looks", "beyond_position", "used", "points")
REPLACED = ("uniform", "permuted")  # replacements of the weights that test whether the output uses them


@dataclass(frozen=True)
class Options:
    """Options of this measurement."""

    data: Annotated[Path | None, "File of the sentence pairs it was trained on; default: those of its corpus."] = None


def measure(subject: Subject, options: Options, report: Report) -> Measured:
    """Test in four ways whether the attention of a translation network is real; the answers go into its card."""
    loaded = subject.network()
    pairs = translation_data.read(options.data or corpora.find(subject.training_data()))
    measured = card_field(loaded, pairs)
    lines = [as_text(name, answer) for name, answer in measured.items() if isinstance(answer, dict) and "says" in answer]
    return subject.measured(loaded, measured, lines, answers=measured)


def as_text(name: str, answer: dict[str, Any]) -> str:
    """An answer as a line of text."""
    interval = f"{answer['value']:.3f} ({answer['low']:.3f} to {answer['high']:.3f}) {answer['unit']}"
    return f"{name:16} {answer['says']:12} {interval}, {answer['sentences']} sentences"


def card_field(loaded: Loaded, pairs: Sequence[translation_data.Pair]) -> dict[str, Any]:
    """The "answers" field of a card; `pairs` are all training and dev pairs of the network."""
    module: Any = loaded.module
    parts = translation_data.split(pairs)
    whole, dev = (translation_data.turned(part, loaded.card["direction"]) for part in (parts.train + parts.dev, parts.dev))
    lexicon = lexicon_of(whole)
    probes = probe(module, loaded.vocab, alike(dev))
    measured: dict[str, Any] = {name: asdict(answer) for name, answer in answers(probes, loaded.vocab, lexicon).items()}
    measured["points_by_hand"] = by_hand(module, loaded.vocab, lexicon, gold_alignments.by_hand(loaded.card["direction"]))
    return {"split": "dev", "limits": asdict(LIMITS)} | measured | described(probes, loaded.vocab)


def answers(probes: Sequence[Probe], pieces: Subwords, lexicon: ibm1.Lexicon, limits: Limits = LIMITS) -> dict[str, Answer]:
    """The four answers, and `used_...` for each replacement of the weights: `used` is the one with the smaller cost."""
    own = [_by_pieces(probe, probe.weights, pieces) for probe in probes]
    permuted = [_by_pieces(probe, probe.permuted, pieces) for probe in probes]
    alignments = [_by_words(probe, pieces) for probe in probes]
    sizes = np.array([len(alignment.target) for alignment in alignments], float)
    costs = {name: np.array([probe.costs[name] for probe in probes]) for name in ("own", *REPLACED)}
    used = {f"used_{name}": attention_tests.used(costs["own"], costs[name], sizes, limits) for name in REPLACED}
    reference = [_reference(lexicon, alignment) for alignment in alignments]
    return {
        "looks": attention_tests.looks(own, permuted, [probe.order for probe in probes], limits),
        "beyond_position": attention_tests.beyond_position(alignments, limits),
        "used": min(used.values(), key=lambda answer: answer.value),
        "points": _points(alignments, reference, reference, limits),
        **used,
    }


def by_hand(module: Any, pieces: Subwords, lexicon: ibm1.Lexicon, hand: Sequence[gold_alignments.HandAligned]) -> dict[str, Any]:
    """The fourth test against human alignments, with the error rates of IBM model 1 and of the diagonal as baselines."""
    alignments = [_by_words(seen, pieces) for seen in probe(module, pieces, [(pair.source, pair.target) for pair in hand])]
    sure, possible = [pair.sure for pair in hand], [pair.possible for pair in hand]
    others = {
        "ibm1": [_reference(lexicon, alignment) for alignment in alignments],
        "diagonal": [_diagonal(alignment) for alignment in alignments],
    }
    answer = _points(alignments, sure, possible, LIMITS)
    return asdict(answer) | {name: attention_tests.error_rate(links, sure, possible) for name, links in others.items()}


def lexicon_of(pairs: Sequence[translation_data.Pair]) -> ibm1.Lexicon:
    """IBM model 1 fitted to the pairs: alignments for comparison that are independent of the network."""
    source, target = ([_plain(gold_alignments.words(pair[side])) for pair in pairs] for side in (0, 1))
    return ibm1.fit(source, target)


def described(probes: Sequence[Probe], pieces: Subwords) -> dict[str, float]:
    """Descriptive measures by words: entropy of the rows, 0..1, distance from the diagonal, and weight on the end mark."""
    weights = [_by_words(probe, pieces).weights for probe in probes]
    return {
        "evenness": float(np.nanmean(np.concatenate([attention_tests.evenness(rows) for rows in weights]))),
        "off_diagonal": float(np.mean([attention_tests.off_diagonal(rows) for rows in weights])),
        "on_end_mark": float(np.concatenate([rows[:, -1] for rows in weights]).mean()),
    }


def linked(alignments: Sequence[Alignment]) -> list[Links]:
    """A link from each target word to the source word with the largest weight; end marks have no links."""
    without = [Alignment(alignment.source, alignment.target[:-1], alignment.weights[:-1]) for alignment in alignments]
    return [attention_tests.strongest(alignment, len(alignment.source) - 1) for alignment in without]


def _points(alignments: Sequence[Alignment], sure: Sequence[Links], possible: Sequence[Links], limits: Limits) -> Answer:
    position = [_diagonal(alignment) for alignment in alignments]
    return attention_tests.points(linked(alignments), sure, possible, position, limits)


def _reference(lexicon: ibm1.Lexicon, alignment: Alignment) -> Links:
    """The links of IBM model 1 between the words of an alignment, end marks excluded."""
    return lexicon.links(_plain(alignment.source[:-1]), _plain(alignment.target[:-1]))


def _diagonal(alignment: Alignment) -> Links:
    return attention_tests.diagonal(len(alignment.target) - 1, len(alignment.source) - 1)


def _by_pieces(probe: Probe, weights: np.ndarray, pieces: Subwords) -> Alignment:
    source, target = (tuple(pieces.tokens[index] for index in side) for side in (probe.source, probe.target))
    return Alignment(source, target, weights)


def _by_words(probe: Probe, pieces: Subwords) -> Alignment:
    source, target, weights = by_words(pieces, probe.source, probe.target, probe.weights)
    return Alignment(tuple(source), tuple(target), weights)


def _plain(words: Sequence[str]) -> list[str]:
    """Words normalised as for IBM model 1."""
    return [word.casefold().replace("’", "'") for word in words]
