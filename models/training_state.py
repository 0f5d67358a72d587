"""State files of trainings, read without executing anything in them; a damaged file is refused with an error that names it."""

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
from models.files import is_out_of_memory, opened


class Row(TypedDict):
    """A point of the training curve; older files lack some of the fields."""

    update: Index
    dev: float
    epoch: NotRequired[float]
    train: NotRequired[float]
    rate: NotRequired[float]
    seconds: NotRequired[float]


class Kept(BaseModel):
    """Fields of every state file: the recipe, the training curve and, once there is a curve, the best weights."""

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
            raise ValueError("the best weights have values that are not finite numbers")
        return self


class State(Kept):
    """Further fields for resuming a training: weights, optimiser, and position in the data."""

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
        form: `State` to resume from it, `Kept` to use the best weights only.
        device: Device of the tensors; None for the one they were saved from.

    Raises:
        TrainingError: there is no such file, it is damaged, or there is too little memory for it.
    """
    try:
        with opened(path) as file:
            _check_archive(file)
            state = torch.load(file, weights_only=True, map_location=device)
    except FileNotFoundError:
        raise TrainingError(f"{path} does not exist. Expected the state file of a training.") from None
    except Exception as error:  # torch raises a dozen kinds of errors for a damaged file
        if is_out_of_memory(error):
            raise TrainingError(f"{path} needs more memory than is free. Close other programs and try again; the file is kept.") from None
        reason = error.strerror if isinstance(error, OSError) else first_line(error)
        raise TrainingError(f"{path} is not the state file of a training ({reason}). Name a file that the command train wrote.") from None
    try:
        form.model_validate(state)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"])) or "all of it"
        raise TrainingError(f"{path} is damaged: {where}: {problem['msg']}. Delete it to start again.") from None
    return state


def first_line(error: Exception) -> str:
    """The first line of an error message, which can have many lines or none."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _check_archive(file: BinaryIO) -> None:
    """Refuses an archive with a wrong checksum, which torch does not check, and one that expands to more than its size."""
    size = file.seek(0, 2)
    if size == 0:
        raise ValueError("it ends at once")
    with zipfile.ZipFile(file) as archive:
        if sum(part.file_size for part in archive.infolist()) > size:
            raise ValueError("it is compressed")
        if damaged := archive.testzip():
            raise ValueError(f"{damaged} in it is damaged")
    file.seek(0)
