"""What a word of a caption depends on: the place where the network looked, the whole picture, or only the words before it.

Importing this module does not import torch; the first call does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.captioning.experiments.captions import WIDTH, CaptionRun, PictureInput, hide_regions
from models.captioning.occlusion import ACROSS, COARSE, FILLS, Without, around

GUESSES = 5  # most likely words


@dataclass(frozen=True, eq=False)
class Dependence:
    """What one word of a caption depends on.

    Args:
        regions: The place where the network looked for the word, see `looked_at`; empty if it has no attention.
        without: The captions without these regions; None if there are none.
        guesses: The most likely words, with probabilities, if the mean picture replaces the picture, given the same previous words.
        alone: Probability of the word itself then.
    """

    regions: tuple[int, ...]
    without: Without | None
    guesses: tuple[tuple[str, float], ...]
    alone: float


def looked_at(weights: np.ndarray, grid: tuple[int, int], side: int = ACROSS) -> tuple[int, ...]:
    """The regions of a grid that a network looked at most, counted from 0 row by row.

    In a fine grid a square of `side` regions around the one with the largest weight. In a coarse grid, where weights are spread over
    regions that all have seen most of the picture, the fewest regions that together hold half of the attention.

    Args:
        weights: Attention for one word, [in].
        grid: Rows and columns of the regions.
        side: Side of the square, in regions.
    """
    if grid[0] > COARSE:
        return around(divmod(int(np.argmax(weights)), grid[1]), grid, side)
    order = np.argsort(-weights, kind="stable")
    count = int(np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)) + 1
    return tuple(sorted(order[:count].tolist()))


def dependence(
    source: PictureInput, run: CaptionRun, word: int, regions: Sequence[int], fill: str = FILLS[0], width: int = WIDTH
) -> Dependence:
    """What a word of a caption depends on.

    Args:
        source: The picture and the captioner.
        run: Its caption of the whole picture.
        word: Index of the word.
        regions: The place to hide, see `looked_at`; may be empty.
        fill: Replacement of hidden pixels, one of models.captioning.occlusion.FILLS.
        width: Beam width of the search for new captions.
    """
    from models.captioning.caption import next_words

    module: Any = source.loaded.module
    tokens, names = run.hypothesis.tokens, source.loaded.vocab.tokens
    alone = source.keep(("alone", word, width), lambda: next_words(module, module.average, tokens[:word]))
    best = np.argsort(-alone, kind="stable")[:GUESSES]
    without = hide_regions(source, run, tuple(regions), fill, width) if regions else None
    return Dependence(tuple(regions), without, tuple((names[id_], float(alone[id_])) for id_ in best), float(alone[tokens[word]]))
