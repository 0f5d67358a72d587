"""Commands for character networks: generate and count."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

import models
from models import corpora
from models.cli.console import AsJson, Name, open_network, tell, text_of

app = typer.Typer()


@app.command()
def generate(
    name: Name,
    prompt: Annotated[str, typer.Option(help="What stands before.")] = "",
    length: Annotated[int, typer.Option(min=1, help="Characters to write.")] = 500,
    temperature: Annotated[float, typer.Option(help="0: always the likeliest.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(help="Only the k likeliest.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Only the fewest likeliest that hold this share.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed writes the same text.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Let a network write, character by character."""
    prompt = corpora.decoded(os.fsencode(prompt), "--prompt")
    loaded = open_network(name, "char_lm")
    from models.char_lm.generate import sample

    characters = sample(loaded, prompt, temperature, top_k, top_p, seed)
    written = ""
    for _ in range(length):
        character = next(characters)
        written += character
        if not as_json:
            typer.echo(character, nl=False)
            sys.stdout.flush()
    if as_json:
        tell({"prompt": prompt, "text": written}, True)
    else:
        typer.echo()


@app.command()
def count(
    corpus: Annotated[str, typer.Argument(help="A training text: " + ", ".join(corpora.texts()))],
    text_file: Annotated[Path | None, typer.Option("--data", help="Count this UTF-8 text instead.")] = None,
    order: Annotated[int, typer.Option(min=1, max=12, help="Longest n-grams.")] = 5,
    rarest: Annotated[int, typer.Option(min=1, help="The longest n-grams that occur less often are dropped, to save room.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Write the n-gram counts of a training text, the yardstick that stands beside the networks."""
    from models.char_lm import training

    corpora.text(corpus)
    target = models.folder_of_checkpoints() / f"{corpus}-ngram.safetensors"
    card = training.count(corpus, text_of(corpus, text_file), target, order, (1,) * (order - 1) + (rarest,))
    tell({"file": str(target)} | card["scores"], as_json)
