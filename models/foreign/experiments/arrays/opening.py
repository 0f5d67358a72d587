"""Which readings a file without weights allows: activations over tokens or series, or alignments; the likeliest first."""

from dataclasses import dataclass
from pathlib import Path

from explorer.errors import CheckpointError
from explorer.records import Alignment
from models.foreign.archives import names_in_zip
from models.foreign.experiments.arrays.activations import FRESH, READ, TIMES, TOKENS, Recorded, recorded
from models.foreign.experiments.arrays.alignments import SOURCE, TARGET, WEIGHTS, is_matrix, of_matrix, of_text
from models.foreign.experiments.arrays.contents import PARQUET, Contents, contents

ACTIVATIONS, ALIGNMENTS = "units over time", "alignment"
STATES = ("hidden", "cell", "activations", "states", "units", "about")  # names that speak of a recording and of no weights


@dataclass(frozen=True, eq=False)
class Readings:
    """What a file holds, in each way in which it can be read.

    Args:
        activations: Tokens or series and units; None if it cannot be read so.
        alignments: Alignments; empty if it cannot be read so.
        first: The likelier of the two, ACTIVATIONS or ALIGNMENTS.
    """

    activations: Recorded | None
    alignments: tuple[Alignment, ...]
    first: str

    @property
    def ways(self) -> list[str]:
        """All ways in which the file can be read, the likeliest first."""
        ways = [ACTIVATIONS] * (self.activations is not None) + [ALIGNMENTS] * bool(self.alignments)
        return sorted(ways, key=lambda way: way != self.first)


def open_arrays(content: bytes, file: str) -> Readings:
    """Read a file of arrays in every way that it allows.

    Args:
        content: The bytes of the file.
        file: Its name.

    Raises:
        CheckpointError: it allows none; the sentence is that of the likeliest.
    """
    ending = Path(file).suffix.casefold()
    is_text = not content.startswith((b"PK", PARQUET)) and ending not in (".csv", ".tsv")
    if is_text and (ending in (".json", ".jsonl", ".align") or b"|||" in content[:10_000] or content.lstrip()[:1] in (b"{", b"[")):
        return Readings(None, tuple(of_text(content, file)), ALIGNMENTS)
    read = contents(content, file)
    is_aligned = is_matrix(read)
    try:
        activations = recorded(read)
    except CheckpointError:
        if not is_aligned:
            raise
        activations = None
    alignments = (of_matrix(read),) if is_aligned else ()
    return Readings(activations, alignments, ALIGNMENTS if is_aligned and _is_alignment_first(read) else ACTIVATIONS)


def _is_alignment_first(read: Contents) -> bool:
    """Whether a file that may be an alignment is one: by its names, or because a table has nothing but the matrix."""
    names = {name.casefold() for name in (*read.arrays, *read.texts)}
    return bool(read.rows) or bool(names & set(WEIGHTS)) or bool(names & set(SOURCE) and names & set(TARGET))


def is_recording(content: bytes, file: str) -> bool:
    """Whether an .npz speaks of a recording or an alignment by the names of its arrays, and so holds no weights."""
    if not content.startswith(b"PK"):
        return False
    names = {name.removesuffix(".npy").casefold() for name in names_in_zip(content, repr(file[:100]))}
    known = {*TOKENS, *TIMES, *READ, *STATES, *WEIGHTS, FRESH} - {"weights"}
    return bool(names & known) or ("weights" in names and bool(names & {*SOURCE, *TARGET}))
