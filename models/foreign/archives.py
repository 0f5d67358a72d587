"""Zip archives, and the arrays of numpy.savez in them, whose sizes are checked before memory is spent. Nothing is unpickled."""

import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from explorer.errors import CheckpointError
from models.foreign.tokens import MOST, token_list

AGAIN = "Download or save it again."
LARGEST = 1_000_000_000  # bytes of all parts together
MOST_PARTS = 40_000
SMALL = 50_000_000  # bytes that any archive may unpack to; beyond, at most so many times its own size:
SWELLING = 50
ENTRY = b"PK\x01\x02"  # begins the entry of one part
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
# What numpy and zipfile raise for damaged files.
DAMAGE = (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, RuntimeError, OverflowError, SyntaxError)
DAMAGE += (TypeError, AttributeError, tokenize.TokenError, struct.error)


def most_bytes(size: int) -> int:
    """Bytes that the content of a file of so many bytes may take here: a small file that claims much is made to fill the memory."""
    return min(LARGEST, max(SMALL, SWELLING * size))


def names_in_zip(content: bytes, name: str) -> list[str]:
    """Names of the parts of a zip archive, after checking how many there are and how large they would become.

    Args:
        content: The bytes of the archive.
        name: Its name in errors.

    Raises:
        CheckpointError: it is damaged, or too large.
    """
    if content.count(ENTRY) > MOST_PARTS:  # before they become objects of Python
        raise CheckpointError(f"{name} holds more than {MOST_PARTS:,} parts, the most that can be opened here.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except DAMAGE:
        raise CheckpointError(f"{name} is a damaged zip archive, such as torch.save and numpy.savez write. {AGAIN}") from None
    most = most_bytes(len(content))
    if sum(part.file_size for part in parts) > most:
        raise CheckpointError(f"{name} unpacks to more than {most // 1_000_000:,} MB, the most that a file of its size can hold here.")
    if any(part.flag_bits & 1 or part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise CheckpointError(f"{name} is encrypted, or compressed in a way that neither torch.save nor numpy.savez uses.")
    return [part.filename for part in parts]


def arrays_of_npz(content: bytes, name: str) -> tuple[dict[str, np.ndarray], dict[str, tuple[str, ...]], list[str]]:
    """Arrays [...] of numbers of numpy.savez by name, lists of tokens among its texts by name, and sentences on what was left out.

    Raises:
        CheckpointError: the file is damaged.
    """
    tensors: dict[str, np.ndarray] = {}
    tokens, notes = {}, []
    for key, value in parts_of_npz(content, name):
        if value is None:
            notes.append(f"{key[:80]!r} holds Python objects, which are not unpickled; it was left out.")
        elif value.dtype.kind in "fiub":
            tensors[key] = value
        elif value.dtype.kind == "U" and value.size <= MOST and (listed := token_list(value.ravel().tolist())):
            tokens[key] = listed
    return tensors, tokens, notes


def parts_of_npz(content: bytes, name: str) -> Iterator[tuple[str, np.ndarray | None]]:
    """The arrays [...] of numpy.savez, of any kind, by name, texts as str; None for one that holds Python objects.

    Raises:
        CheckpointError: the file is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for part in archive.infolist():
                with archive.open(part) as file:
                    value = _array(file, part.file_size)
                if value is not None and value.dtype.kind in "US" and value.size <= MOST:
                    value = value.astype(str)
                    value.tolist()  # what is no letter is noticed here
                yield part.filename.removesuffix(".npy"), value
    except DAMAGE as error:
        first = (str(error).splitlines() or ["no reason given"])[0][:150].rstrip(".")
        raise CheckpointError(f"{name} is a damaged .npz file ({first}). {AGAIN}") from None


def _array(file: Any, size: int) -> np.ndarray | None:
    """The array [...] in one part of so many bytes; None if it holds Python objects.

    Raises:
        ValueError: the header is damaged, or speaks of another number of bytes than there are.
    """
    version = np.lib.format.read_magic(file)
    if version not in HEADERS:
        raise ValueError(f"the format of an array is {version}")
    shape, is_turned, dtype = HEADERS[version](file)
    if dtype.hasobject:
        return None
    count, held = math.prod(shape), size - file.tell()
    if min(shape, default=0) < 0 or count * dtype.itemsize != held:
        raise ValueError(f"an array says it has {count:,} values, but there are {held:,} bytes of them")
    values = np.frombuffer(file.read(held), dtype) if held else np.zeros(0, dtype)
    return values.reshape(shape, order="F" if is_turned else "C")
