"""A user's own Python file, run in a process of its own: the app asks it over a pipe to read a text and to record its module.

The file defines

    build() -> nn.Module                          the module, with its weights
    encode(text) -> (ids, tokens)                 the ids that it reads, and the token that each stands for
    run(module, ids)                              optional: how it is called; default: module(ids) with ids [1, time]
    logits(out)                                   optional: logits [time, vocab] from what it returned; default: its first tensor
    vocabulary                                    optional: tokens by id, if the module gives logits for the next one
    written(out)                                  optional: the tokens that it wrote, one for each row of its attention

Requests are JSON: {"text", "path"} reads a text; with "held": {"layer", "unit", "value"} the state of a unit of the path has that
value at every step; with "at" the loss at that token is followed back through time.

This process needs `explorer` alone. The project of the file may have packages of any name, also "models" and "pages".
"""

import importlib.util
import io
import json
import math
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from multiprocessing.connection import Client, Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from explorer.errors import ExplorerError, RecordingError
from explorer.gradients.contributions import input_gradient
from explorer.gradients.flow import gradient_flow
from explorer.interventions import intervene
from explorer.recording.record import Recording, record
from explorer.recording.served_attention import attended
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
    """Answer the requests on a pipe until it is closed: a header as JSON, and a record as the bytes of its file."""
    while True:
        try:
            request = json.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            return
        try:
            said = served.answer(request)
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
        logits: Logits [time, vocab] from what the module returned; default: its first tensor, without axes of the batch.
    """

    def __init__(
        self,
        module: nn.Module,
        encode: Encode,
        run: Callable[[Any, Any], Any] | None = None,
        vocabulary: Sequence | None = None,
        logits: Callable[[Any], torch.Tensor] | None = None,
    ):
        self.module, self.encode, self.vocabulary = module, encode, vocabulary
        self.run, self.logits = run or called_with_a_row, logits or first_tensor
        self.written: Callable[[Any], Sequence[str]] | None = None  # the tokens that it wrote, from what it returned

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
        served = cls(module.eval(), own.encode, *(getattr(own, name, None) for name in ("run", "vocabulary", "logits")))
        served.written = getattr(own, "written", None)
        return served

    def answer(self, request: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The answer to a request: a header, and a record as the bytes of its file.

        Raises:
            ExplorerError: the file's answers do not fit together, or the module has nothing of the kind.
        """
        text, path, held = request["text"], request["path"], request.get("held")
        changed = nullcontext(self.module)
        if held:
            changed = intervene(self.module, path, held["layer"], units=held["unit"], value=held["value"])
        with changed as module:
            return self.read(module, text, path) if request.get("at") is None else self.gradient(module, text, path, request["at"])

    def encoded(self, text: str) -> tuple[torch.Tensor, tuple[str, ...]]:
        """The ids of a text [time], and the token that each stands for.

        Raises:
            RecordingError: there are not as many of both, or none.
        """
        ids, tokens = self.encode(text)
        tokens = tuple(map(str, tokens))
        if len(ids) != len(tokens) or not tokens:
            raise RecordingError(f"encode() returned {len(ids)} ids and {len(tokens)} tokens; expected as many, at least one.")
        return torch.as_tensor(ids), tokens

    def read(self, module: nn.Module, text: str, path: str | None) -> tuple[dict[str, Any], bytes]:
        """A text as a module reads it: a header, and the trace of one path as the bytes of its file.

        Args:
            module: The served module, or a changed copy of it.
            text: The text.
            path: One of the recording's paths; None: the first that has a step for each token.

        Raises:
            RecordingError: the file's answers do not fit together, or the module has nothing that can be recorded.
        """
        ids, tokens = self.encoded(text)
        with torch.no_grad(), record(module) as recording:
            out = self.run(module, ids)
        trace = traced(recording, tokens, path)
        with TemporaryDirectory() as folder:
            trace.save(Path(folder, "trace.npz"))
            content = Path(folder, "trace.npz").read_bytes()
        written = None if self.written is None else [str(token) for token in self.written(out)]
        header = {"paths": list(recording.paths), "path": trace.source, "alignments": attended(recording, tokens, written)}
        return header | self._predicted(out, ids), content

    def gradient(self, module: nn.Module, text: str, path: str, at: int) -> tuple[dict[str, Any], bytes]:
        """The loss of one token given those before it, followed back through them: a header, and arrays [time, ...] as an .npz.

        Args:
            module: The served module, or a changed copy of it.
            text: The text.
            path: One of the recording's paths.
            at: Index of the predicted token, from 1 on.

        Raises:
            RecordingError: there is no such token, or the output has no logits for it.
        """
        ids, tokens = self.encoded(text)
        if not 1 <= at < len(tokens):
            raise RecordingError(f"at is {at}; expected 1 to {len(tokens) - 1}, a token that others stand before.")
        with record(module, gradients=True) as recording:
            out = self.run(module, ids[:at])
        logits = self._logits(out, at)
        if logits is None or not 0 <= int(ids[at]) < logits.shape[1]:
            raise RecordingError(f"The output has {_shape(out)}; the loss of a token needs logits [1, {at}, tokens]. Define logits(out).")
        loss = torch.nn.functional.cross_entropy(logits[-1:].float(), ids[at : at + 1].long().to(logits.device))
        norms = gradient_flow(recording, loss, tokens[:at], path=path)
        arrays: dict[str, Any] = {"state_log10": norms.state_log10, "hidden_log10": norms.hidden_log10}
        if norms.cell_log10 is not None:
            arrays["cell_log10"] = norms.cell_log10
        with suppress(ExplorerError):  # of some cells the input is not known
            felt = input_gradient(recording, loss, tokens[:at], path=path)
            arrays |= {"input_log10": felt.log10, "times_input": felt.times_input}
        content = io.BytesIO()
        np.savez(content, **arrays)
        return {"tokens": tokens[: at + 1], "loss": float(loss.detach()), "note": norms.note}, content.getvalue()

    def _logits(self, out: Any, time: int) -> torch.Tensor | None:
        """Logits [time, vocab] in an output; None if it has none for so many steps."""
        logits = self.logits(out)
        if not isinstance(logits, torch.Tensor) or not logits.dim():
            return None
        rows = logits.reshape(-1, logits.shape[-1])
        return rows if len(rows) == time else None

    def _predicted(self, out: Any, ids: torch.Tensor) -> dict[str, Any]:
        """The likeliest next tokens, their probabilities and the surprise at each token, if the module gives logits for them."""
        vocabulary = self.vocabulary
        if vocabulary is None or not isinstance(self.logits(out), torch.Tensor):
            return {}
        logits = self._logits(out, len(ids))
        if logits is None or logits.shape[1] != len(vocabulary):
            return {"note": f"The output has {_shape(out)}; [1, {len(ids)}, {len(vocabulary)}] would be logits of next tokens."}
        logs, ids = logits.detach().cpu().double().log_softmax(-1), ids.cpu()
        likely = logs.topk(min(LIKELY, len(vocabulary)), dim=-1)
        bits = [math.nan, *(-logs[:-1].gather(1, ids[1:, None].long())[:, 0] / math.log(2)).tolist()]
        named = [[str(vocabulary[index]) for index in row] for row in likely.indices.tolist()]
        return {"next_tokens": named, "next_p": likely.values.exp().tolist(), "bits": bits}


def first_tensor(out: Any) -> Any:
    """What a module returned, or the first of several values."""
    return out[0] if isinstance(out, tuple | list) and out else out


def _shape(out: Any) -> str:
    """The shape of an output, as a part of a sentence."""
    first = first_tensor(out)
    return f"shape {tuple(first.shape)}" if isinstance(first, torch.Tensor) else f"a {type(first).__name__}"


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
