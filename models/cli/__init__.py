"""The command line `python -m models`: commands for all networks, and those of each family.

Results go to stdout (with --json as one JSON object), all other messages to stderr.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import typer

from explorer.errors import ExplorerError
from models import family
from models.cli import commands, measure


def application(start: Callable[..., Any] | None = None, further: Mapping[str, Callable[..., Any]] = {}) -> typer.Typer:
    """The whole command line; built on demand, because the commands of families import this package.

    Args:
        start: Function to run before a command, or without one, with its own options; default: show the help.
        further: Further commands by name.
    """
    about = start.__doc__ if start else "Train, score and use the networks that the explorer opens."
    whole = typer.Typer(add_completion=False, no_args_is_help=start is None, help=about)
    if start:
        whole.callback(invoke_without_command=True)(start)
    for name, command in further.items():
        whole.command(name)(command)
    whole.add_typer(commands.app)
    whole.add_typer(measure.app)
    for module in dict.fromkeys(member.commands for member in family.families() if member.commands):
        whole.add_typer(family.named(f"{module}:app"))
    return whole


def main(
    arguments: list[str] | None = None, start: Callable[..., Any] | None = None, further: Mapping[str, Callable[..., Any]] = {}
) -> None:
    """Runs a command line; errors become a sentence on stderr and exit code 1. For `start` and `further` see `application`."""
    try:
        application(start, further)(arguments)
    except ExplorerError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
    except OSError as error:
        problem = f"{error.filename or 'A file'} cannot be read or written ({error.strerror or error})"
        typer.echo(f"{problem}. Check the folder, its permissions and the free space.", err=True)
        sys.exit(1)
