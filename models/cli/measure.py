"""Commands for what networks reach: `measure` runs a measurement of a family's `experiments`, `results` prints all scores."""

import inspect
import json
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Annotated, Any, get_args, get_type_hints

import typer

import models
from models import results as score_tables
from models.measurement import Measurement, Subject, measurable, measurement, measurements, subject

app = typer.Typer()
SHARED = {
    "as_json": typer.Option("--json", help="Print the result as JSON."),
    "dry": typer.Option("--dry", help="Leave every card and file as it is."),
}


@app.command(context_settings={"allow_interspersed_args": False})
def measure(
    name: Annotated[str | None, typer.Argument(help="A network, a .safetensors file, a recipe, training data, or a family.")] = None,
    rest: Annotated[list[str] | None, typer.Argument(metavar="[WHAT] [OPTIONS]", help="The measurement, and its options.")] = None,
) -> None:
    """Measure a trained network with the instrument and keep the result in its card, or in a file beside the checkpoints.

    WHAT is measured depends on the family of the network; without WHAT it is the usual measurement of that family. Some measurements
    are of one network (`measure wiki-lstm units`), some of all networks of a training text (`measure wiki gap`), and some need no
    checkpoint: name the family (`measure memory_tasks learning`, `measure translation references`).

    Without NAME it lists all measurements. `measure NAME WHAT --help` explains one and lists its options; each has --json, which
    prints the result as JSON, and --dry, which keeps nothing.
    """
    if name is None:
        for family in measurable():
            for what, function in measurements(family).items():
                typer.echo(f"{family} {what}: {(inspect.getdoc(function) or '').splitlines()[0]}")
        return
    words = rest or []
    is_usual = not words or words[0].startswith("-")
    about = subject(name)
    what, function = measurement(about, None if is_usual else words[0])
    part = typer.Typer(add_completion=False)
    epilog = f"Measurements of {about.family}: {', '.join(measurements(about.family))}."
    part.command(help=inspect.getdoc(function), epilog=epilog)(_command(function, about))
    part(words if is_usual else words[1:], prog_name=f"python -m models measure {name} {what}")


@app.command()
def results() -> None:
    """Print the scores of all networks here as Markdown tables, from their cards: `results > docs/results.md`."""
    text, left_out = score_tables.report(models.available())
    typer.echo(text, nl=False)
    for name in left_out:
        typer.echo(f"{name}: its card lacks scores that the table needs; it is left out.", err=True)


def _command(function: Measurement, about: Subject) -> Callable[..., None]:
    """What typer runs: its parameters are the fields of the measurement's options, and --json and --dry."""
    options = get_type_hints(function)["options"]

    def run(as_json: bool, dry: bool, **chosen: Any) -> None:
        measured = function(about, options(**chosen), lambda line: typer.echo(line, err=True))
        if not dry:
            measured.save()
            for path in (*measured.cards, *measured.files):
                typer.echo(f"Written: {path}", err=True)
        typer.echo(json.dumps(measured.values, indent=1) if as_json else "\n".join(measured.lines))

    hints = get_type_hints(options, include_extras=True)
    own = [_parameter(option, hints[option.name]) for option in fields(options)]
    shared = [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, SHARED[key]]) for key in SHARED
    ]
    run.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    return run


def _parameter(option: Field, hint: Any) -> inspect.Parameter:
    """A field of a measurement's options as typer reads it: its name, type, default and help."""
    kind, sentence = get_args(hint)
    default = option.default if option.default_factory is MISSING else option.default_factory()
    about = typer.Option(f"--{option.name}", help=sentence)
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, about])
