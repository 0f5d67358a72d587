"""A module of this Python session in the app: a server of its own on this computer asks for what it shows over a pipe."""

import atexit
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Listener
from tempfile import mkdtemp
from typing import Any

from torch import nn

from explorer.errors import ExplorerError
from explorer.recording.module_server import Encode, Served, serve

APP = "recurrent_explorer_app"
VARIABLE = "EXPLORER_LIVE"  # where the app finds the pipe; only processes of the same user can read it
FOLDER = "explorer-live-"
LISTENING = "Recurrent Explorer: "  # the first line that the app prints, before its address


class AppError(ExplorerError):
    """The app cannot be started."""


class OpenedApp:
    """The app on a module of this session.

    Args:
        address: Of the page that shows the module.
        process: Of the app.
        listener: End of the pipe.
    """

    def __init__(self, address: str, process: subprocess.Popen, listener: Listener):
        self.address, self._process, self._listener = address, process, listener
        self._folder = os.path.dirname(str(listener.address))  # of the pipe; on Windows there is none
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
        with suppress(OSError):
            self._listener.close()
        if os.path.basename(self._folder).startswith(FOLDER):
            shutil.rmtree(self._folder, ignore_errors=True)


def open(
    module: nn.Module,
    encode: Encode,
    tokens: Sequence[str] | None = None,
    run: Callable[[Any, Any], Any] | None = None,
    port: int | None = None,
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

    Raises:
        AppError: the app is not installed, or did not start.
    """
    if importlib.util.find_spec(APP) is None:
        raise AppError("The app is not installed here. Install it with `pip install recurrent-explorer-app`, in this environment.")
    key = os.urandom(32)
    address = os.path.join(mkdtemp(prefix=FOLDER), "pipe") if hasattr(os, "fork") else None
    listener = Listener(address, "AF_UNIX" if address else "AF_PIPE", authkey=key)
    threading.Thread(target=_serve, args=(listener, Served(module, encode, run, tokens)), daemon=True).start()
    live = {"address": listener.address, "key": key.hex(), "name": type(module).__name__}
    command = [sys.executable, "-m", APP, "open", *([] if port is None else ["--port", str(port)])]
    process = subprocess.Popen(
        command, env=os.environ | {VARIABLE: json.dumps(live)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith(LISTENING):
        OpenedApp("", process, listener).close()
        raise AppError(f"The app did not start: {line.strip() or 'it printed nothing'}.")
    threading.Thread(target=process.stdout.read, daemon=True).start()  # or the pipe would fill
    return OpenedApp(line.removeprefix(LISTENING).strip(), process, listener)


def _serve(listener: Listener, served: Served) -> None:
    """Answer every connection of the app, one after the other."""
    while True:
        try:
            with listener.accept() as pipe:
                serve(pipe, served, "<module>")
        except AuthenticationError:  # somebody without the key
            continue
        except (OSError, EOFError):
            return
