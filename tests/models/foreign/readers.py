"""Readers that misbehave as C code does on a mutated file; they run in the child process."""

import os
import signal
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
