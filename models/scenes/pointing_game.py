"""The pointing game: whether the region with the largest attention lies on the named thing, with four baselines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.captioning.images import Box, cell_box

BASELINES = ("centre", "brightest", "another_word", "another_picture")


@dataclass(frozen=True, eq=False)
class GroundedCaption:
    """A caption with the attention of each word and the bounding boxes of the things it names.

    Args:
        words: Words of the caption, [out].
        weights: Attention for each word, [out, in].
        boxes: Bounding box of the thing that each word names, or None, [out].
        sizes: Size class of that thing, [out]; empty if there is none.
        picture: The square input picture, [row, column, channel].
    """

    words: tuple[str, ...]
    weights: np.ndarray
    boxes: tuple[Box | None, ...]
    sizes: tuple[str, ...]
    picture: np.ndarray


def hit(weights: np.ndarray, box: Box, side: int) -> bool:
    """Whether the centre of the cell with the largest weight [in] of a square grid lies in a box of a picture of `side` pixels.

    There is no margin around the box, because a cell is smaller than any thing.

    Source: Zhang et al., "Top-down Neural Attention by Excitation Backprop", 2016, 4.2, with a margin of 0.
    """
    rows = round(len(weights) ** 0.5)
    cell = cell_box(*divmod(int(np.argmax(weights)), rows), (rows, rows), (side, side))
    return _inside((cell.left + cell.right) / 2, (cell.top + cell.bottom) / 2, box)


def _inside(x: float, y: float, box: Box) -> bool:
    return box.left <= x <= box.right and box.top <= y <= box.bottom


def _brightness(picture: np.ndarray, cells: int) -> np.ndarray:
    """Mean brightness of each cell, [in]."""
    rows = round(cells**0.5)
    side = len(picture) // rows
    grey = picture[: rows * side, : rows * side].astype(float) @ (0.299, 0.587, 0.114)
    return grey.reshape(rows, side, rows, side).mean((1, 3)).ravel()


def game(captions: Sequence[GroundedCaption]) -> dict[str, Any]:
    """Share of words whose attention map points at the thing they name, overall and by size, with four baselines.

    Only the last word of each name counts ("circle" in "a red circle"), because the words before it determine the thing.

    Args:
        captions: Captions with the boxes of the named things.

    Returns:
        For "all" and each size: n, attention, and the baselines: the centre of the picture; its brightest cell; the maps of the
        caption's words that do not name the thing (mean); the map of the same word in the next picture whose caption has it.
    """
    rows = []
    for index, one in enumerate(captions):
        for position, box in enumerate(one.boxes):
            last = position + 1 == len(one.boxes) or one.boxes[position + 1] != box
            if box is not None and last:
                rows.append((one.sizes[position], _answers(captions, index, position, box)))
    result = {}
    for size in ("all", *dict.fromkeys(sorted(size for size, _ in rows))):
        chosen = [answers for own_size, answers in rows if size in ("all", own_size)]
        shares = {key: _mean([row[key] for row in chosen if key in row]) for key in ("attention", *BASELINES)}
        result[size] = {"n": len(chosen)} | shares
    return result


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _answers(captions: Sequence[GroundedCaption], index: int, position: int, box: Box) -> dict[str, float]:
    one = captions[index]
    side = len(one.picture)
    others = [hit(row, box, side) for row, at in zip(one.weights, one.boxes, strict=True) if at != box]
    answers: dict[str, float] = {
        "attention": hit(one.weights[position], box, side),
        "centre": _inside(side / 2, side / 2, box),
        "brightest": hit(_brightness(one.picture, one.weights.shape[1]), box, side),
    }
    if others:
        answers["another_word"] = float(np.mean(others))
    for step in range(1, len(captions)):
        other = captions[(index + step) % len(captions)]
        if one.words[position] in other.words:
            answers["another_picture"] = hit(other.weights[other.words.index(one.words[position])], box, side)
            break
    return {key: float(value) for key, value in answers.items()}
