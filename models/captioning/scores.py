"""Scores of captions against five human references: BLEU-1 to 4 and CIDEr-D, and the same for the human captions themselves."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from models.metrics import bleu
from models.metrics.cider import cider_d
from models.vocabulary.words import plain

FORM = "small letters, no punctuation, in captions and references alike (models/vocabulary/words.py)"
# A rough guide only: other features, another vocabulary, a test set, and no brevity penalty.
PUBLISHED = {
    "source": "Xu et al., Show, Attend and Tell, 2015, table 1: soft attention, Flickr8k test, VGG features",
    "without_brevity_penalty": [67.0, 44.8, 29.9, 19.5],
}
References = Sequence[Sequence[str]]


def in_form(references: References) -> list[list[str]]:
    """References normalised to the form of captions."""
    return [[" ".join(plain(version)) for version in versions] for versions in references]


def scored(captions: Sequence[str], references: References, draws: int = bleu.DRAWS) -> dict[str, Any]:
    """BLEU-1 to 4 with intervals and related values, see `bleu.by_order`, and CIDEr-D; references are given as written."""
    wanted = in_form(references)
    return bleu.by_order(captions, wanted, draws) | {"cider_d": cider_d(captions, wanted), "images": len(captions), "form": FORM}


def against_four(captions: Sequence[str] | None, references: References) -> dict[str, Any]:
    """Scores against four references, averaged over which of the five is left out.

    Args:
        captions: Captions of a network, compared with the remaining four; None scores the human caption that was left out.
        references: Five references per picture; pictures with fewer are skipped.
    """
    rows = [row for row, versions in enumerate(references) if len(versions) == 5]
    wanted = in_form([references[row] for row in rows])
    results = []
    for left in range(5 if rows else 0):
        said = [versions[left] for versions in wanted] if captions is None else [captions[row] for row in rows]
        results.append(bleu.by_order(said, [[v for index, v in enumerate(versions) if index != left] for versions in wanted], draws=0))
    if not results:
        return {"images": 0}
    means = {key: [fmean(result[key][order] for result in results) for order in range(4)] for key in ("bleu", "without_brevity_penalty")}
    return means | {"images": len(rows)}
