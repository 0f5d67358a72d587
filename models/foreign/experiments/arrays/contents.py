"""Columns and arrays by name, from the files in which people keep them: .npz, .csv and .tsv, .parquet. Nothing is unpickled."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from explorer.errors import CheckpointError, ExplorerError
from models import tables
from models.foreign import child
from models.foreign.archives import names_in_zip, parts_of_npz
from models.foreign.tokens import MOST

ENDINGS = ("npz", "parquet", "csv", "tsv", "json", "txt", "align")
PARQUET = b"PAR1"
LARGEST_TEXT = 50_000_000  # bytes of a table as text
MOST_CELLS = 3_000_000
LARGEST_MATRIX = 200  # rows and columns of a table that may be one alignment
MOST_COLUMNS = 5_000
LONGEST_NAME = 200
MISSING = ("", "na", "nan", "n/a", "null", "none", "-", "?")
DATE = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d(:\d\d(:\d\d(\.\d+)?)?)?)?)?(Z|[+-]00:?00)?")


@dataclass(frozen=True, eq=False)
class Contents:
    """What a file holds, in its order.

    Args:
        file: Its name, for sentences.
        form: What it is, for a sentence: "a table".
        arrays: Numbers [...] by name, float; nan where one is missing.
        texts: Lists of texts by name, [row].
        times: Dates by name, datetime64 [row].
        notes: Sentences on what was left out or assumed.
        rows: The cells of a small table with its heading, [row, column]; for matrices without a heading.
    """

    file: str
    form: str
    arrays: dict[str, np.ndarray]
    texts: dict[str, tuple[str, ...]]
    times: dict[str, np.ndarray]
    notes: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def contents(content: bytes, file: str) -> Contents:
    """The columns and arrays of a file, whatever its ending says.

    Args:
        content: The bytes of the file.
        file: Its name.

    Raises:
        CheckpointError: it is damaged, too large, or neither of these formats.
    """
    name = repr(Path(file).name[:100])
    if content.startswith(b"PK"):
        if not all(one.endswith(".npy") for one in names_in_zip(content, name)):
            raise CheckpointError(f"{name} is a zip archive, but not of numpy.savez. Expected an .npz file, a table, or Parquet.")
        read = _npz(content, name)
    elif content.startswith(PARQUET):
        read = _parquet(content, name)
    else:
        read = _table(content, name)
    if long := next((key for key in (*read.arrays, *read.texts, *read.times) if len(key) > LONGEST_NAME), ""):
        raise CheckpointError(f"{name} has a name of {len(long):,} characters; at most {LONGEST_NAME} can be shown.")
    return read


def _npz(content: bytes, name: str) -> Contents:
    arrays, texts, times, notes = {}, {}, {}, []
    for key, value in parts_of_npz(content, name):
        if value is None:
            notes.append(f"{key[:80]!r} holds Python objects, which are not unpickled; it was left out. Save tokens as numpy.array(list).")
        elif value.dtype.kind in "fiub":
            arrays[key] = value.astype(np.float64 if value.dtype.itemsize > 4 else np.float32)
        elif value.dtype.kind == "M":
            times[key] = value.ravel().astype("datetime64[s]")
        elif value.dtype.kind == "U" and value.size <= MOST:
            texts[key] = tuple(value.ravel().tolist()) if value.ndim else tuple(str(value))
        else:
            notes.append(f"{key[:80]!r} of type {value.dtype} was left out. Expected numbers, texts or dates.")
    return Contents(name, "an .npz file", arrays, texts, times, tuple(notes))


def _parquet(content: bytes, name: str) -> Contents:
    """A Parquet file, which C code reads: in a child process."""
    from safetensors.numpy import load

    with TemporaryDirectory(prefix="recurrent-explorer-file-") as folder:
        file = Path(folder, "file")
        file.write_bytes(content)
        said, packed = child.run("models.foreign.experiments.arrays.parquet:read", file, name)
    arrays = {said["names"][key]: value for key, value in load(packed).items()} if packed else {}
    times = {key: arrays.pop(key).astype("datetime64[s]") for key in said["times"]}
    ordered = {key: arrays[key].astype(np.float64) for key in said["order"] if key in arrays}
    texts = {key: tuple(value) for key, value in said["texts"].items()}
    return Contents(name, "a Parquet file", ordered, texts, times, tuple(said["notes"]))


def _table(content: bytes, name: str) -> Contents:
    if len(content) > LARGEST_TEXT:
        raise CheckpointError(f"{name} has more than {LARGEST_TEXT // 1_000_000} MB of text. Save it as .npz or Parquet, or a part of it.")
    try:
        text, note = tables.decoded(content, name)
    except ExplorerError as error:
        raise CheckpointError(str(error)) from None
    rows: list[tuple[str, ...]] = []
    cells = 0
    for row in tables.rows(text):
        if row.problem:
            raise CheckpointError(f"{name} cannot be read at line {row.line:,}: {row.problem}")
        cells += len(row.cells)
        if cells > MOST_CELLS or len(row.cells) > MOST_COLUMNS:
            raise CheckpointError(f"{name} has more than {MOST_CELLS:,} cells or {MOST_COLUMNS:,} columns. Save it as .npz or Parquet.")
        rows.append(tuple(row.cells))
    if not rows:
        raise CheckpointError(f"{name} is empty. Expected a table with one row per step.")
    width = len(rows[0])
    if uneven := next((index for index, row in enumerate(rows) if len(row) != width), 0):
        got = f"row {uneven + 1:,} has {len(rows[uneven])} cells; expected {width}, as in its first row"
        raise CheckpointError(f"{name} is no table: {got}. Put cells that hold a comma in quotation marks.")
    columns = _columns(rows)
    is_small = max(len(rows), width) <= LARGEST_MATRIX  # cells of a long table cost many times what its numbers do
    return Contents(name, "a table", *_kinds(columns), (note,) if note else (), tuple(rows) if is_small else ())


def _columns(rows: list[tuple[str, ...]]) -> dict[str, list[str]]:
    """The columns by their heading; without one they are called "column 1" and so on."""
    has_heading = len(rows) > 1 and not any(_number(cell) is not None for cell in rows[0])
    names = [cell.strip() or f"column {index + 1}" for index, cell in enumerate(rows[0])]
    if not has_heading:
        names = [f"column {index + 1}" for index in range(len(rows[0]))]
    for index, name in enumerate(names):
        if name in names[:index]:
            names[index] = f"{name} ({index + 1})"
    return dict(zip(names, map(list, zip(*rows[has_heading:], strict=True)), strict=True))


def _kinds(columns: dict[str, list[str]]) -> tuple[dict[str, np.ndarray], dict[str, tuple[str, ...]], dict[str, np.ndarray]]:
    """Columns as numbers, texts or dates, by what is in them."""
    arrays, texts, times = {}, {}, {}
    for name, cells in columns.items():
        if (numbers := _numbers(cells)) is not None:
            arrays[name] = numbers
        elif (dates := dates_of(cells)) is not None:
            times[name] = dates
        else:
            texts[name] = tuple(cells)
    return arrays, texts, times


def _numbers(cells: list[str]) -> np.ndarray | None:
    """A column as numbers, float [row]; None if a cell is neither a number nor a mark of a missing one, or if all are missing."""
    values = [math.nan if cell.strip().casefold() in MISSING else _number(cell) for cell in cells]
    is_numeric = all(value is not None for value in values) and any(value == value for value in values)
    return np.array(values, float) if is_numeric else None


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None


def dates_of(cells: tuple[str, ...] | list[str]) -> np.ndarray | None:
    """Texts as dates, datetime64 [row]; None if one is not written as 2001-03-05, with or without 14:00:00."""
    if not cells or not all(DATE.fullmatch(cell.strip()) for cell in cells):
        return None
    plain = [re.sub(r"(Z|[+-]00:?00)$", "", cell.strip()).replace(" ", "T") for cell in cells]
    try:
        return np.array(plain, "datetime64[s]")
    except ValueError:  # a thirteenth month
        return None
