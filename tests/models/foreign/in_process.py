"""Readers of files in this process: a child imports torch anew, which takes seconds."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from explorer.errors import CheckpointError
from models.family import named
from models.foreign import child


@pytest.fixture
def in_this_process(monkeypatch):
    """The reader of a file runs in this process."""

    def run(reader: str, file: Path, name: str) -> tuple[dict, bytes]:
        with TemporaryDirectory() as folder:
            try:
                said, arrays = named(reader)(file, Path(folder)), Path(folder, child.ARRAYS)
            except CheckpointError as error:
                raise CheckpointError(f"{name} {error}") from None
            return said, arrays.read_bytes() if arrays.is_file() else b""

    monkeypatch.setattr(child, "run", run)
