"""The command line: `python -m models list | train | evaluate | generate | fetch | pack | count`.

What a program reads is one JSON object on stdout; everything else goes to stderr.
"""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

import models
from explorer.errors import ExplorerError
from models import checkpoint, data
from models.recipes import RECIPES

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Train, score and use the networks that the explorer opens.")

Name = Annotated[str, typer.Argument(help="A network of `list`, or the path of a .safetensors file.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Data = Annotated[Path | None, typer.Option(help="A UTF-8 text file to use in place of the usual one.")]
States = Annotated[Path, typer.Option(help="Folder of training states, from which a stopped training goes on.")]


class StoppedError(Exception):
    """Ctrl-C came between two updates."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command line; what goes wrong is a sentence on stderr and exit code 1."""
    try:
        app(arguments)
    except ExplorerError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)


def _tell(answer: dict[str, Any], as_json: bool) -> None:
    """The answer as one JSON object, or as lines for people."""
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    for key, value in answer.items():
        typer.echo(f"{key}: {value:.6g}" if isinstance(value, float) else f"{key}: {value}")


@contextmanager
def _bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, fed with (done, total)."""
    with typer.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def report(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield report


class _Download:
    """A progress bar as pooch wants it: in bytes, its total known only when the answer has begun."""

    def __init__(self, report: Callable[[int, int], None]):
        self.report, self.total, self.done = report, 0, 0

    def update(self, size: int) -> None:
        self.done += size
        self.report(min(self.done, self.total), max(1, self.total))

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        pass


def _one_thread() -> None:
    """One text is read step by step: more threads only wait for each other there (measured: 4 times the processor's time)."""
    import torch

    torch.set_num_threads(1)


def _open(name: str) -> checkpoint.Loaded:
    _one_thread()
    return checkpoint.load(name) if name.endswith(".safetensors") else models.load(name)


def _text(corpus: str, path: Path | None) -> str:
    return data.read_text(path or data.find(corpus))


@app.command("list")
def list_networks(as_json: AsJson = False) -> None:
    """Networks that can be opened, with their parameters and scores."""
    cards = models.available()
    rows = {name: {"parameters": card.get("parameters"), "scores": card.get("scores", {})} for name, card in cards.items()}
    if as_json:
        _tell({"networks": rows, "recipes": list(RECIPES), "damaged": models.damaged()}, True)
        return
    for name, row in rows.items():
        nats = row["scores"].get("nats_per_character")
        typer.echo(f"{name}: {row['parameters']:,} parameters, {nats:.4f} nats a character on dev" if nats else name)
    for name, sentence in models.damaged().items():
        typer.echo(f"{name}: {sentence}", err=True)
    missing = [name for name in RECIPES if name not in rows]
    typer.echo(f"Not here yet, to be trained: {', '.join(missing)}" if missing else "All recipes are trained.", err=True)


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="A recipe: " + ", ".join(RECIPES))],
    device: Annotated[str, typer.Option(help="cpu, cuda, mps ...")] = "cpu",
    text_file: Annotated[Path | None, typer.Option("--data", help="Train on this UTF-8 text instead.")] = None,
    epochs: Annotated[float | None, typer.Option(help="Passes over the text, in place of the recipe's.")] = None,
    folder: States = data.ROOT / "runs",
    as_json: AsJson = False,
) -> None:
    """Train a network and write its checkpoint; Ctrl-C stops it, the same command goes on. A finished one is only packed."""
    import torch

    from models import training

    torch.set_flush_denormal(True)  # gradients that have all but vanished make a CPU crawl otherwise
    state = folder / f"{name}.pt"
    corpus, _, _ = training.recipe_of(name)
    text = _text(corpus, text_file)
    try:
        for trainer in training.trainers(name, text, state, device, epochs):
            trainer.report = lambda row: typer.echo("\n" + json.dumps(row), err=True)
            with _bar(trainer.path.stem) as report, _interruptible(report, trainer) as every:
                trainer.run(every)
    except StoppedError as stopped:
        typer.echo(f"\n{stopped}", err=True)
        raise typer.Exit(130) from None
    _pack(name, state, text, as_json)


