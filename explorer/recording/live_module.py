"""A module of this Python session in the app: a server of its own on this computer asks for what it shows over a pipe."""

import atexit
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Listener
from tempfile import mkdtemp
from typing import Any

from torch import Tensor, nn

from explorer.errors import ExplorerError
from explorer.recording.module_server import Encode, Served, serve

APP = "recurrent_explorer_app"
VARIABLE = "EXPLORER_LIVE"  # where the app finds the pipe; only processes of the same user can read it
FOLDER = "explorer-live-"
CLOSING = 5  # seconds that the text which is being read may take when the app ends
LISTENING = "Recurrent Explorer: "  # the first line that the app prints, before its address


class AppError(ExplorerError):
    """The app cannot be started."""


class Door:
    """End of the pipe in this session: a thread answers one connection of the app after the other until it is closed.

    Args:
        served: The module that reads texts.
    """

    def __init__(self, served: Served):
        self.key = os.urandom(32)
        self._folder = mkdtemp(prefix=FOLDER) if hasattr(os, "fork") else None
        address = os.path.join(self._folder, "pipe") if self._folder else None
        self._listener = Listener(address, "AF_UNIX" if address else "AF_PIPE", authkey=self.key)
        self.address, self._is_closed = self._listener.address, False
        self._thread = threading.Thread(target=self._serve, args=(served,), daemon=True)
        self._thread.start()

    def _serve(self, served: Served) -> None:
        while not self._is_closed:
            with suppress(AuthenticationError, EOFError, OSError), self._listener.accept() as pipe:  # or it left, or has no key
                serve(pipe, served, "<module>")

    def close(self) -> None:
        """Let the thread end, and with it what holds the module."""
        self._is_closed = True
        if self._folder is not None:
            with suppress(OSError), socket.socket(socket.AF_UNIX) as waker:  # closing a socket does not wake who waits at it
                waker.connect(str(self.address))
        self._thread.join(CLOSING)
        with suppress(OSError):
            self._listener.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


class OpenedApp:
    """The app on a module of this session.

    Args:
        address: Of the page that shows the module.
        process: Of the app.
        door: End of the pipe.
    """

    def __init__(self, address: str, process: subprocess.Popen, door: "Door"):
        self.address, self._process, self._door = address, process, door
        atexit.register(self.close)

    def __repr__(self) -> str:
        return f"The module is open at {self.address}; .close() ends the app."

    def close(self) -> None:
        """End the app; once is enough."""
        atexit.unregister(self.close)
        self._process.terminate()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._door.close()


def open(
    module: nn.Module,
    encode: Encode,
    tokens: Sequence[str] | None = None,
    run: Callable[[Any, Any], Any] | None = None,
    port: int | None = None,
    logits: Callable[[Any], Tensor] | None = None,
) -> OpenedApp:
    """The app on a live module: each text is read by the module as it is then, so a training can go on in between.

    The app runs in a process of its own, on this computer alone, until `.close()` or the end of this session. The call returns as
    soon as the app answers.

    Args:
        module: Any module with recurrent layers, cells or Taps. Call `module.eval()` first; it is read without gradients.
        encode: encode(text) gives the ids that the module reads and the token that each stands for.
        tokens: Tokens by id, if the module gives logits for the next one.
        run: How it is called, run(module, ids) with ids [time]; default: module(ids) with ids [1, time].
        port: Of the app; 8501 or the next free one if None.
        logits: Logits [time, vocab] from what the module returned; default: its first tensor, without axes of the batch.

    Raises:
        AppError: the app is not installed, or did not start.
    """
    if importlib.util.find_spec(APP) is None:
        raise AppError("The app is not installed here. Install it with `pip install recurrent-explorer-app`, in this environment.")
    door = Door(Served(module, encode, run, tokens, logits))
    live = {"address": door.address, "key": door.key.hex(), "name": type(module).__name__}
    command = [sys.executable, "-m", APP, "open", *([] if port is None else ["--port", str(port)])]
    process = subprocess.Popen(
        command, env=os.environ | {VARIABLE: json.dumps(live)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith(LISTENING):
        OpenedApp("", process, door).close()
        raise AppError(f"The app did not start: {line.strip() or 'it printed nothing'}.")
    threading.Thread(target=process.stdout.read, daemon=True).start()  # or the pipe would fill
    return OpenedApp(line.removeprefix(LISTENING).strip(), process, door)
