"""The command line, `python -m models`: one file for what every network can do, one for each kind.

What a program reads is one JSON object on stdout; everything else goes to stderr.
"""

import sys

import typer

from explorer.errors import ExplorerError
from models.captioning import commands as captioning_commands
from models.char_lm import commands as char_lm_commands
from models.cli import commands as cli_commands
from models.cli import measure as cli_measure
from models.names import commands as names_commands
from models.translation import commands as translation_commands

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Train, score and use the networks that the explorer opens.")
for part in (
    cli_commands.app,
    cli_measure.app,
    char_lm_commands.app,
    translation_commands.app,
    names_commands.app,
    captioning_commands.app,
):
    app.add_typer(part)


def main(arguments: list[str] | None = None) -> None:
    """Run a command line; what goes wrong is a sentence on stderr and exit code 1."""
    try:
        app(arguments)
    except ExplorerError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
    except OSError as error:
        told = f"{error.filename or 'A file'} cannot be read or written ({error.strerror or error})"
        typer.echo(f"{told}. Check its folder, its rights and the room there.", err=True)
        sys.exit(1)
