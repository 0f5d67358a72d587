"""Analysis of a caption: attention, gain from the picture, occlusion importance, and the caption with regions hidden.

Importing this module does not import torch; the first call does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.records import Alignment
from models.captioning.occlusion import FILLS, Without, filled, squares, without
from models.decoding import no_report

if TYPE_CHECKING:
    from torch import Tensor

    from models.checkpoint import Loaded
    from models.decoding import Hypothesis

WIDTH = 3  # default beam width
Keep = Callable[[tuple, Callable[[], Any]], Any]


@dataclass(frozen=True, eq=False)
class CaptionRun:
    """A caption word by word.

    Args:
        text: The caption as text.
        words: Its words, [out]; the end mark is last if the caption is complete.
        grid: Rows and columns of the regions.
        gates: Visual gate of each word, [out], 0..1; None if the network has none.
        visual: log p(word | picture) - log p(word | mean picture), [out], nats.
        alignment: Attention over the regions; None if the network has no attention.
        likeliest: The most likely words at each step, most likely first, [out][rank].
        hypothesis: The caption as a hypothesis of the search.
        hypotheses: All hypotheses of the search, best first.
        needed: Loss in log probability of each word without each region and, in a fine grid, its neighbours (see
            models.captioning.occlusion.squares), [out, in], nats; None if not computed.
        without: The caption without the hidden regions; None if none is hidden.
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
        """The most likely words at a step, with their probabilities."""
        return list(zip(self.likeliest[word], np.exp(self.hypothesis.top_log_probabilities[word]).tolist(), strict=True))


def region_names(grid: tuple[int, int]) -> tuple[str, ...]:
    """Names of the regions of a grid, row by row, [in]."""
    return tuple(f"row {row + 1}, column {column + 1}" for row in range(grid[0]) for column in range(grid[1]))


def keeper() -> Keep:
    """A cache for the parts of a result, each computed when it is first needed."""
    values: dict[tuple, Any] = {}

    def keep(part: tuple, compute: Callable[[], Any]) -> Any:
        if part not in values:
            values[part] = compute()
        return values[part]

    return keep


@dataclass(frozen=True, eq=False)
class PictureInput:
    """A picture, its captioner, and a cache for the parts of a result.

    The parts are cached separately because the occlusion map is slow and does not depend on which regions are hidden.

    Args:
        loaded: A captioner.
        extract: Function from pictures to features; see models.captioning.caption.feature_extractor.
        picture: Squashed picture, [row, column, channel]; see models.captioning.images.squashed.
        keep: Called with (part, compute) for each part of a result; returns its value, calling `compute()` if it is not cached.
    """

    loaded: "Loaded"
    extract: "Callable[[list[np.ndarray]], Tensor]"
    picture: np.ndarray
    keep: Keep = field(default_factory=keeper, repr=False)

    def features(self) -> "Tensor":
        """Features of the whole picture, [in, channel]."""
        return self.keep(("features",), lambda: self.extract([self.picture])[0])


def caption_run(source: PictureInput, width: int = WIDTH) -> CaptionRun:
    """The best caption of a picture, word by word.

    Args:
        source: The picture and the captioner.
        width: Beam width; 1 is greedy decoding.
    """
    return source.keep(("caption", width), lambda: run_of(source.loaded, source.features(), width=width))


def run_of(loaded: "Loaded", features: "Tensor", hypothesis: "Hypothesis | None" = None, width: int = WIDTH) -> CaptionRun:
    """A caption of a picture, word by word.

    Args:
        loaded: A captioner.
        features: Features of the picture, [in, channel].
        hypothesis: The caption for these features; default: the best result of a beam search.
        width: Beam width; 1 is greedy decoding.
    """
    from models.captioning import caption

    module: Any = loaded.module
    search = replace(caption.BEAM, width=width)
    hypotheses = (hypothesis,) if hypothesis else caption.describe(module, loaded.vocab, features, search).hypotheses
    best, tokens, grid = hypotheses[0], loaded.vocab.tokens, caption.grid(loaded)
    words = tuple(tokens[id_] for id_ in best.tokens)
    return CaptionRun(
        text=loaded.vocab.decode(best.tokens),
        words=words,
        grid=grid,
        gates=caption.visual_gates(module, features, best),
        visual=caption.visual(module, features, best.tokens),
        alignment=None if best.attention is None else Alignment(region_names(grid), words, best.attention, grid),
        likeliest=[[tokens[id_] for id_ in step] for step in best.top],
        hypothesis=best,
        hypotheses=hypotheses,
    )


def hide_regions(source: PictureInput, run: CaptionRun, hidden: tuple[int, ...], fill: str = FILLS[0], width: int = WIDTH) -> Without:
    """A caption with some regions hidden in two ways, and the change in log probability of its words.

    Args:
        source: The picture and the captioner.
        run: Its caption of the whole picture.
        hidden: Regions, counted from 0 row by row.
        fill: Replacement of hidden pixels, one of models.captioning.occlusion.FILLS.
        width: Beam width of the search for new captions.
    """
    from models.captioning.caption import BEAM

    search = replace(BEAM, width=width)

    def hide() -> Without:
        other = source.keep(("features", hidden, fill), lambda: source.extract([filled(source.picture, hidden, run.grid, fill)])[0])
        return without(source.loaded, source.features(), other, hidden, search, run.hypothesis.tokens)

    return source.keep(("without", hidden, fill, width), hide)


def taken_apart(
    source: PictureInput, hidden: tuple[int, ...] | None, fill: str, width: int, report: Callable[[int, int], None] | None = no_report
) -> CaptionRun:
    """The best caption of a picture, what each word of it needs, and what it is with some regions hidden.

    Args:
        source: The picture and the captioner.
        hidden: Regions to hide, counted from 0 row by row; None for no caption with hidden regions.
        fill: Replacement of hidden pixels, one of models.captioning.occlusion.FILLS.
        width: Beam width; 1 is greedy decoding.
        report: Called with (done, total) regions; may raise to stop. None for no occlusion map.
    """
    from models.captioning.caption import occlusion_importance

    module: Any = source.loaded.module
    run = caption_run(source, width)
    lost = None
    if report is not None:
        hidden_with = squares(run.grid)
        measure = lambda: occlusion_importance(module, source.features(), run.hypothesis.tokens, report, hidden_with)  # noqa: E731
        lost = source.keep(("needed", width), measure)
    return replace(run, needed=lost, without=None if hidden is None else hide_regions(source, run, hidden, fill, width))


def caption_with_regions(
    loaded: "Loaded", picture: np.ndarray, hidden: Sequence[int] = (), fill: str = FILLS[0], width: int = WIDTH
) -> CaptionRun:
    """The best caption of a picture, what each word of it needs, and what it is with some regions hidden.

    Args:
        loaded: A captioner.
        picture: Squashed picture, [row, column, channel]; see models.captioning.images.squashed.
        hidden: Regions to hide, counted from 0 row by row.
        fill: Replacement of hidden pixels, one of models.captioning.occlusion.FILLS.
        width: Beam width; 1 is greedy decoding.

    Raises:
        CheckpointError: its encoder is missing, or is not the one it was trained with.
    """
    from models.captioning.caption import feature_extractor

    return taken_apart(PictureInput(loaded, feature_extractor(loaded), picture), tuple(hidden), fill, width)
