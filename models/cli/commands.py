"""The commands for all networks: list, train, pack, evaluate, compare and fetch."""

import json
import math
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

import models
from explorer.errors import CheckpointError, ExplorerError
from models import checkpoint, corpora, family, tables
from models.cli.console import AsJson, Encoding, Name, bar, open_network, usable, write
from models.files import alone

app = typer.Typer()

RECIPES = ", ".join(family.recipes())
FETCHED = ", ".join(name for name, corpus in family.corpora().items() if not corpus.not_fetched)
States = Annotated[Path, typer.Option(help="Folder of training states, from which stopped trainings resume.")]


class StoppedError(Exception):
    """The training was stopped with Ctrl-C."""


@app.command("list")
def list_networks(as_json: AsJson = False) -> None:
    """List the available networks with their parameters and scores."""
    cards = models.available()
    rows = {name: {"parameters": card.get("parameters"), "scores": card.get("scores", {})} for name, card in cards.items()}
    if as_json:
        write({"networks": rows, "recipes": list(family.recipes()), "damaged": models.damaged()}, True)
        return
    for name, card in cards.items():
        typer.echo(f"{name}: {_in_words(card)}")
    for name, sentence in models.damaged().items():
        typer.echo(f"{name}: {sentence}", err=True)
    missing = [name for name in family.recipes() if name not in rows]
    typer.echo(f"Not trained yet: {', '.join(missing)}" if missing else "All recipes are trained.", err=True)


def _in_words(card: dict[str, Any]) -> str:
    """Parameters and scores of a network as text, as far as its card has them in valid form."""
    own = family.of_kind(card["kind"])
    checked = family.named(own.card or "models.card:Card").checked(card) or {}
    parameters, scores = checked.get("parameters"), checked.get("scores", {})
    named = ", ".join(words.format(scores[key]) for key, words in own.headline.items() if key in scores)
    return (f"{parameters:,} parameters" if parameters else "size unknown") + (f", {named} on dev" if named else "")


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="A recipe: " + RECIPES)],
    device: Annotated[str, typer.Option(help="Device to train on: cpu, cuda, mps ...")] = "cpu",
    source: Annotated[Path | None, typer.Option("--data", help="Other training data, in the same form.")] = None,
    encoding: Encoding = None,
    epochs: Annotated[float | None, typer.Option(help="Passes over the data; default: as in the recipe.")] = None,
    folder: States = corpora.ROOT / "runs",
    as_json: AsJson = False,
) -> None:
    """Train a network and write its checkpoint. Ctrl-C stops it, and the same command resumes it."""
    import torch

    state, training = folder / f"{name}.pt", _training(name)
    usable(device)
    typer.echo(f"The checkpoint will be written to {_target(name)}.", err=True)
    if epochs is not None and not 0 < epochs < math.inf:
        raise ExplorerError(f"--epochs is {epochs}; expected more than 0. Omit it to use that of the recipe.")
    with tables.in_encoding(encoding):
        read = _data(name, source)
    with alone(state, patience=0, advice="Wait until that training has ended, or choose another folder with --folder."):
        try:
            torch.set_flush_denormal(True)  # denormal gradients are very slow on a CPU
            _run(training.trainers(name, read, state, device, epochs))
        finally:
            torch.set_flush_denormal(False)
        _pack(name, state, read, as_json)


def _run(trainers: Iterable[Any]) -> None:
    """Runs trainings to the end, or until Ctrl-C."""
    try:
        for trainer in trainers:
            trainer.report = lambda row: typer.echo("\n" + json.dumps(row), err=True)
            with bar(trainer.path.stem) as report, _interruptible(report, trainer) as every:
                trainer.run(every)
    except StoppedError as stopped:
        typer.echo(f"\n{stopped}", err=True)
        raise typer.Exit(130) from None


@contextmanager
def _interruptible(report: Callable[[int, int], None], trainer: Any) -> Iterator[Callable[[int, int], None]]:
    """Reports progress, and delays Ctrl-C until the end of an update, so that the state on disk is complete."""
    asked: list[int] = []

    def every(update: int, total: int) -> None:
        report(update, total)
        if asked:
            trainer.save()
            raise StoppedError(f"Stopped after {update:,} of {total:,} updates. The same command resumes from {trainer.path}.")

    before = signal.signal(signal.SIGINT, lambda signum, frame: asked.append(signum))
    try:
        yield every
    finally:
        signal.signal(signal.SIGINT, before)


def _training(name: str) -> ModuleType:
    """The module that trains a recipe."""
    return family.named(family.of_recipe(name).training)


