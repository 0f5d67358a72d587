"""The command line, `python -m models`: what every network can do, and what each family adds.

What a program reads is one JSON object on stdout; everything else goes to stderr.
"""

import sys

import typer

from explorer.errors import ExplorerError
from models import family
from models.cli import commands, measure


def application() -> typer.Typer:
    """The whole command line; collected late, as the families' commands lean on this folder."""
    whole = typer.Typer(add_completion=False, no_args_is_help=True, help="Train, score and use the networks that the explorer opens.")
    whole.add_typer(commands.app)
    whole.add_typer(measure.app)
    for module in dict.fromkeys(member.commands for member in family.families() if member.commands):
        whole.add_typer(family.named(f"{module}:app"))
    return whole


def main(arguments: list[str] | None = None) -> None:
    """Run a command line; what goes wrong is a sentence on stderr and exit code 1."""
    try:
        application()(arguments)
    except ExplorerError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
    except OSError as error:
        problem = f"{error.filename or 'A file'} cannot be read or written ({error.strerror or error})"
        typer.echo(f"{problem}. Check its folder, its rights and the room there.", err=True)
        sys.exit(1)
