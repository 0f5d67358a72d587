"""A user's own Python file, run in a process of its own: the app asks it over a pipe to read a text and to record its module.

The file defines

    build() -> nn.Module                          the module, with its weights
    encode(text) -> (ids, tokens)                 the ids that it reads, and the token that each stands for
    run(module, ids)                              optional: how it is called; default: module(ids) with ids [1, time]
    vocabulary                                    optional: tokens by id, if the module gives logits for the next one

This process needs `explorer` alone. The project of the file may have packages of any name, also "models" and "pages".
"""

import importlib.util
import json
import math
import sys
import traceback
from multiprocessing.connection import Client, Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import torch

from explorer.errors import ExplorerError, RecordingError
from explorer.recording.record import Recording, record
from explorer.records import Trace

LIKELY = 5  # next tokens that are listed
NEEDED = ("build", "encode")


def main() -> None:
    """Read where to connect from stdin, run the file, and answer until the pipe is closed."""
    said = json.loads(sys.stdin.readline())
    sys.stdout = sys.stderr  # what the file prints must not get lost among answers
    with Client(said["address"], authkey=bytes.fromhex(said["key"])) as pipe:
        answer(pipe, Path(said["file"]))


def answer(pipe: Connection, file: Path) -> None:
    """Answer requests on a pipe: each is {"text", "path"}, each answer a header as JSON, and a trace as the bytes of its file."""
    try:
        served = Served(file)
        reply(pipe, {"ready": True})
    except BaseException as error:  # whatever the file does, the reason reaches its owner
        reply(pipe, {"error": reason(error, file)})
        return
    while True:
        try:
            request = json.loads(pipe.recv_bytes())
        except EOFError:
            return
        try:
            reply(pipe, *served.read(request["text"], request["path"]))
        except Exception as error:
            reply(pipe, {"error": reason(error, file)})


def reply(pipe: Connection, header: dict[str, Any], content: bytes = b"") -> None:
    """Send a header and the bytes that belong to it."""
    pipe.send_bytes(json.dumps(header).encode())
    pipe.send_bytes(content)


def reason(error: BaseException, file: Path) -> str:
    """What went wrong in a sentence, with the line of the user's file."""
    if isinstance(error, ExplorerError):
        return str(error)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    if isinstance(error, SyntaxError) and error.lineno:
        lines.append(error.lineno)
    where = f" at line {lines[-1]}" if lines else ""
    return f"{file.name} raised {type(error).__name__}{where}: {str(error)[:300] or 'no message'}"


class Served:
    """The module of a file, ready to read texts.

    Args:
        file: The Python file; its folder is the first place where it looks for what it imports.

    Raises:
        RecordingError: it does not define what is needed, or `build` returns no module.
    """

    def __init__(self, file: Path):
        sys.path.insert(0, str(file.parent))
        self.own = load(file)
        lacking = [name for name in NEEDED if not callable(getattr(self.own, name, None))]
        if lacking:
            raise RecordingError(f"{file.name} does not define {' and '.join(f'{name}()' for name in lacking)}; expected build and encode.")
        self.module = self.own.build()
        if not isinstance(self.module, torch.nn.Module):
            raise RecordingError(f"build() in {file.name} returned {type(self.module).__name__}; expected a torch.nn.Module.")
        self.module.eval()

    def read(self, text: str, path: str | None) -> tuple[dict[str, Any], bytes]:
        """A text as the module reads it: a header, and the trace of one path as the bytes of its file.

        Args:
            text: The text.
            path: One of the recording's paths; None: the first that has a step for each token.

        Raises:
            RecordingError: the file's answers do not fit together, or the module has nothing that can be recorded.
        """
        ids, tokens = self.own.encode(text)
        tokens = tuple(map(str, tokens))
        if len(ids) != len(tokens) or not tokens:
            raise RecordingError(f"encode() returned {len(ids)} ids and {len(tokens)} tokens; expected as many, at least one.")
        ids = torch.as_tensor(ids)
        run = getattr(self.own, "run", lambda module, ids: module(ids[None]))
        with torch.no_grad(), record(self.module) as recording:
            out = run(self.module, ids)
        trace = traced(recording, tokens, path)
        with TemporaryDirectory() as folder:
            trace.save(Path(folder, "trace.npz"))
            content = Path(folder, "trace.npz").read_bytes()
        return {"paths": list(recording.paths), "path": trace.source} | self._predicted(out, ids), content

    def _predicted(self, out: Any, ids: torch.Tensor) -> dict[str, Any]:
        """The likeliest next tokens, their probabilities and the surprise at each token, if the module gives logits [1, time, vocab]."""
        vocabulary = getattr(self.own, "vocabulary", None)
        out = out[0] if isinstance(out, tuple | list) and out else out
        if vocabulary is None or not isinstance(out, torch.Tensor):
            return {}
        logits = out.reshape(-1, out.shape[-1]) if out.dim() else out
        if tuple(logits.shape) != (len(ids), len(vocabulary)):
            return {"note": f"The output has shape {tuple(out.shape)}; [1, {len(ids)}, {len(vocabulary)}] would be logits of next tokens."}
        logs = logits.double().log_softmax(-1)
        likely = logs.topk(min(LIKELY, len(vocabulary)), dim=-1)
        bits = [math.nan, *(-logs[:-1].gather(1, ids[1:, None].long())[:, 0] / math.log(2)).tolist()]
        named = [[str(vocabulary[index]) for index in row] for row in likely.indices.tolist()]
        return {"next_tokens": named, "next_p": likely.values.exp().tolist(), "bits": bits}


def load(file: Path) -> ModuleType:
    """The user's file as a module; it is executed."""
    specification = importlib.util.spec_from_file_location(file.stem, file)
    if specification is None or specification.loader is None:
        raise RecordingError(f"{file.name} is no Python file.")
    own = importlib.util.module_from_spec(specification)
    sys.modules[file.stem] = own
    specification.loader.exec_module(own)
    return own


def traced(recording: Recording, tokens: tuple[str, ...], path: str | None) -> Trace:
    """The trace of a path; without one, of the first that has a step for each token.

    Raises:
        RecordingError: there is none; the message is that of the last path.
    """
    if path is not None:
        return recording.trace(tokens, path=path)
    refusal = RecordingError("The module has no recurrent layer, cell or Tap that was recorded.")
    for one in recording.paths:
        try:
            return recording.trace(tokens, path=one)
        except ExplorerError as error:
            refusal = RecordingError(f"{one}: {error}")
    raise refusal