def _data(name: str, path: Path | None) -> Any:
    """The training data of a recipe: the given data, else the default."""
    of = family.of_recipe(name)
    source = family.named(of.data)
    return source.read(path or source.find(of.recipes[name]["corpus"]))


def _target(name: str) -> Path:
    """The checkpoint of a recipe, as it is written."""
    return models.folder_of_checkpoints() / f"{name}.safetensors"


def _pack(name: str, state: Path, source: Any, as_json: bool) -> None:
    checkpoint.one_thread()
    target = _target(name)
    with bar("scoring on dev") as report:
        card = _training(name).finish(name, state, source, target, report)
    write({"checkpoint": str(target), "parameters": card["parameters"]} | card["scores"], as_json)


@app.command()
def pack(
    name: Annotated[str, typer.Argument(help="A recipe: " + RECIPES)],
    state: Annotated[Path, typer.Argument(help="State file of its training.")],
    source: Annotated[Path | None, typer.Option("--data", help="Its training data; default: that of the recipe.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the checkpoint of a training that is running or stopped, from its state file."""
    _pack(name, state, _data(name, source), as_json)


@app.command()
def evaluate(
    name: Name,
    source: Annotated[
        Path, typer.Option("--data", help="Data to score on, in the form of its training data; for character networks any UTF-8 text.")
    ],
    encoding: Encoding = None,
    width: Annotated[
        int | None, typer.Option("--beam", min=1, max=100, help="Beam width, for translation networks and captioners.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score a network on data of your choice."""
    loaded = open_network(name)
    kind = loaded.card["kind"]
    own = family.of_kind(kind)
    if own.training is None:
        scored = ", ".join(kind for kind, other in family.kinds().items() if other.training)
        raise CheckpointError(f"{name} is of kind {kind}, which cannot be scored. Expected one of {scored}.")
    if width is not None and not own.searches:
        raise CheckpointError(f"{name} is of kind {kind}, which does not use beam search. Omit --beam.")
    with bar("scoring") as report, tables.in_encoding(encoding):
        more = {} if width is None else {"width": width}
        scores = family.named(own.training).evaluate(loaded, source, report, **more)
    write(scores, as_json)


@app.command()
def compare(
    names: Annotated[list[str], typer.Argument(help="Networks of one kind; each is compared with the first.")],
    source: Annotated[Path | None, typer.Option("--data", help="Their training data; default: that of the recipe.")] = None,
    encoding: Encoding = None,
    as_json: AsJson = False,
) -> None:
    """Compare translation networks or captioners with the first one on dev, by a paired bootstrap; results go into the others' cards."""
    if len(set(names)) < 2:
        raise CheckpointError(f"Only {names[0]} was given; expected two or more networks, to compare the others with the first.")
    first = open_network(names[0])
    kind = first.card["kind"]
    own = family.of_kind(kind)
    if not own.compares:
        compared = ", ".join(kind for kind, other in family.kinds().items() if other.compares)
        raise CheckpointError(f"{names[0]} is of kind {kind}; expected one of {compared}, whose output can be compared.")
    data, training = family.named(own.data), family.named(own.training)
    loaded = {name: open_network(name, kind) for name in names}
    with tables.in_encoding(encoding):
        read = data.read(source or data.find(first.card["data"]["corpus"]))
    with bar("reading dev") as report:
        results = training.compare(loaded, read, report)
    for name in names[1:]:
        path = models.own_copy(Path(name) if name.endswith(".safetensors") else models.file_of(f"{name}.safetensors"))
        both = {part: {key: by_name[key] for key in (names[0], name)} for part, by_name in results.items()}
        checkpoint.update_card(path, loaded[name], paired={"against": names[0]} | both)
    write(results, as_json)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help=f"Training data ({FETCHED}), or a recipe that needs it.")],
    folder: Annotated[Path | None, typer.Option(help=f"Data folder; default: {corpora.IN_WORDS}.")] = None,
    as_json: AsJson = False,
) -> None:
    """Download training data from its public address and check it."""
    corpus = family.recipes()[name]["corpus"] if name in family.recipes() else name
    own = family.of_corpus(corpus)
    if own is None:
        raise corpora.DataError(f"No training data is called {name!r}. Known: {FETCHED}, or a recipe that needs it.")
    if own.corpora[corpus].not_fetched:
        raise corpora.DataError(own.corpora[corpus].not_fetched.format(name=name))
    source = family.named(own.data)
    with bar(f"fetching {corpus}") as report:
        path = source.fetch(corpus, folder, report)
    write({"file": str(path)} | source.summary(corpus, path), as_json)
