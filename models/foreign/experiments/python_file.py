"""A module in another process: that of a user's Python file (see explorer.recording.module_server), or that of a live session.

Only whoever starts the server can name such a file, because its code runs. If it hangs or dies, that is a sentence here.
"""

import io
import json
import os
import subprocess
import sys
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn
from zipfile import BadZipFile

import numpy as np

from explorer.errors import CheckpointError, ExplorerError
from explorer.records import GradientFlow, Trace
from models.family import HOME
from models.foreign.given import LIVE

BUILD_SECONDS, READ_SECONDS = 120, 60
MEMORY = 16_000_000_000  # bytes of addresses, where the system can set a limit
LARGEST = 1_000_000_000  # bytes of an answer
STEP = 0.2  # seconds between two looks at whether somebody still waits
Waiting = Callable[[float, float], None]
# explorer is imported from where it lies; its folder then leaves the path, so that "models" and "pages" are the user's own.
START = (
    "import sys; sys.path.insert(0, {home!r}); import explorer.recording.module_server as server; sys.path.remove({home!r}); "
    "{limit}server.main()"
)
LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory})); "


def never(passed: float, seconds: float) -> None:
    """Waits as long as it takes."""


def _request(text: str, path: str | None, held: "Held | None") -> dict[str, Any]:
    return {"text": text, "path": path, "held": held and asdict(held)}


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
        alignments: What its attention Taps heard: name, source, target and weights [target, source], or the problem.
    """

    trace: Trace
    paths: tuple[str, ...]
    next_tokens: list[list[str]] | None = None
    next_p: list[list[float]] | None = None
    bits: list[float] | None = None
    note: str = ""
    alignments: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True)
class Held:
    """A unit whose state, c of an LSTM and h otherwise, has the same value at every step.

    Args:
        layer, unit: Of the path that is read, counted from 0.
        value: Of the state; at 0 the unit is silenced.
    """

    layer: int
    unit: int
    value: float = 0.0


@dataclass(frozen=True, eq=False)
class LossGradient:
    """The loss of one token given those before it, followed back through time.

    Args:
        norms: Of the gradient at the states, for the tokens before the predicted one.
        predicted: The predicted token.
        loss: Its cross-entropy in nats.
        input_log10: Norm of the gradient to the input of each step as a power of ten, [time]; None if the input is not known.
        times_input: The same gradient times the input, signed, [time], or None.
    """

    norms: GradientFlow
    predicted: str
    loss: float
    input_log10: np.ndarray | None = None
    times_input: np.ndarray | None = None


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
    def _connect(self, waiting: Waiting) -> None:
        """Connect the pipe."""

    def read(self, text: str, path: str | None = None, held: Held | None = None, waiting: Waiting = never) -> Answer:
        """A text as the module reads it.

        Args:
            text: The text.
            path: One of the recorded paths; None: the first that has a step for each token.
            held: A unit of the path that is held.
            waiting: Called with the seconds that passed and those that may pass, several times a second; what it raises ends the process.

        Raises:
            CheckpointError: the file cannot be run, does not define what is needed, raised an error, hung or died.
        """
        header, content = self._asked(_request(text, path, held), "reading the text", waiting)
        with TemporaryDirectory() as folder:
            Path(folder, "trace.npz").write_bytes(content)
            trace = Trace.load(Path(folder, "trace.npz"))
        predicted = {name: header.get(name) for name in ("next_tokens", "next_p", "bits")}
        return Answer(trace, tuple(header["paths"]), **predicted, note=header.get("note", ""), alignments=header.get("alignments", ()))

    def gradient(self, text: str, path: str, at: int, held: Held | None = None, waiting: Waiting = never) -> LossGradient:
        """The loss of one token, followed back through those before it.

        Args:
            text, path, held, waiting: As for `read`.
            at: Index of the predicted token, from 1 on.

        Raises:
            CheckpointError: as for `read`; or the module gives no logits.
        """
        request = _request(text, path, held) | {"at": at}
        header, content = self._asked(request, "following the gradient", waiting)
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            *tokens, predicted = header["tokens"]
            norms = GradientFlow(
                tuple(tokens), arrays["hidden_log10"], arrays.get("cell_log10"), arrays["state_log10"], at - 1, path, header["note"]
            )
        except (ValueError, KeyError, OSError, BadZipFile, ExplorerError) as error:
            raise CheckpointError(f"{self.name} gave an answer that is no gradient ({error}).") from None
        return LossGradient(norms, predicted, header["loss"], arrays.get("input_log10"), arrays.get("times_input"))

    def _asked(self, request: dict[str, Any], doing: str, waiting: Waiting) -> tuple[dict[str, Any], bytes]:
        with self._lock:
            if self._pipe is None:
                self._connect(waiting)
            return self._ask(request, self.read_seconds, doing, waiting)

    def close(self) -> None:
        """Close the pipe."""
        if self._pipe is not None:
            self._pipe.close()
        self._pipe = None

    def _ask(self, request: dict[str, Any], seconds: float, doing: str, waiting: Waiting) -> tuple[dict[str, Any], bytes]:
        assert self._pipe is not None
        try:
            self._pipe.send_bytes(json.dumps(request).encode())
        except OSError:
            self._fail(f"died before {doing}")
        return self._answer(seconds, doing, waiting)

    def _answer(self, seconds: float, doing: str, waiting: Waiting, is_last: bool = False) -> tuple[dict[str, Any], bytes]:
        """The next answer of the process; after an error in the last one there is nothing more to ask."""
        assert self._pipe is not None
        try:
            self._wait(seconds, doing, waiting)
            header, content = json.loads(self._pipe.recv_bytes(LARGEST)), self._pipe.recv_bytes(LARGEST)
        except (EOFError, OSError, ValueError):
            self._fail(f"died while {doing}")
        if "error" in header:
            if is_last:
                self.close()
            raise CheckpointError(header["error"])
        return header, content

    def _wait(self, seconds: float, doing: str, waiting: Waiting) -> None:
        """Wait for the next answer; an error of `waiting`, as from a click on Cancel, ends the process, which may be busy for long."""
        assert self._pipe is not None
        begun = time.monotonic()
        while not self._pipe.poll(min(STEP, seconds)):
            passed = time.monotonic() - begun
            if passed > seconds:
                self._fail(f"was stopped: {doing} took more than {seconds:g} seconds")
            self._give_way(waiting, passed, seconds)

    def _give_way(self, waiting: Waiting, passed: float, seconds: float) -> None:
        try:
            waiting(passed, seconds)
        except BaseException:
            self.close()
            raise

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
        self._end: Callable[[], Any] = lambda: None

    def close(self) -> None:
        """End the process."""
        super().close()
        self._end()
        self._process = None

    def _connect(self, waiting: Waiting) -> None:
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
                self._end = weakref.finalize(self, _ended, self._process)  # also when nobody keeps this object any more
                assert self._process.stdin is not None
                said = {"address": listener.address, "key": key.hex(), "file": str(self.file)}
                with suppress(BrokenPipeError):
                    self._process.stdin.write(json.dumps(said) + "\n")
                    self._process.stdin.close()
                self._pipe = self._accepted(listener, waiting)
        self._answer(self.build_seconds, "building its module", waiting, is_last=True)

    def _accepted(self, listener: Listener, waiting: Waiting) -> Connection:
        """The connection of the process; a process that dies or hangs before it connects is a sentence."""
        arrived: list[Connection] = []

        def accept() -> None:
            with suppress(OSError, EOFError, AuthenticationError):  # nobody came, and the listener was closed
                arrived.append(listener.accept())

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < self.build_seconds:
            accepting.join(STEP)
            if arrived or self._process is None or self._process.poll() is not None:
                break
            self._give_way(waiting, passed, self.build_seconds)
        if not arrived:
            self._fail("died, or hung, before its module was built")
        return arrived[0]


def _ended(process: subprocess.Popen) -> None:
    """End a process."""
    process.kill()
    process.wait()


class LiveModule(OtherProcess):
    """A module of the session that started this server, see explorer.open.

    Args:
        live: Name of its class, and address and key of the pipe.
    """

    def __init__(self, live: Mapping[str, str]):
        super().__init__(live["name"])
        self._live = live

    def _connect(self, waiting: Waiting) -> None:
        try:
            self._pipe = Client(self._live["address"], authkey=bytes.fromhex(self._live["key"]))
        except (OSError, EOFError, AuthenticationError):
            self._fail("is gone: the Python session that opened it has ended")
