"""Shared parts of the commands: arguments, output, progress bars, and opening of networks."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

import models
from explorer.errors import CheckpointError, ExplorerError
from models import checkpoint, corpora, tables

Name = Annotated[str, typer.Argument(help="A network from `list`, or the path of a .safetensors file.")]


def _known_encoding(encoding: str | None) -> str | None:
    if encoding is not None and encoding not in tables.ENCODINGS:
        raise typer.BadParameter(f"{encoding!r} is not known; expected one of {', '.join(tables.ENCODINGS)}, or UTF-8 without this option.")
    return encoding


Encoding = Annotated[
    str | None,
    typer.Option(
        callback=_known_encoding,
        help=f"Encoding of a table that is not UTF-8; guessed if left out: {', '.join(tables.ENCODINGS)}.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")]


def write(answer: dict[str, Any], as_json: bool) -> None:
    """Writes a result to stdout as one JSON object, or as lines of text."""
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    for key, value in answer.items():
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
        typer.echo(f"{key}: {value:.6g}" if isinstance(value, float) else f"{key}: {text}")


@contextmanager
def bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, updated with (done, total); only its label if stderr is not a terminal."""
    with typer.progressbar(length=1, label=label, file=sys.stderr) as shown:

        def report(done: int, total: int) -> None:
            shown.length = total
            shown.update(done - shown.pos)

        yield report


def given() -> str:
    """The text on stdin.

    Raises:
        DataError: it is not UTF-8.
    """
    return corpora.decoded(sys.stdin.buffer.read(), "stdin")


def usable(device: str) -> str:
    """The device, after checking that torch can compute on it.

    Raises:
        ExplorerError: torch cannot compute on it.
    """
    import torch

    try:
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        why = (str(error).splitlines() or ["no reason given"])[0].rstrip(".")
        raise ExplorerError(f"--device is {device!r}, on which torch cannot compute here ({why}). Omit it to use the CPU.") from None
    return device


def open_network(name: str, kind: str | None = None) -> checkpoint.Loaded:
    """A network by name or by the path of its file, optionally of a required kind.

    Raises:
        CheckpointError: there is no such network, it is damaged, or it is of another kind.
    """
    checkpoint.one_thread()
    loaded = checkpoint.load(name) if name.endswith(".safetensors") else models.load(name)
    if kind is not None and loaded.card["kind"] != kind:
        fitting = ", ".join(other for other, card in models.available().items() if card["kind"] == kind) or "none yet"
        raise CheckpointError(f"{name} is of kind {loaded.card['kind']}; expected {kind}. Available: {fitting}.")
    return loaded


def text_of(corpus: str, path: Path | None) -> str:
    """A training text: the given file, else the default one."""
    return corpora.read_text(path or corpora.find(corpus))
