"""The weights that a network computes with, where its file keeps them in parts: weight and spectral normalisation, pruning, weight drop."""

import re
from collections.abc import Callable, Mapping

import numpy as np

Tensors = Mapping[str, np.ndarray]


def _normalised(direction: np.ndarray, size: np.ndarray) -> np.ndarray | None:
    """Weight normalisation: a direction [...] of a given length [...], which has one value for each row, or one in all."""
    if size.size > 1 and (
        size.ndim != direction.ndim or any(high not in (1, wide) for high, wide in zip(size.shape, direction.shape, strict=True))
    ):
        return None
    axes = tuple(axis for axis in range(direction.ndim) if size.size == 1 or size.shape[axis] == 1)
    with np.errstate(all="ignore"):
        return direction * (size.reshape(size.shape if size.size > 1 else ()) / np.sqrt((direction**2).sum(axes, keepdims=True)))


def _spectral(weight: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray | None:
    """Spectral normalisation: a weight [output, ...] divided by its largest singular value, whose vectors the file keeps."""
    if weight.ndim < 2 or left.shape != weight.shape[:1] or right.shape != (weight[0].size,):
        return None
    with np.errstate(all="ignore"):
        return weight / (left @ weight.reshape(len(weight), -1) @ right)


def _masked(weight: np.ndarray, mask: np.ndarray) -> np.ndarray | None:
    """Pruning: a weight [...] times its mask [...]."""
    return weight * mask if weight.shape == mask.shape else None


# Endings of the parts after the name of a weight, and what they make up; {0} is the weight's own name.
FORMS: tuple[tuple[tuple[str, ...], Callable[..., np.ndarray | None]], ...] = (
    (("{0}_v", "{0}_g"), _normalised),
    (("parametrizations.{0}.original1", "parametrizations.{0}.original0"), _normalised),
    (("{0}_orig", "{0}_u", "{0}_v"), _spectral),
    (("parametrizations.{0}.original", "parametrizations.{0}.0._u", "parametrizations.{0}.0._v"), _spectral),
    (("{0}_orig", "{0}_mask"), _masked),
    (("{0}_raw",), lambda raw: raw),
)
OWN_NAME = r"(?P<own>(?:weight|bias)\w*?)"


def effective(tensors: Tensors) -> dict[str, np.ndarray]:
    """The same tensors [...], with one for each weight that is kept in parts, under the name that it has without them.

    Parts that do not fit one another stay as they are.

    Args:
        tensors: Arrays by their names in the file.
    """
    whole = dict(tensors)
    for endings, made in FORMS:
        first = re.compile(r"^(?P<before>(?:.*\.)?)" + re.escape(endings[0]).replace(re.escape("{0}"), OWN_NAME) + "$")
        for match in [match for name in whole if (match := first.match(name))]:
            parts = [match["before"] + ending.format(match["own"]) for ending in endings]
            values = [whole[part] for part in parts if part in whole and whole[part].dtype.kind in "fiub"]
            value = made(*values) if len(values) == len(parts) else None
            if value is not None:
                whole = _replaced(whole, parts, match["before"] + match["own"], value.astype(np.float32))
    return whole


def _replaced(tensors: Tensors, parts: list[str], name: str, value: np.ndarray) -> dict[str, np.ndarray]:
    """Tensors with a value [...] in the place of its parts."""
    others = {key: old for key, old in tensors.items() if key != name}
    return {name if key == parts[0] else key: value if key == parts[0] else old for key, old in others.items() if key not in parts[1:]}