@contextmanager
def _interruptible(report: Callable[[int, int], None], trainer: Any) -> Iterator[Callable[[int, int], None]]:
    """Reports progress, and lets Ctrl-C stop only there, between two updates, so that the state on disk is whole."""
    asked: list[int] = []

    def every(update: int, total: int) -> None:
        report(update, total)
        if asked:
            trainer.save()
            raise StoppedError(f"Stopped after {update:,} of {total:,} updates. The same command goes on from {trainer.path}.")

    before = signal.signal(signal.SIGINT, lambda number, frame: asked.append(number))
    try:
        yield every
    finally:
        signal.signal(signal.SIGINT, before)


def _pack(name: str, state: Path, text: str, as_json: bool) -> None:
    from models import training

    _one_thread()
    target = models.folder_of_checkpoints() / f"{name}.safetensors"
    with _bar("scoring on dev") as report:
        card = training.finish(name, state, text, target, report)
    _tell({"checkpoint": str(target), "parameters": card["parameters"]} | card["scores"], as_json)


@app.command()
def pack(
    name: Annotated[str, typer.Argument(help="A recipe: " + ", ".join(RECIPES))],
    state: Annotated[Path, typer.Argument(help="State file of its training.")],
    text_file: Annotated[Path | None, typer.Option("--data", help="The text it was trained on.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the checkpoint of a training state, running or finished, with its full card."""
    from models import training

    _pack(name, state, _text(training.recipe_of(name)[0], text_file), as_json)


@app.command()
def count(
    corpus: Annotated[str, typer.Argument(help="A training text: " + ", ".join(data.CORPORA))],
    text_file: Annotated[Path | None, typer.Option("--data", help="Count this UTF-8 text instead.")] = None,
    order: Annotated[int, typer.Option(min=1, max=12, help="Longest n-grams.")] = 5,
    rarest: Annotated[int, typer.Option(min=1, help="The longest n-grams that occur less often are dropped, to save room.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Write the n-gram counts of a training text, the yardstick that stands beside the networks."""
    from models import training

    data.corpus(corpus)
    target = models.folder_of_checkpoints() / f"{corpus}-ngram.safetensors"
    card = training.count(corpus, _text(corpus, text_file), target, order, (1,) * (order - 1) + (rarest,))
    _tell({"file": str(target)} | card["scores"], as_json)


@app.command()
def evaluate(name: Name, text_file: Annotated[Path, typer.Option("--data", help="A UTF-8 text file.")], as_json: AsJson = False) -> None:
    """Score a network on any text file: nats and bits a character, characters, unknown ones."""
    loaded = _open(name)
    from models.scoring import evaluate as score_file

    with _bar("scoring") as report:
        scores = score_file(loaded, text_file, report)
    _tell(scores, as_json)


@app.command()
def generate(
    name: Name,
    prompt: Annotated[str, typer.Option(help="What stands before.")] = "",
    length: Annotated[int, typer.Option(min=1, help="Characters to write.")] = 500,
    temperature: Annotated[float, typer.Option(help="0: always the likeliest.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(help="Only the k likeliest.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Only the fewest likeliest that hold this share.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed writes the same text.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Let a network write, character by character."""
    loaded = _open(name)
    from models.decoding import sample

    characters = sample(loaded, prompt, temperature, top_k, top_p, seed)
    written = ""
    for _ in range(length):
        character = next(characters)
        written += character
        if not as_json:
            typer.echo(character, nl=False)
            sys.stdout.flush()
    if as_json:
        _tell({"prompt": prompt, "text": written}, True)
    else:
        typer.echo()


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A training text (" + ", ".join(data.CORPORA) + "), or a recipe that needs one.")],
    folder: Annotated[Path | None, typer.Option(help="Data folder; `data/` of the project if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Download a training text from its public address, checked."""
    corpus = RECIPES[name]["corpus"] if name in RECIPES else name
    data.corpus(corpus)
    with _bar(f"fetching {corpus}") as report:
        path = data.fetch(corpus, folder, _Download(report))
    text = data.read_text(path)
    _tell({"file": str(path), "characters": len(text), "sha256": data.sha256(text), "licence": data.CORPORA[corpus]["licence"]}, as_json)
