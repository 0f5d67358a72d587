"""Readers that misbehave as C code does on a mutated file; they run in the child process."""

import mmap
import os
import signal
import sys
from pathlib import Path


def crash(path: Path, folder: Path) -> dict:
    """Dies of a segmentation fault."""
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def loop(path: Path, folder: Path) -> dict:
    """Never ends."""
    while True:
        pass


def swell(path: Path, folder: Path) -> dict:
    """Needs more memory than it may have."""
    return {"size": len(bytearray(3_000_000_000))}


def reserve(path: Path, folder: Path) -> dict:
    """Has more addresses than it may fill, as a large library does that is mapped and hardly used."""
    return {"size": len(mmap.mmap(-1, 5_000_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ))}


def fail(path: Path, folder: Path) -> dict:
    """Finds no torch, as where it is installed for one user alone."""
    raise ModuleNotFoundError("No module named 'torch'\x1b[2J")


def leave(path: Path, folder: Path) -> dict:
    """Ends without an answer, and without a word."""
    os._exit(0)


def surroundings(path: Path, folder: Path) -> dict:
    """Says what the child was given."""
    return {"environment": dict(os.environ), "path": sys.path}
