"""State files of trainings: nothing in them is executed, and a damaged one is refused with a sentence that names it."""

import math
import zipfile
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NotRequired, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from torch import Tensor
from typing_extensions import TypedDict

from models.card import Index
from models.family import TrainingError
from models.files import opened


class Row(TypedDict):
    """A dev score; older files lack some of it."""

    update: Index
    dev: float
    epoch: NotRequired[float]
    train: NotRequired[float]
    rate: NotRequired[float]
    seconds: NotRequired[float]


class Kept(BaseModel):
    """What every state file holds: the recipe, the training curve, and the best weights, which are there once there is a curve."""

    model_config = ConfigDict(strict=True, extra="allow", arbitrary_types_allowed=True)

    recipe: dict[str, Any]
    curve: list[Row]
    best: dict[str, Tensor]

    @model_validator(mode="after")
    def _best_of_its_curve(self) -> Self:
        updates = [row["update"] for row in self.curve]
        is_scored = bool(self.curve) and math.isfinite(self.curve[0]["dev"])
        if updates != sorted(updates) or is_scored > bool(self.best) or bool(self.best) > bool(self.curve):
            raise ValueError("the curve does not fit the best weights")
        if not all(weights.isfinite().all() for weights in self.best.values()):
            raise ValueError("the best weights hold values that are no numbers")
        return self


class State(Kept):
    """What a training needs beside, to go on: weights, optimiser, and where in the data it is."""

    module: dict[str, Tensor]
    optimiser: dict[str, Any]
    update: Index
    stale: Index
    seconds: Annotated[float, Field(ge=0, le=1e12)]
    carry: Tensor | tuple[Tensor, ...] | None
    rng: Tensor
    averaged: dict[str, Tensor] | None = None

    @model_validator(mode="after")
    def _one_moment(self) -> Self:
        if self.stale > len(self.curve) or any(row["update"] > self.update for row in self.curve):
            raise ValueError("the curve does not fit the updates")
        if self.update and not self.optimiser.get("state"):
            raise ValueError("the optimiser lacks its averages")
        return self


def read(path: Path, form: type[Kept], device: str | None = "cpu") -> dict[str, Any]:
    """A state file, its fields checked.

    Args:
        path: The file.
        form: `State` to go on from it, `Kept` to use what was learnt.
        device: Where its tensors are put; None for where they were.

    Raises:
        TrainingError: there is no such file, or it is damaged.
    """
    try:
        with opened(path) as file:
            _check_archive(file)
            state = torch.load(file, weights_only=True, map_location=device)
    except FileNotFoundError:
        raise TrainingError(f"{path} does not exist. Expected the state file of a training.") from None
    except Exception as error:  # torch raises a dozen kinds for a damaged file
        reason = error.strerror if isinstance(error, OSError) else first_line(error)
        raise TrainingError(f"{path} is no state file of a training ({reason}).") from None
    try:
        form.model_validate(state)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"])) or "all of it"
        raise TrainingError(f"{path} is damaged: {where}: {problem['msg']}. Delete it to start anew.") from None
    return state


def first_line(error: Exception) -> str:
    """The first line of what torch says, which may be many or none."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _check_archive(file: BinaryIO) -> None:
    """Refuse an archive with a wrong checksum, which torch does not look at, or one that unfolds to more than it is."""
    size = file.seek(0, 2)
    if size == 0:
        raise ValueError("it ends at once")
    with zipfile.ZipFile(file) as archive:
        if sum(part.file_size for part in archive.infolist()) > size:
            raise ValueError("it is compressed")
        if damaged := archive.testzip():
            raise ValueError(f"{damaged} in it is damaged")
    file.seek(0)
