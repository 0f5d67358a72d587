"""The commands `generate` and `count` for character networks."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

import models
from models import corpora
from models.cli.console import AsJson, Name, open_network, text_of, write

app = typer.Typer()


@app.command()
def generate(
    name: Name,
    prompt: Annotated[str, typer.Option(help="Text to continue.")] = "",
    length: Annotated[int, typer.Option(min=1, help="Number of characters to generate.")] = 500,
    temperature: Annotated[float, typer.Option(help="Sampling temperature; 0 always takes the most likely character.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(help="Sample from the k most likely characters only.")] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Sample from the smallest set of characters with this total probability (nucleus sampling).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed gives the same text.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Generate text character by character."""
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
        write({"prompt": prompt, "text": written}, True)
    else:
        typer.echo()


@app.command()
def count(
    corpus: Annotated[str, typer.Argument(help="A training text: " + ", ".join(corpora.texts()))],
    text_file: Annotated[Path | None, typer.Option("--data", help="Count this UTF-8 text file instead.")] = None,
    order: Annotated[int, typer.Option(min=1, max=12, help="Length of the longest n-grams.")] = 5,
    rarest: Annotated[int, typer.Option(min=1, help="Drop the longest n-grams that occur less often than this, to save space.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Write the n-gram counts of a training text, the baseline for the networks."""
    from models.char_lm import training

    corpora.text(corpus)
    target = models.folder_of_checkpoints() / f"{corpus}-ngram.safetensors"
    card = training.count(corpus, text_of(corpus, text_file), target, order, (1,) * (order - 1) + (rarest,))
    write({"file": str(target)} | card["scores"], as_json)
