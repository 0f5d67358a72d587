"""Files that whoever started the server gave on the command line, for the page "Your model"."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import CheckpointError
from models.checkpoint import LARGEST
from models.files import opened
from models.foreign.listed import read_list

LIVE = "EXPLORER_LIVE"  # as in explorer.recording.live_module
MOST_FILES = 500  # of a folder that are listed
VARIABLE = "EXPLORER_GIVEN"  # of the environment, because the server runs the pages as scripts


@dataclass(frozen=True)
class Given:
    """Files of a command line.

    Args:
        files: Checkpoints and weights.
        vocabulary: Their list of tokens; None: their own, or a known alphabet.
        models: A folder of Python files, each of which may be run; None: there is none.
    """

    files: tuple[Path, ...] = ()
    vocabulary: Path | None = None
    models: Path | None = None

    @property
    def live(self) -> dict[str, str] | None:
        """Name, address and key of a module of the session that started the server with explorer.open; None if there is none."""
        return json.loads(os.environ[LIVE]) if LIVE in os.environ else None

    def python_files(self) -> dict[str, Path]:
        """The Python files of the folder now, by name; those whose name begins with "_" or "." are parts of others."""
        if self.models is None:
            return {}
        with suppress(OSError):
            files = sorted(file for file in self.models.glob("*.py") if file.is_file() and not file.name.startswith(("_", ".")))
            return {file.name: file for file in files[:MOST_FILES]}
        return {}


def give(given: Given) -> None:
    """Hand files to the pages of this process, after looking at them.

    Raises:
        CheckpointError: one is missing, too large, or no list of tokens; or the folder is none.
    """
    for file in given.files:
        content_of(file)
    if given.vocabulary is not None:
        read_list(content_of(given.vocabulary), given.vocabulary.name)
    if given.models is not None and not given.models.is_dir():
        raise CheckpointError(f"{given.models} is no folder. Expected one with Python files that define build() and encode(text).")
    others = {name: path and str(path.resolve()) for name, path in (("vocabulary", given.vocabulary), ("models", given.models))}
    os.environ[VARIABLE] = json.dumps({"files": [str(file.resolve()) for file in given.files]} | others)


def given() -> Given:
    """The files that were given to this process; none if it was started without any."""
    said = json.loads(os.environ.get(VARIABLE, "{}"))
    vocabulary, models = (Path(said[name]) if said.get(name) else None for name in ("vocabulary", "models"))
    return Given(tuple(map(Path, said.get("files", ()))), vocabulary, models)


def content_of(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        CheckpointError: it does not exist, cannot be read, or is too large.
    """
    try:
        with opened(path) as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist. Expected a file of weights, or a list of tokens.") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}).") from None
    if len(content) > LARGEST:
        raise CheckpointError(f"{path} has more than {LARGEST // 1_000_000:,} MB, the most that can be opened here.")
    return content
