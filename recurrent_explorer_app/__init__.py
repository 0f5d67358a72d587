"""The console script `recurrent-explorer`: without arguments it opens the app; its commands are those of `python -m models`.

The distribution recurrent-explorer-app installs this folder alone. Its pyproject.toml puts app.py, pages, models, checkpoints and the
settings of Streamlit inside it, and `main` puts it on the path: nothing of these names lies at the top level of site-packages.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

HERE = Path(__file__).resolve().parent
HOME = HERE if (HERE / "app.py").is_file() else HERE.parent  # installed, else in the project's tree


def main() -> None:
    """Run the console script."""
    sys.path.insert(0, str(HOME))
    from models import cli

    cli.main(start=start)


def start(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the app; 8501 or the next free one if left out.")] = None,
    address: Annotated[str | None, typer.Option(help="Address to listen on; this computer alone (localhost) if left out.")] = None,
) -> None:
    """Open the app, or run one of the commands below: train, score and use the networks that it shows."""
    if context.invoked_subcommand is None:
        open_app({"server.port": port, "server.address": address})


def open_app(settings: dict[str, int | str | None]) -> None:
    """Serve the app until Ctrl-C.

    `streamlit run` looks for .streamlit/config.toml beside app.py, so that every value of ours counts whatever the current folder is.

    Args:
        settings: Options of Streamlit in place of those of the file; None leaves one as it is.
    """
    from streamlit.web.cli import main as streamlit

    options = [f"--{name}={value}" for name, value in settings.items() if value is not None]
    streamlit(["run", str(HOME / "app.py"), *options], prog_name="streamlit")
