"""A child process that reads one untrusted file, with limits on memory and time: a crash there is a sentence here.

Readers that run C code on a file, or that need torch's allow-list (which is global to a process), run only in such a child.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from explorer.errors import CheckpointError
from models.family import HOME, named

SECONDS = 60  # of processor time; the clock may show twice as many
MEMORY = 4_000_000_000  # bytes that it may fill
# Bytes of addresses, where libraries count that take no memory: a torch built for CUDA maps several billions of them on import.
ADDRESSES = 16_000_000_000
CRASH = 256  # Windows has no signals: there a process that crashes ends with a code far beyond
LONGEST = 200  # characters of an error in a sentence
LARGEST_RESULT = 2_000_000_000  # bytes that a child may write
MOST = 2  # children at once on a server, so that their limits of memory together stay below what it has
_TURNS = threading.BoundedSemaphore(MOST)
ANSWER, ARRAYS = "answer.json", "arrays.safetensors"
# -I: no variable and no folder of the start decides what is imported, but the absolute entries of this process's own path, so
# that the child has every package that this process has.
START = "import sys; sys.path[:] = {path!r}; from models.foreign import child; child.main(sys.argv[1:])"
NEEDED = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "LANGUAGE", "LC_")  # beginnings of variables; none that may hold a key


def run(reader: str, file: Path, name: str, seconds: int = SECONDS, memory: int = MEMORY) -> tuple[dict[str, Any], bytes]:
    """What a reader returns for a file: its answer, and its arrays as the bytes of a safetensors file.

    Args:
        reader: "module:function"; the function takes the path of the file and a folder, writes ARRAYS there, and returns a
            dictionary that JSON can hold.
        file: The file to read.
        name: Its name in errors.
        seconds: Limit of processor time.
        memory: Limit of memory in bytes, where the system can set one (not on Windows).

    Raises:
        CheckpointError: the reader refused the file, crashed, or needed more than the limits allow; or too many files are being read.
    """
    if not _TURNS.acquire(timeout=2 * seconds):
        raise CheckpointError(f"{name} was not read, because others are being read. Try again in a minute.")
    try:
        return _run(reader, file, name, seconds, memory)
    finally:
        _TURNS.release()


def _run(reader: str, file: Path, name: str, seconds: int, memory: int) -> tuple[dict[str, Any], bytes]:
    with tempfile.TemporaryDirectory(prefix="recurrent-explorer-read-") as folder:
        command = [sys.executable, "-I", "-c", START.format(path=_path()), reader, str(file), folder, str(seconds), str(memory)]
        environment = _environment() | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TMPDIR": folder, "HOME": folder}
        try:
            ended = subprocess.run(command, env=environment, cwd=folder, capture_output=True, timeout=2 * seconds, check=False)
        except subprocess.TimeoutExpired:
            raise CheckpointError(f"{name} needs more time or memory than a file may use here. {LARGER}") from None
        answer, arrays = Path(folder, ANSWER), Path(folder, ARRAYS)
        if ended.returncode or not answer.is_file():
            raise CheckpointError(f"{name} {_why(ended.returncode, ended.stderr)}")
        said = json.loads(answer.read_text("utf-8"))
        if "error" in said:
            raise CheckpointError(f"{name} {said['error']}")
        return said, arrays.read_bytes() if arrays.is_file() else b""


def _path() -> list[str]:
    """Where the child looks for code: our own first, then where this process does, but not in the folder that it was started in."""
    others = [entry for entry in sys.path if os.path.isabs(entry) and entry != str(HOME)]
    return [str(HOME), *(entry for entry in others if not (os.path.isdir(entry) and os.path.samefile(entry, ".")))]


def _environment() -> dict[str, str]:
    """The variables that Python and its libraries need to start; keys and addresses in the others are not for a file's eyes."""
    return {key: value for key, value in os.environ.items() if key in NEEDED or key.startswith(NEEDED[-1])}


LARGER = "It is damaged, or far larger than files that can be opened here."


def _why(code: int, printed: bytes) -> str:
    """The end of a sentence on a child that ended without an answer."""
    if b"MemoryError" in printed or b"allocate memory" in printed or b"bad_alloc" in printed:
        return f"needs more memory than a file may use here. {LARGER}"
    if code in (-9, -24, 137):  # killed, by the limit of processor time or for memory
        return f"needs more time or memory than a file may use here. {LARGER}"
    if 0 < code < CRASH:  # an error of Python: of the installation, or of our reader
        last = "".join(
            letter if letter.isprintable() else " " for letter in printed.decode("utf-8", "replace").rstrip().rpartition("\n")[2]
        )
        return f"could not be read here: {last.strip()[:LONGEST].rstrip('.') or f'exit code {code}'}."
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"made its reader stop ({how}). It is damaged, or made to do harm; nothing else was affected."


def main(arguments: list[str]) -> None:
    """The child: sets its own limits, reads the file, and leaves its answer in the folder."""
    reader, file, folder, seconds, memory = arguments
    _limit(int(seconds), int(memory))
    try:
        answer = named(reader)(Path(file), Path(folder))
    except CheckpointError as error:
        answer = {"error": str(error)}
    Path(folder, ANSWER).write_text(json.dumps(answer, ensure_ascii=True), encoding="utf-8")


def _limit(seconds: int, memory: int) -> None:
    """Limits of this process; Windows has none of them, there only the clock limits a child."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_RESULT, LARGEST_RESULT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "darwin":  # macOS accepts this limit and ignores it, or refuses it
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))  # since Linux 4.7 all private memory that can be written
        resource.setrlimit(resource.RLIMIT_AS, (max(memory, ADDRESSES), max(memory, ADDRESSES)))
