"""The command line, `python -m models`: what every network can do, and what each family adds.

What a program reads is one JSON object on stdout; everything else goes to stderr.
"""

import sys
from collections.abc import Callable
from typing import Any

import typer

from explorer.errors import ExplorerError
from models import family
from models.cli import commands, measure


def application(start: Callable[..., Any] | None = None) -> typer.Typer:
    """The whole command line; collected late, as the families' commands lean on this folder.

    Args:
        start: What runs before a command or without one, with the options that it takes; without it the help is shown.
    """
    about = start.__doc__ if start else "Train, score and use the networks that the explorer opens."
    whole = typer.Typer(add_completion=False, no_args_is_help=start is None, help=about)
    if start:
        whole.callback(invoke_without_command=True)(start)
    whole.add_typer(commands.app)
    whole.add_typer(measure.app)
    for module in dict.fromkeys(member.commands for member in family.families() if member.commands):
        whole.add_typer(family.named(f"{module}:app"))
    return whole


def main(arguments: list[str] | None = None, start: Callable[..., Any] | None = None) -> None:
    """Run a command line; what goes wrong is a sentence on stderr and exit code 1. `start`: see `application`."""
    try:
        application(start)(arguments)
    except ExplorerError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
    except OSError as error:
        problem = f"{error.filename or 'A file'} cannot be read or written ({error.strerror or error})"
        typer.echo(f"{problem}. Check its folder, its rights and the room there.", err=True)
        sys.exit(1)
