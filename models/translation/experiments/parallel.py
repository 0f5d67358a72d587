"""Parallel text of a visitor: the translation of each source, how near it is to the reference, and how surprising the reference is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.checkpoint import Loaded
from models.metrics import bleu
from models.translation.data import Pair
from models.translation.translate import GREEDY, log_probabilities, source_of, translate_all
from models.vocabulary.subwords import END


@dataclass(frozen=True, eq=False)
class PairScores:
    """What a network makes of pairs of sentences.

    Args:
        sources, references, translations: Texts, [pair].
        bleu, chrf: Of each translation against its one reference, 0..100, [pair].
        bits: Surprise per subword of the reference, its end mark included, under teacher forcing, [pair].
        corpus: BLEU and chrF of all pairs together, as models.metrics.bleu.scores gives them.
    """

    sources: tuple[str, ...]
    references: tuple[str, ...]
    translations: tuple[str, ...]
    bleu: np.ndarray
    chrf: np.ndarray
    bits: np.ndarray
    corpus: dict[str, Any]


def pair_scores(
    loaded: Loaded, pairs: Sequence[Pair], most: int, report: Callable[[int, int], None] = lambda done, total: None
) -> PairScores:
    """Translates every source greedily and scores it against its reference.

    Args:
        loaded: A translation network.
        pairs: Source and reference.
        most: Subwords of a sentence that are read; the rest is cut off.
        report: Called with (done, total) sentences, each counted twice: once translated, once as a reference; may raise to stop.
    """
    module: Any = loaded.module
    sources, references = (tuple(loaded.vocab.beginning(text, most) for text in side) for side in zip(*pairs, strict=True))
    count = len(pairs)
    translated = translate_all(module, loaded.vocab, sources, GREEDY, lambda done, total: report(done, 2 * count))
    translations = tuple(translation.text for translation in translated)
    bits = np.empty(count)
    for row, (source, reference) in enumerate(zip(sources, references, strict=True)):
        report(count + row, 2 * count)
        target = [*loaded.vocab.encode(reference), END]
        bits[row] = -log_probabilities(module, source_of(loaded.vocab, source), target).mean() / np.log(2)
    report(2 * count, 2 * count)
    alone = [[reference] for reference in references]
    scores = {name: np.array(values) for name, values in bleu.of_each(translations, alone).items()}
    return PairScores(sources, references, translations, scores["bleu"], scores["chrf"], bits, bleu.scores(translations, alone))
