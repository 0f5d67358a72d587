"""Is the attention of a checkpoint real? Four questions over some 400 sentence pairs of dev; the answers go into its card.

    python -m tests.measure_attention en-fr-additive [--file PATH] [--data PAIRS] [--json] [--dry]

Here two floors meet: `models.translation.attention_perturbation` feeds the truth to the network and gives arrays,
`explorer.analysis.attention_tests` answers.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import models
from explorer.analysis import attention_tests as asked
from explorer.analysis.attention_tests import LIMITS, Alignment, Answer, Limits, Links
from models import checkpoint, corpora
from models.checkpoint import Loaded
from models.translation import data as translation_data
from models.translation import gold_alignments, ibm1
from models.translation.attention_perturbation import Probe, alike, probe
from models.translation.translate import by_words
from models.vocabulary.subwords import Pieces
from tests.sentences import sentences

QUESTIONS = ("looks", "beyond_position", "used", "points")
REPLACED = ("uniform", "permuted")  # what stood in place of the weights, to see whether the output uses them


def answers(probes: Sequence[Probe], pieces: Pieces, lexicon: ibm1.Lexicon, limits: Limits = LIMITS) -> dict[str, Answer]:
    """The four answers, and `used_...` for each thing that stood in place of the weights: `used` is the one that cost less."""
    own = [_by_pieces(each, each.weights, pieces) for each in probes]
    permuted = [_by_pieces(each, each.permuted, pieces) for each in probes]
    words = [_by_words(each, pieces) for each in probes]
    sizes = np.array([len(each.target) for each in words], float)
    costs = {name: np.array([each.costs[name] for each in probes]) for name in ("own", *REPLACED)}
    used = {f"used_{name}": asked.used(costs["own"], costs[name], sizes, limits) for name in REPLACED}
    witness = [lexicon.links(*map(_plain, (each.source[:-1], each.target[:-1]))) for each in words]
    return {
        "looks": asked.looks(own, permuted, [each.order for each in probes], limits),
        "beyond_position": asked.beyond_position(words, limits),
        "used": min(used.values(), key=lambda answer: answer.value),
        "points": _points(words, witness, witness, limits),
        **used,
    }


def by_hand(module: Any, pieces: Pieces, lexicon: ibm1.Lexicon, hand: Sequence[gold_alignments.HandAligned]) -> dict[str, Any]:
    """The fourth question again, held against links made by people; the error rates of IBM model 1 and of the diagonal beside it."""
    words = [_by_words(each, pieces) for each in probe(module, pieces, [(pair.source, pair.target) for pair in hand])]
    sure, possible = [pair.sure for pair in hand], [pair.possible for pair in hand]
    shapes = [(len(each.target) - 1, len(each.source) - 1) for each in words]
    others = {
        "ibm1": [lexicon.links(*map(_plain, (each.source[:-1], each.target[:-1]))) for each in words],
        "diagonal": [asked.diagonal(*shape) for shape in shapes],
    }
    answer = _points(words, sure, possible, LIMITS)
    return asdict(answer) | {name: asked.error_rate(links, sure, possible) for name, links in others.items()}


def measured(loaded: Loaded, read: Sequence[translation_data.Pair]) -> dict[str, Any]:
    """What a card holds under "answers"."""
    module: Any = loaded.module
    parts = translation_data.split(read)
    whole, dev = (translation_data.turned(part, loaded.card["direction"]) for part in (parts.train + parts.dev, parts.dev))
    lexicon = lexicon_of(whole)
    probes = probe(module, loaded.vocab, alike(dev))
    told: dict[str, Any] = {name: asdict(answer) for name, answer in answers(probes, loaded.vocab, lexicon).items()}
    told["points_by_hand"] = by_hand(module, loaded.vocab, lexicon, gold_alignments.by_hand(loaded.card["direction"]))
    return {"split": "dev", "limits": asdict(LIMITS)} | told | described(probes, loaded.vocab)


def lexicon_of(whole: Sequence[translation_data.Pair]) -> ibm1.Lexicon:
    """IBM model 1 of some pairs: a witness that has never seen the network."""
    return ibm1.fit(*([_plain(gold_alignments.words(pair[side])) for pair in whole] for side in (0, 1)))


def described(probes: Sequence[Probe], pieces: Pieces) -> dict[str, float]:
    """What is no fault: how even rows are, 0..1, how far from the diagonal, and how much weight the end mark has, by words."""
    words = [_by_words(each, pieces) for each in probes]
    return {
        "evenness": float(np.nanmean(np.concatenate([asked.evenness(each.weights) for each in words]))),
        "off_diagonal": float(np.mean([asked.off_diagonal(each.weights) for each in words])),
        "on_end_mark": float(np.concatenate([each.weights[:, -1] for each in words]).mean()),
    }


def linked(words: Sequence[Alignment]) -> list[Links]:
    """What each target word looked at most; the end marks are no words, and none of them is linked."""
    without = [Alignment(each.source, each.target[:-1], each.weights[:-1]) for each in words]
    return [asked.strongest(each, len(each.source) - 1) for each in without]


def _points(words: Sequence[Alignment], sure: Sequence[Links], possible: Sequence[Links], limits: Limits) -> Answer:
    position = [asked.diagonal(len(each.target) - 1, len(each.source) - 1) for each in words]
    return asked.points(linked(words), sure, possible, position, limits)


def _by_pieces(each: Probe, weights: np.ndarray, pieces: Pieces) -> Alignment:
    return Alignment(*(tuple(pieces.tokens[number] for number in side) for side in (each.source, each.target)), weights)


def _by_words(each: Probe, pieces: Pieces) -> Alignment:
    source, target, weights = by_words(pieces, each.source, each.target, each.weights)
    return Alignment(tuple(source), tuple(target), weights)


def _plain(words: Sequence[str]) -> list[str]:
    """Words as IBM model 1 counts them."""
    return [word.casefold().replace("’", "'") for word in words]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="a translation network with an attention")
    parser.add_argument("--file", type=Path, help="checkpoint file; the one of that name in checkpoints/ if left out")
    parser.add_argument("--data", type=Path, help="the pairs it was trained on; those of its corpus if left out")
    parser.add_argument("--json", action="store_true", help="print the answers as JSON")
    parser.add_argument("--dry", action="store_true", help="leave the card as it is")
    given = parser.parse_args()
    file = given.file or models.folder_of_checkpoints() / f"{given.name}.safetensors"
    loaded = checkpoint.load(file)
    found = measured(loaded, translation_data.read(given.data or corpora.find(loaded.card["data"]["corpus"])))
    if not given.dry:
        checkpoint.update_card(file, answers=found)
    if given.json:
        print(json.dumps(found, indent=1))
        return
    for name, answer in found.items():
        if isinstance(answer, dict) and "says" in answer:
            print(
                f"{name:16} {answer['says']:12} {answer['value']:.3f} ({answer['low']:.3f} to {answer['high']:.3f}) {answer['unit']}, "
                f"{answer['sentences']} sentences"
            )


if __name__ == "__main__":
    with sentences():
        main()
