"""A module in another process: that of a user's Python file (see explorer.recording.module_server), or that of a live session.

Only whoever starts the server can name such a file, because its code runs. If it hangs or dies, that is a sentence here.
"""

import json
import os
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from explorer.errors import CheckpointError
from explorer.records import Trace
from models.family import HOME
from models.foreign.given import LIVE

BUILD_SECONDS, READ_SECONDS = 120, 60
MEMORY = 16_000_000_000  # bytes of addresses, where the system can set a limit
LARGEST = 1_000_000_000  # bytes of an answer
# explorer is imported from where it lies; its folder then leaves the path, so that "models" and "pages" are the user's own.
START = (
    "import sys; sys.path.insert(0, {home!r}); import explorer.recording.module_server as server; sys.path.remove({home!r}); "
    "{limit}server.main()"
)
LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory})); "


@dataclass(frozen=True, eq=False)
class Answer:
    """A text as the module of a file reads it.

    Args:
        trace: Of one path.
        paths: All paths of the recording.
        next_tokens: The likeliest next tokens after each token [time][rank]; None if the file names no vocabulary.
        next_p: Their probabilities [time][rank], or None.
        bits: Surprise at each token [time], or None.
        note: A sentence on what is missing; may be empty.
    """

    trace: Trace
    paths: tuple[str, ...]
    next_tokens: list[list[str]] | None = None
    next_p: list[list[float]] | None = None
    bits: list[float] | None = None
    note: str = ""


class OtherProcess(ABC):
    """A module in another process, asked over a pipe. It is connected with the first text, and again after it was lost.

    Args:
        name: For sentences.
        read_seconds: How long the reading of a text may take.
    """

    def __init__(self, name: str, read_seconds: float = READ_SECONDS):
        self.name, self.read_seconds = name, read_seconds
        self._lock = threading.Lock()
        self._pipe: Connection | None = None

    @abstractmethod
    def _connect(self) -> None:
        """Connect the pipe."""

    def read(self, text: str, path: str | None = None) -> Answer:
        """A text as the module reads it.

        Raises:
            CheckpointError: the file cannot be run, does not define what is needed, raised an error, hung or died.
        """
        with self._lock:
            if self._pipe is None:
                self._connect()
            header, content = self._ask({"text": text, "path": path}, self.read_seconds, "reading the text")
        with TemporaryDirectory() as folder:
            Path(folder, "trace.npz").write_bytes(content)
            trace = Trace.load(Path(folder, "trace.npz"))
        predicted = {name: header.get(name) for name in ("next_tokens", "next_p", "bits")}
        return Answer(trace, tuple(header["paths"]), **predicted, note=header.get("note", ""))

    def close(self) -> None:
        """Close the pipe."""
        if self._pipe is not None:
            self._pipe.close()
        self._pipe = None

    def _ask(self, request: dict[str, Any], seconds: float, doing: str) -> tuple[dict[str, Any], bytes]:
        assert self._pipe is not None
        try:
            self._pipe.send_bytes(json.dumps(request).encode())
        except OSError:
            self._fail(f"died before {doing}")
        return self._answer(seconds, doing)

    def _answer(self, seconds: float, doing: str) -> tuple[dict[str, Any], bytes]:
        """The next answer of the process."""
        assert self._pipe is not None
        try:
            if not self._pipe.poll(seconds):
                self._fail(f"was stopped: {doing} took more than {seconds:g} seconds")
            header, content = json.loads(self._pipe.recv_bytes(LARGEST)), self._pipe.recv_bytes(LARGEST)
        except (EOFError, OSError, ValueError):
            self._fail(f"died while {doing}")
        if "error" in header:
            if doing != "reading the text":
                self.close()
            raise CheckpointError(header["error"])
        return header, content

    def _fail(self, what: str) -> NoReturn:
        self.close()
        raise CheckpointError(f"{self.name} {what}. The app is not affected, and tries again with the next text.")


class PythonFile(OtherProcess):
    """The process of a user's Python file.

    Args:
        file: The Python file.
        build_seconds, read_seconds: How long `build` and the reading of a text may take.
    """

    def __init__(self, file: Path, build_seconds: float = BUILD_SECONDS, read_seconds: float = READ_SECONDS):
        super().__init__(file.name, read_seconds)
        self.file, self.build_seconds = file.resolve(), build_seconds
        self._process: subprocess.Popen | None = None

    def close(self) -> None:
        """End the process."""
        super().close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _connect(self) -> None:
        """Start the process, which connects to a pipe that only it has the key of."""
        key = os.urandom(32)
        limit = LIMIT.format(memory=MEMORY) if sys.platform == "linux" else ""
        with TemporaryDirectory(prefix="recurrent-explorer-pipe-") as folder:
            address = os.path.join(folder, "pipe") if hasattr(os, "fork") else None
            with Listener(address, "AF_UNIX" if address else "AF_PIPE", authkey=key) as listener:
                command = [sys.executable, "-c", START.format(home=str(HOME), limit=limit)]
                # The file is its owner's, and has the owner's settings; the key of another session is not among them.
                environment = {name: value for name, value in os.environ.items() if name != LIVE}
                pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
                self._process = subprocess.Popen(command, env=environment, cwd=self.file.parent, **pipes)
                assert self._process.stdin is not None
                said = {"address": listener.address, "key": key.hex(), "file": str(self.file)}
                with suppress(BrokenPipeError):
                    self._process.stdin.write(json.dumps(said) + "\n")
                    self._process.stdin.close()
                self._pipe = self._accepted(listener)
        self._answer(self.build_seconds, "building its module")

    def _accepted(self, listener: Listener) -> Connection:
        """The connection of the process; a process that dies or hangs before it connects is a sentence."""
        arrived: list[Connection] = []
        waiting = threading.Thread(target=lambda: arrived.append(listener.accept()), daemon=True)
        waiting.start()
        for _ in range(int(self.build_seconds * 10)):
            waiting.join(0.1)
            if arrived or self._process is None or self._process.poll() is not None:
                break
        if not arrived:
            self._fail("died, or hung, before its module was built")
        return arrived[0]


class LiveModule(OtherProcess):
    """A module of the session that started this server, see explorer.open.

    Args:
        live: Name of its class, and address and key of the pipe.
    """

    def __init__(self, live: Mapping[str, str]):
        super().__init__(live["name"])
        self._live = live

    def _connect(self) -> None:
        try:
            self._pipe = Client(self._live["address"], authkey=bytes.fromhex(self._live["key"]))
        except (OSError, EOFError, AuthenticationError):
            self._fail("is gone: the Python session that opened it has ended")
