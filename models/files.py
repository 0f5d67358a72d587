"""Safe access to files that other processes may use at the same time: safe opening, atomic writing, and locking."""

import atexit
import glob
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from uuid import uuid4

from explorer.errors import ExplorerError

if TYPE_CHECKING:
    from filelock import FileLock

PATIENCE = 60.0  # seconds that a writer waits for another writer
LOCK = ".lock"  # file in a temporary folder while its process runs


class BusyError(ExplorerError):
    """Another process is writing a file."""


@contextmanager
def opened(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A regular file, open for reading. Pipes and devices are refused, because opening them could block for ever.

    Raises:
        OSError: the file is missing, cannot be read, or is not a regular file.
    """
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(None, "it is a pipe or a device, not a file", str(path))
        yield file


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory is lacking, which is no fault of a file; torch says it by a text."""
    return isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__ or "allocate memory" in str(error)


def write_atomically(path: str | os.PathLike, *parts: bytes | memoryview) -> None:
    """Writes bytes to a file so that a crash leaves the old or the new file, never a part; several processes may write at once.

    Raises:
        OSError: the folder cannot be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    try:
        with partial.open("xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        _settle(path.parent)
    finally:
        with suppress(OSError):  # for example if the disk has become read-only; the first error is the one to report
            partial.unlink()


def write_folder(folder: str | os.PathLike, files: Mapping[str, bytes]) -> None:
    """Writes the files of a folder so that a crash never leaves a new folder incomplete; other files of an old folder are kept.

    Raises:
        OSError: the folder cannot be written, or is a file.
    """
    folder = Path(folder)
    partial = _partial(folder)
    try:
        for name, content in files.items():
            write_atomically(partial / name, content)
        if not folder.exists():
            partial.rename(folder)
        else:
            for name in files:
                (partial / name).replace(folder / name)
        _settle(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def alone(path: str | os.PathLike, patience: float = PATIENCE, advice: str = "Try again when that has ended.") -> Iterator[None]:
    """Lock for changing a file, held by one process or thread at a time; removes partial files left by others next to it.

    Args:
        path: The file, which need not exist. Readers need no lock: they see the old or the new file.
        patience: Seconds to wait for another process; 0 refuses at once.
        advice: End of the error sentence if the other process does not finish.

    Raises:
        BusyError: another process held the lock for longer.
        OSError: the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=patience, poll_interval=0.01)
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(f"{path} is being written by another process. {advice}") from None
    try:
        for left in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        yield
    finally:
        with suppress(OSError):  # removed before it is released: a waiting process notices this and locks a new one
            os.unlink(lock.lock_file)
        lock.release()


def temporary_folder(prefix: str) -> Path:
    """A new temporary folder that is removed when this process ends; also removes those of killed processes."""
    from filelock import FileLock, Timeout

    for other in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError, Timeout):  # in use, or another user's
            is_young = time.time() - other.lstat().st_mtime < 60  # and perhaps not locked yet
            if not (is_young or other.is_symlink()):
                with FileLock(other / LOCK, timeout=0):
                    shutil.rmtree(other)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    lock = FileLock(folder / LOCK)
    lock.acquire()
    atexit.register(_remove, folder, lock)
    return folder


def _remove(folder: Path, lock: "FileLock") -> None:
    lock.release()
    shutil.rmtree(folder, ignore_errors=True)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid4().hex}.partial")


def _settle(folder: Path) -> None:
    """Makes a new name in a folder survive a power loss, if the system supports it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
