"""The command `check` for files of weights."""

from pathlib import Path
from typing import Annotated

import typer

from models.cli.console import AsJson, write
from models.family import named
from models.foreign.given import content_of

app = typer.Typer()


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Weights: safetensors, a file of torch.save, .npz, or Keras.")],
    vocabulary: Annotated[
        Path | None,
        typer.Option(help="The list of tokens: JSON, one per line, torchtext, tokenizer.json or SentencePiece."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at the weights of any network: its recurrent layers, the use of each tensor, and what does not fit."""
    from models.foreign.listed import read_list

    tokens = None if vocabulary is None else read_list(content_of(vocabulary), vocabulary.name)
    answer = named("models.foreign.experiments.report:report")(content_of(file), file.name, tokens)
    if as_json:
        write(answer, True)
        return
    for path in answer["paths"]:
        many = f"{path['layers']} layers" if path["layers"] > 1 else "1 layer"
        both = ", in both directions" if path["directions"] == 2 else ""
        typer.echo(f"{_visible(path['path']) or '(no name)'}: {path['kind'].upper()}, {many} of {path['units']} units{both}")
    for tensor in answer["tensors"]:
        shape = " x ".join(map(str, tensor["shape"])) or "one number"
        typer.echo(f"  {_visible(tensor['name'])}  {shape}  {_visible(tensor['used_as'])}{'' if tensor['sure'] else ' (guessed)'}")
    for finding in answer["findings"]:
        typer.echo(f"{finding['level']}: {_visible(finding['text'])}")


def _visible(text: str) -> str:
    """A text of a file for a terminal: what would move its cursor or colour it is written as an escape."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
