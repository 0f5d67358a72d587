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
from collections.abc import Callable, Sequence
from multiprocessing.connection import Client, Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import torch
from torch import nn

from explorer.errors import ExplorerError, RecordingError
from explorer.recording.record import Recording, record
from explorer.records import Trace

LIKELY = 5  # next tokens that are listed
NEEDED = ("build", "encode")
Encode = Callable[[str], tuple[Sequence[int], Sequence[str]]]


def main() -> None:
    """Read where to connect from stdin, run the file, and answer until the pipe is closed."""
    said = json.loads(sys.stdin.readline())
    sys.stdout = sys.stderr  # what the file prints must not get lost among answers
    with Client(said["address"], authkey=bytes.fromhex(said["key"])) as pipe:
        answer(pipe, Path(said["file"]))


def answer(pipe: Connection, file: Path) -> None:
    """Run a file, and answer the requests on a pipe."""
    try:
        served = Served.of_file(file)
        reply(pipe, {"ready": True})
    except BaseException as error:  # whatever the file does, the reason reaches its owner
        reply(pipe, {"error": reason(error, str(file))})
        return
    serve(pipe, served, str(file))


def serve(pipe: Connection, served: "Served", file: str) -> None:
    """Answer the requests {"text", "path"} on a pipe until it is closed: a header as JSON, and a trace as the bytes of its file."""
    while True:
        try:
            request = json.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            return
        try:
            said = served.read(request["text"], request["path"])
        except Exception as error:
            said = ({"error": reason(error, file)}, b"")
        try:
            reply(pipe, *said)
        except OSError:  # the app did not wait for the answer
            return


def reply(pipe: Connection, header: dict[str, Any], content: bytes = b"") -> None:
    """Send a header and the bytes that belong to it."""
    pipe.send_bytes(json.dumps(header).encode())
    pipe.send_bytes(content)


def reason(error: BaseException, file: str) -> str:
    """What went wrong in a sentence, with the line of the user's file; "<stdin>" and the like have lines too."""
    if isinstance(error, ExplorerError):
        return str(error)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if isinstance(error, SyntaxError) and error.lineno:
        lines.append(error.lineno)
    where = f" at line {lines[-1]}" if lines else ""
    return f"{Path(file).name} raised {type(error).__name__}{where}: {str(error)[:300] or 'no message'}"


class Served:
    """A module that reads texts.

    Args:
        module: Any module with recurrent layers, cells or Taps.
        encode: From a text to its ids and tokens.
        run: How the module is called, run(module, ids) with ids [time]; default: module(ids) with ids [1, time].
        vocabulary: Tokens by id, if the module gives logits for the next one.
    """

    def __init__(self, module: nn.Module, encode: Encode, run: Callable[[Any, Any], Any] | None = None, vocabulary: Sequence | None = None):
        self.module, self.encode, self.vocabulary = module, encode, vocabulary
        self.run = run or called_with_a_row

    @classmethod
    def of_file(cls, file: Path) -> "Served":
        """The module of a Python file; its folder is the first place where the file looks for what it imports.

        Raises:
            RecordingError: it does not define what is needed, or `build` returns no module.
        """
        sys.path.insert(0, str(file.parent))
        own = load(file)
        lacking = [name for name in NEEDED if not callable(getattr(own, name, None))]
        if lacking:
            raise RecordingError(f"{file.name} does not define {' and '.join(f'{name}()' for name in lacking)}; expected build and encode.")
        module = own.build()
        if not isinstance(module, nn.Module):
            raise RecordingError(f"build() in {file.name} returned {type(module).__name__}; expected a torch.nn.Module.")
        return cls(module.eval(), own.encode, getattr(own, "run", None), getattr(own, "vocabulary", None))

    def read(self, text: str, path: str | None) -> tuple[dict[str, Any], bytes]:
        """A text as the module reads it: a header, and the trace of one path as the bytes of its file.

        Args:
            text: The text.
            path: One of the recording's paths; None: the first that has a step for each token.

        Raises:
            RecordingError: the file's answers do not fit together, or the module has nothing that can be recorded.
        """
        ids, tokens = self.encode(text)
        tokens = tuple(map(str, tokens))
        if len(ids) != len(tokens) or not tokens:
            raise RecordingError(f"encode() returned {len(ids)} ids and {len(tokens)} tokens; expected as many, at least one.")
        ids = torch.as_tensor(ids)
        with torch.no_grad(), record(self.module) as recording:
            out = self.run(self.module, ids)
        trace = traced(recording, tokens, path)
        with TemporaryDirectory() as folder:
            trace.save(Path(folder, "trace.npz"))
            content = Path(folder, "trace.npz").read_bytes()
        return {"paths": list(recording.paths), "path": trace.source} | self._predicted(out, ids), content

    def _predicted(self, out: Any, ids: torch.Tensor) -> dict[str, Any]:
        """The likeliest next tokens, their probabilities and the surprise at each token, if the module gives logits [1, time, vocab]."""
        vocabulary = self.vocabulary
        out = out[0] if isinstance(out, tuple | list) and out else out
        if vocabulary is None or not isinstance(out, torch.Tensor):
            return {}
        logits = out.reshape(-1, out.shape[-1]) if out.dim() else out
        if tuple(logits.shape) != (len(ids), len(vocabulary)):
            return {"note": f"The output has shape {tuple(out.shape)}; [1, {len(ids)}, {len(vocabulary)}] would be logits of next tokens."}
        logs, ids = logits.detach().cpu().double().log_softmax(-1), ids.cpu()
        likely = logs.topk(min(LIKELY, len(vocabulary)), dim=-1)
        bits = [math.nan, *(-logs[:-1].gather(1, ids[1:, None].long())[:, 0] / math.log(2)).tolist()]
        named = [[str(vocabulary[index]) for index in row] for row in likely.indices.tolist()]
        return {"next_tokens": named, "next_p": likely.values.exp().tolist(), "bits": bits}


def called_with_a_row(module: nn.Module, ids: torch.Tensor) -> Any:
    """The output of a module for one row of ids [1, time], on the device of its weights."""
    weight = next(module.parameters(), ids)
    return module(ids.to(weight.device)[None])


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
