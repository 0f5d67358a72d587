"""The columns of a Parquet file, read in a child process: pyarrow is C code. Sizes are checked before values are read."""

from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import CheckpointError
from models.foreign.child import ARRAYS

MOST_BYTES = 1_000_000_000  # of all columns unpacked
MOST_ROWS, MOST_COLUMNS, MOST_VALUES = 2_000_000, 5_000, 100_000_000
MOST_TEXT = 50_000_000  # characters of all texts


def read(path: Path, folder: Path) -> dict[str, Any]:
    """Names, texts and notes of a file; the numbers are written into the folder.

    Raises:
        CheckpointError: the end of a sentence on why it cannot be read.
    """
    import pyarrow
    import pyarrow.parquet
    from safetensors.numpy import save_file

    try:
        file = pyarrow.parquet.ParquetFile(path)
        _check(file.metadata)
        table = file.read(use_threads=False)
    except pyarrow.ArrowException as error:
        raise CheckpointError(f"is a damaged Parquet file ({_first(error)}). Save it again.") from None
    except OSError as error:
        raise CheckpointError(f"is a damaged Parquet file ({_first(error)}). Save it again.") from None
    arrays, texts, times, notes, left = {}, {}, [], [], MOST_TEXT
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind, column = column.type, column.combine_chunks()
        if pyarrow.types.is_dictionary(kind):
            column = column.dictionary_decode()
            kind = column.type
        if pyarrow.types.is_timestamp(kind) or pyarrow.types.is_date(kind):
            if column.null_count:
                raise CheckpointError(f"has rows without a date in column {name[:80]!r}. Give each row one, or leave the column out.")
            arrays[name] = column.cast(pyarrow.timestamp("s"), safe=False).cast(pyarrow.int64()).to_numpy(zero_copy_only=False)
            times.append(name)
        elif pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
            texts[name] = ["" if text is None else text for text in column.to_pylist()]
            left -= sum(map(len, texts[name]))
            if left < 0:
                raise CheckpointError(f"has more than {MOST_TEXT:,} characters of text.")
        elif (values := _numbers(column, kind, name)) is not None:
            arrays[name] = values
        else:
            expected = "Expected numbers, texts, dates, or lists of one length."
            notes.append(f"Column {name[:80]!r} of type {str(kind)[:80]} was left out. {expected}")
    names = {f"{index}": name for index, name in enumerate(arrays)}
    save_file({key: np.ascontiguousarray(arrays[name]) for key, name in names.items()}, folder / ARRAYS)
    return {"names": names, "order": list(arrays), "texts": texts, "times": times, "notes": notes}


def _check(about: Any) -> None:
    """Refuse a file that would fill the memory."""
    if about.num_rows > MOST_ROWS or about.num_columns > MOST_COLUMNS:
        raise CheckpointError(f"has {about.num_rows:,} rows and {about.num_columns:,} columns; at most {MOST_ROWS:,} and {MOST_COLUMNS:,}.")
    unpacked = sum(about.row_group(index).total_byte_size for index in range(about.num_row_groups))
    if unpacked > MOST_BYTES:
        raise CheckpointError(f"unpacks to more than {MOST_BYTES // 1_000_000:,} MB, the most that can be opened here.")


def _numbers(column: Any, kind: Any, name: str) -> np.ndarray | None:
    """A column of numbers, [row], or of lists of numbers of one length, [row, unit]; None for anything else."""
    import pyarrow

    types = pyarrow.types
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind):
        return column.cast(pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False)
    if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
        return None
    inner = kind.value_type
    if not (types.is_integer(inner) or types.is_floating(inner)) or column.null_count or not len(column):
        return None
    flat, rows = column.flatten(), len(column)
    if len(flat) % rows or len(flat) > MOST_VALUES:
        return None
    if not types.is_fixed_size_list(kind) and len(set(column.value_lengths().to_pylist())) > 1:
        raise CheckpointError(f"has lists of different lengths in column {name[:80]!r}; expected as many units in each row.")
    return flat.cast(pyarrow.float32(), safe=False).to_numpy(zero_copy_only=False).reshape(rows, -1)


def _first(error: Exception) -> str:
    return (str(error).splitlines() or ["no reason given"])[0][:150].rstrip(".")
