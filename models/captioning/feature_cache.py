"""What the encoder sees of many pictures, kept on disk: one small file a picture, so that a stopped run goes on."""

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
    """The encoder's checkpoint: among the others, else the one that comes with the project."""
    file = models.folder_of_checkpoints() / f"{encoder.NAME}.safetensors"
    return file if file.exists() else models.FOLDER / file.name


def encoder_sha256() -> str:
    """Checksum of the encoder's checkpoint: networks trained on its regions fit no other."""
    return hashlib.sha256(encoder_file().read_bytes()).hexdigest()


class FeatureCache:
    """The regions of some picture files, as float16; what is there already is not worked out again.

    It runs as a training does (`path`, `report`, `run`, `save`), so that the command line shows its progress and Ctrl-C
    stops it between two pictures.

    Args:
        files: Pictures.
        view: One of VIEWS.
        folder: Where to keep them; regions of other views and encoders may lie there too.
        mirrored: Whether each picture is looked at a second time, left and right exchanged.
    """

    def __init__(self, files: Sequence[Path], view: str, folder: Path, mirrored: bool = False):
        self.files, self.view, self.mirrored = list(files), view, mirrored
        self.path = folder / f"{view}-{encoder_sha256()[:12]}"
        self.report: Callable[[dict], None] = lambda row: None

    def run(self, every: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Look at every picture that was not looked at; `every(done, total)` follows each few."""
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
        """Nothing to do: every picture is kept as soon as it was looked at."""

    def path_of(self, file: Path, mirrored: bool = False) -> Path:
        """Where the regions of a picture lie, by the checksum of its file."""
        name = hashlib.sha256(file.read_bytes()).hexdigest()[:32]
        return self.path / f"{name}{MIRRORED if mirrored else ''}.npy"

    def read(self, files: Sequence[Path], mirrored: bool = False) -> Tensor:
        """The regions of pictures that were looked at, float16, [picture, in, channel].

        Raises:
            DataError: one is missing or damaged.
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
                raise DataError(f"{path} does not hold the regions of {file.name}. Delete it and start again.")
            features[index] = torch.from_numpy(values)
        return features
