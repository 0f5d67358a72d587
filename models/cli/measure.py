"""The commands `measure`, which runs a measurement from a family's `experiments`, and `results`, which prints all scores."""

import inspect
import json
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Annotated, Any, get_args, get_type_hints

import typer

import models
from models import results as score_tables
from models.family import PROGRAM
from models.measurement import Measurement, Subject, measurable, measurement, measurements, subject

app = typer.Typer()
SHARED = {
    "as_json": typer.Option("--json", help="Print the result as JSON."),
    "dry": typer.Option("--dry", help="Do not change any card or file."),
}


@app.command(context_settings={"allow_interspersed_args": False})
def measure(
    name: Annotated[str | None, typer.Argument(help="A network, a .safetensors file, a recipe, training data, or a family.")] = None,
    rest: Annotated[list[str] | None, typer.Argument(metavar="[WHAT] [OPTIONS]", help="The measurement, and its options.")] = None,
) -> None:
    """Measure a trained network and save the result in its card, or in a file next to the checkpoints.

    The possible values of WHAT depend on the family of the network; without WHAT the family's default measurement runs. Some
    measurements need one network (`measure wiki-lstm units`), some a training text, for all its networks (`measure wiki gap`), and
    some no checkpoint but a family (`measure memory_tasks learning`, `measure translation references`).

    Without NAME, all measurements are listed. `measure NAME WHAT --help` explains a measurement and lists its options. All have
    --json, which prints the result as JSON, and --dry, which saves nothing.
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
    part(words if is_usual else words[1:], prog_name=f"{PROGRAM} measure {name} {what}")


@app.command()
def results() -> None:
    """Print the scores of all available networks as Markdown tables, from their cards: `results > docs/results.md`."""
    text, left_out = score_tables.report(models.available())
    typer.echo(text, nl=False)
    for name in left_out:
        typer.echo(f"{name}: its card lacks scores that the table needs; it is skipped.", err=True)


def _command(function: Measurement, about: Subject) -> Callable[..., None]:
    """The function for typer; its parameters are the fields of the measurement's options, --json and --dry."""
    options = get_type_hints(function)["options"]

    def run(as_json: bool, dry: bool, **chosen: Any) -> None:
        measured = function(about, options(**chosen), lambda line: typer.echo(line, err=True))
        if not dry:
            for path in measured.save():
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
    """A field of a measurement's options as a parameter for typer: its name, type, default and help."""
    kind, sentence = get_args(hint)
    default = option.default if option.default_factory is MISSING else option.default_factory()
    about = typer.Option(f"--{option.name}", help=sentence)
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, about])
