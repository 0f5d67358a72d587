"""A caption taken apart: where each word looked, what it owes to the picture, which regions it needs, and what it is without some.

Importing this costs no torch; the first call brings it in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.records import Alignment
from models.captioning.occlusion import FILLS, Without, filled, without

if TYPE_CHECKING:
    from torch import Tensor

    from models.checkpoint import Loaded
    from models.decoding import Hypothesis, Search

WIDTH = 3  # hypotheses that a search keeps side by side


@dataclass(frozen=True, eq=False)
class CaptionRun:
    """A caption word by word.

    Args:
        text: As it is read.
        words: The end mark last where the caption came to an end, [out].
        grid: Rows and columns of the regions.
        gates: Visual gate of each word, [out], 0..1; None where the network has none.
        visual: log p(word | picture) - log p(word | mean picture), [out], nats.
        alignment: Where it looked; None where the network has no attention.
        likeliest: The likeliest words of each step, likeliest first, [out][rank].
        hypothesis: The caption as the search has it.
        hypotheses: All captions that the search kept, the best first.
        needed: What each word loses without each region, [out, in], nats; None where that was not worked out.
        without: What it is without the hidden regions; None where none is hidden.
    """

    text: str
    words: tuple[str, ...]
    grid: tuple[int, int]
    gates: np.ndarray | None
    visual: np.ndarray
    alignment: Alignment | None
    likeliest: list[list[str]]
    hypothesis: "Hypothesis" = field(repr=False)
    hypotheses: "tuple[Hypothesis, ...]" = field(repr=False)
    needed: np.ndarray | None = None
    without: Without | None = None

    def likely(self, word: int) -> list[tuple[str, float]]:
        """The words that were likeliest at a step, with their probabilities."""
        return list(zip(self.likeliest[word], np.exp(self.hypothesis.top_log_probabilities[word]).tolist(), strict=True))


def region_names(grid: tuple[int, int]) -> tuple[str, ...]:
    """What the regions of a grid are called, row by row, [in]."""
    return tuple(f"row {row + 1}, column {column + 1}" for row in range(grid[0]) for column in range(grid[1]))


def caption_run(loaded: "Loaded", features: "Tensor", width: int = WIDTH) -> CaptionRun:
    """The best caption of a picture, word by word.

    Args:
        loaded: A captioner.
        features: Its vectors of the picture, [in, channel].
        width: Hypotheses kept side by side; 1 is greedy.
    """
    from models.captioning.caption import describe

    module: Any = loaded.module
    hypotheses = describe(module, loaded.vocab, features, _search(width)).hypotheses
    return replace(run_of(loaded, features, hypotheses[0]), hypotheses=hypotheses)


def run_of(loaded: "Loaded", features: "Tensor", hypothesis: "Hypothesis") -> CaptionRun:
    """Any caption of a picture, word by word.

    Args:
        loaded: A captioner.
        features: Its vectors of the picture, [in, channel].
        hypothesis: The caption, of these features.
    """
    from models.captioning import caption

    module: Any = loaded.module
    tokens, grid = loaded.vocab.tokens, caption.grid(loaded)
    words = tuple(tokens[id_] for id_ in hypothesis.tokens)
    looked = hypothesis.attention
    return CaptionRun(
        text=loaded.vocab.decode(hypothesis.tokens),
        words=words,
        grid=grid,
        gates=caption.visual_gates(module, features, hypothesis),
        visual=caption.visual(module, features, hypothesis.tokens),
        alignment=None if looked is None else Alignment(region_names(grid), words, looked, grid),
        likeliest=[[tokens[id_] for id_ in step] for step in hypothesis.top],
        hypothesis=hypothesis,
        hypotheses=(hypothesis,),
    )


def hide_regions(loaded: "Loaded", run: CaptionRun, own: "Tensor", other: "Tensor", hidden: Sequence[int], width: int = WIDTH) -> Without:
    """A caption without some regions, hidden in two ways, and what its words cost then.

    Args:
        loaded: A captioner.
        run: Its caption of the whole picture.
        own: Its vectors of the whole picture, [in, channel].
        other: Its vectors of the picture with other pixels in those regions, [in, channel].
        hidden: Regions, counted from 0 row by row.
        width: Hypotheses kept side by side in the search for new captions.
    """
    return without(loaded, own, other, hidden, _search(width), run.hypothesis.tokens)


def caption_with_regions(
    loaded: "Loaded", picture: np.ndarray, hidden: Sequence[int] = (), fill: str = FILLS[0], width: int = WIDTH
) -> CaptionRun:
    """The best caption of a picture, what each word of it needs, and what it is with some regions hidden.

    Args:
        loaded: A captioner.
        picture: As a network sees it, [row, column, channel]; see models.captioning.images.squashed.
        hidden: Regions to hide, counted from 0 row by row.
        fill: What stands in hidden pixels, one of models.captioning.occlusion.FILLS.
        width: Hypotheses kept side by side; 1 is greedy.

    Raises:
        CheckpointError: its encoder is not here, or is another than the one it was trained with.
    """
    from models.captioning.caption import feature_extractor, occlusion_importance

    module: Any = loaded.module
    see = feature_extractor(loaded)
    own = see([picture])[0]
    run = caption_run(loaded, own, width)
    other = see([filled(picture, hidden, run.grid, fill)])[0]
    lost = occlusion_importance(module, own, run.hypothesis.tokens)
    return replace(run, needed=lost, without=hide_regions(loaded, run, own, other, hidden, width))


def _search(width: int) -> "Search":
    from models.captioning.caption import BEAM

    return replace(BEAM, width=width)
