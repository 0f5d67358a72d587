"""The commands `caption`, for captioners, and `encoder`, which writes their image encoder's checkpoint."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.errors import CheckpointError
from models.cli.console import AsJson, Name, bar, open_network, write
from models.family import emitting

if TYPE_CHECKING:
    from models.captioning.caption import Caption
    from models.checkpoint import Loaded

app = typer.Typer()


@app.command()
def caption(
    name: Name,
    pictures: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Pictures: JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP ...")],
    width: Annotated[int, typer.Option("--beam", min=1, max=100, help="Beam width; 1 is greedy decoding.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, with words, gates and attention.")] = False,
) -> None:
    """Write a caption for each picture, one per line."""
    from dataclasses import replace

    from models.captioning.caption import BEAM, describe, feature_extractor
    from models.captioning.images import opened, squashed

    loaded = open_network(name)
    if loaded.card["kind"] not in emitting("regions"):
        raise CheckpointError(f"{name} is of kind {loaded.card['kind']}; expected a captioner, such as caption-soft.")
    module: Any = loaded.module
    seen = [squashed(opened(picture)) for picture in pictures]
    look = feature_extractor(loaded)
    with bar("looking") as report:
        for done, (picture, pixels) in enumerate(zip(pictures, seen, strict=True), 1):
            features = look([pixels])[0]
            described = describe(module, loaded.vocab, features, replace(BEAM, width=width))
            report(done, len(pictures))
            if as_json:
                typer.echo(json.dumps({"picture": str(picture)} | _answer(loaded, features, described), ensure_ascii=False))
            else:
                typer.echo(described.text)


def _answer(loaded: "Loaded", features: Any, described: "Caption") -> dict[str, Any]:
    """A caption word by word: log probability, gain from the picture, visual gate and attention."""
    from models.captioning.caption import grid, visual, visual_gates

    module: Any = loaded.module
    best = described.hypotheses[0]
    gain, gates = visual(module, features, best.tokens), visual_gates(module, features, best)
    words = []
    for position, token in enumerate(best.tokens):
        row = {
            "word": loaded.vocab.tokens[token],
            "log_probability": float(best.log_probabilities[position]),
            "visual": float(gain[position]),
        }
        words.append(row | ({} if gates is None else {"visual_gate": float(gates[position])}))
    others = [loaded.vocab.decode(hypothesis.tokens) for hypothesis in described.hypotheses[1:]]
    answer = {"caption": described.text, "score": best.score, "words": words, "others": others}
    if best.attention is None:
        return answer
    return answer | {"grid": list(grid(loaded)), "attention": best.attention.astype(float).round(6).tolist()}


@app.command()
def encoder(as_json: AsJson = False) -> None:
    """Write the checkpoint of the captioners' image encoder; its weights come from a package of requirements-dev.txt."""
    import models
    from models.captioning import encoder

    target = models.folder_of_checkpoints() / f"{encoder.NAME}.safetensors"
    write({"checkpoint": str(target), "parameters": encoder.packed(target)["parameters"]}, as_json)
