"""Files that whoever started the server gave on the command line, for the page "Your model"."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import CheckpointError
from models.checkpoint import LARGEST
from models.files import opened
from models.foreign.listed import read_list

LIVE = "EXPLORER_LIVE"  # as in explorer.recording.live_module
VARIABLE = "EXPLORER_GIVEN"  # of the environment, because the server runs the pages as scripts


@dataclass(frozen=True)
class Given:
    """Files of a command line.

    Args:
        files: Checkpoints and weights.
        vocabulary: Their list of tokens; None: their own, or a known alphabet.
    """

    files: tuple[Path, ...] = ()
    vocabulary: Path | None = None

    @property
    def live(self) -> dict[str, str] | None:
        """Name, address and key of a module of the session that started the server with explorer.open; None if there is none."""
        return json.loads(os.environ[LIVE]) if LIVE in os.environ else None


def give(given: Given) -> None:
    """Hand files to the pages of this process, after looking at them.

    Raises:
        CheckpointError: one is missing, too large, or no list of tokens.
    """
    for file in given.files:
        content_of(file)
    if given.vocabulary is not None:
        read_list(content_of(given.vocabulary), given.vocabulary.name)
    paths = [str(file.resolve()) for file in given.files]
    os.environ[VARIABLE] = json.dumps({"files": paths, "vocabulary": given.vocabulary and str(given.vocabulary.resolve())})


def given() -> Given:
    """The files that were given to this process; none if it was started without any."""
    said = json.loads(os.environ.get(VARIABLE, "{}"))
    return Given(tuple(map(Path, said.get("files", ()))), said.get("vocabulary") and Path(said["vocabulary"]))


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
