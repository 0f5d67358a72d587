"""The console script `recurrent-explorer`: without arguments it opens the app; its commands are those of `python -m models`.

The distribution recurrent-explorer-app installs this folder alone. Its pyproject.toml puts app.py, pages, models, checkpoints and the
settings of Streamlit inside it, and `main` puts it on the path: nothing of these names lies at the top level of site-packages.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from recurrent_explorer_app.headers import ORIGIN

HERE = Path(__file__).resolve().parent
HOME = HERE if (HERE / "app.py").is_file() else HERE.parent  # installed, else in the project's tree


def main() -> None:
    """Run the console script."""
    sys.path.insert(0, str(HOME))
    from models import cli

    cli.main(start=start, further={"open": open_files})


Models = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help='A folder of Python files with build() and encode(text): "Your model" lists them and runs the chosen one.'
    ),
]


def start(
    context: typer.Context,
    models: Models = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the app; 8501 or the next free one if left out.")] = None,
    address: Annotated[str | None, typer.Option(help="Address to listen on; this computer alone (localhost) if left out.")] = None,
    embed_from: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="Pages that may show the app in a frame, as https://example.org; repeatable. Uploads work in the frame over https only.",
        ),
    ] = None,
) -> None:
    """Open the app, or run one of the commands below: train, score and use the networks that it shows."""
    if context.invoked_subcommand is None:
        for origin in embed_from or ():
            if not ORIGIN.fullmatch(origin):
                raise typer.BadParameter(
                    f"{origin!r} is not an origin; expected one such as https://example.org.", param_hint="--embed-from"
                )
        from recurrent_explorer_app.server import serve

        if models is not None:
            from models.foreign.given import Given, give

            give(Given(models=models))
        serve(HOME / "app.py", port, address, embed_from or ())


def open_files(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Checkpoints, weights of any recurrent network, arrays (.npz, .parquet, .csv, .tsv, alignments), "
            "or Python files with build() and encode(text), which are run."
        ),
    ] = None,
    models: Models = None,
    vocabulary: Annotated[
        Path | None,
        typer.Option(help="Their list of tokens: JSON, one per line, torchtext, tokenizer.json or SentencePiece."),
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the app; 8501 or the next free one if left out.")] = None,
    address: Annotated[str | None, typer.Option(help="Address to listen on; this computer alone (localhost) if left out.")] = None,
) -> None:
    """Open files in the app: the page "Your model" shows what is in them, to everyone who can reach the server."""
    from models.foreign.given import Given, give, given
    from recurrent_explorer_app.server import serve

    if not files and models is None and given().live is None:
        raise typer.BadParameter("there is none; name at least one file.", param_hint="FILES")
    give(Given(tuple(files or ()), vocabulary, models))
    serve(HOME / "app.py", port, address, page="your_model")
