"""Cache of encoder features on disk, one small file per picture, so that a stopped run can resume."""

import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import models
from models import checkpoint
from models.captioning import encoder
from models.captioning.encoder import SIDE_BY_SIDE, VIEWS, regions
from models.captioning.images import opened, squashed
from models.corpora import DataError
from models.files import write_atomically

MIRRORED = "-mirrored"


def encoder_file() -> Path:
    """The encoder's checkpoint: the one in the checkpoints folder, else the one distributed with the project."""
    file = models.file_of(f"{encoder.NAME}.safetensors")
    return file if file.exists() else models.FOLDER / file.name


def encoder_sha256() -> str:
    """Checksum of the encoder's checkpoint; networks trained on its features fit no other encoder."""
    return hashlib.sha256(encoder_file().read_bytes()).hexdigest()


class FeatureCache:
    """Float16 features of picture files; features already on disk are not computed again.

    It has the interface of a training (`path`, `report`, `run`, `save`), so that the command line shows its progress and
    Ctrl-C stops it between two pictures.

    Args:
        files: Picture files.
        view: One of VIEWS.
        folder: Folder of the cache; it may also hold features of other views and encoders.
        mirrored: Whether to encode each picture a second time, mirrored.
    """

    def __init__(self, files: Sequence[Path], view: str, folder: Path, mirrored: bool = False):
        self.files, self.view, self.mirrored = list(files), view, mirrored
        self.path = folder / f"{view}-{encoder_sha256()[:12]}"
        self.report: Callable[[dict], None] = lambda row: None

    def run(self, every: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Encodes every picture that is not in the cache; calls `every(done, total)` after each batch."""
        missing = [(file, turned) for file in self.files for turned in (False, True)[: 1 + self.mirrored]]
        missing = [pair for pair in missing if not self.path_of(*pair).exists()]
        if not missing:
            return
        module = checkpoint.load(encoder_file()).module
        for start in range(0, len(missing), SIDE_BY_SIDE):
            part = missing[start : start + SIDE_BY_SIDE]
            seen = [squashed(opened(file)) for file, _ in part]
            seen = [picture[:, ::-1] if turned else picture for picture, (_, turned) in zip(seen, part, strict=True)]
            for pair, values in zip(part, regions(module, seen, self.view), strict=True):  # pyright: ignore[reportArgumentType]
                content = io.BytesIO()
                np.save(content, values.numpy().astype(np.float16))
                write_atomically(self.path_of(*pair), content.getvalue())
            every(start + len(part), len(missing))

    def save(self) -> None:
        """Nothing to do: features are saved as soon as they are computed."""

    def path_of(self, file: Path, mirrored: bool = False) -> Path:
        """Cache file of a picture, named by the checksum of the picture file."""
        name = hashlib.sha256(file.read_bytes()).hexdigest()[:32]
        return self.path / f"{name}{MIRRORED if mirrored else ''}.npy"

    def read(self, files: Sequence[Path], mirrored: bool = False) -> Tensor:
        """Cached features of pictures, float16, [picture, in, channel].

        Raises:
            DataError: a cache file is missing or damaged.
        """
        view = VIEWS[self.view]
        shape = (view.grid[0] * view.grid[1], view.channels)
        features = torch.empty(len(files), *shape, dtype=torch.float16)
        for index, file in enumerate(files):
            path = self.path_of(file, mirrored)
            try:
                values = np.load(path, allow_pickle=False)
            except (OSError, ValueError):
                values = np.empty(0)
            if values.shape != shape or values.dtype != np.float16:
                raise DataError(f"{path} does not hold the features of {file.name}. Delete it and start again.")
            features[index] = torch.from_numpy(values)
        return features
