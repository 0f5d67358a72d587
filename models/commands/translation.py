"""Commands for translation networks: translate and compare."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models import data
from models.commands.console import AsJson, Name, bar, open_network, tell

if TYPE_CHECKING:
    from models.checkpoint import Loaded
    from models.translator import Translation

app = typer.Typer()


@app.command()
def translate(
    name: Name,
    width: Annotated[int, typer.Option("--beam", min=1, max=100, help="Hypotheses side by side; 1: always the likeliest piece.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with the alignment.")] = False,
) -> None:
    """Translate lines of stdin to lines of stdout; an empty line gives an empty line."""
    loaded = open_network(name, "seq2seq")
    from models.decoding import Search
    from models.translator import translate_all

    lines = data.decoded(sys.stdin.buffer.read(), "stdin").split("\n")
    if not lines[-1]:
        lines.pop()
    with bar("translating") as report:
        module: Any = loaded.module
        found = translate_all(module, loaded.vocab, lines, Search(width), report)
    for line, translation in zip(lines, found, strict=True):
        typer.echo(json.dumps(_told(loaded, line, translation), ensure_ascii=False) if as_json else translation.text)


def _told(loaded: "Loaded", line: str, translation: "Translation") -> dict[str, Any]:
    """A translation and its alignment, by words and by pieces; no weights where the network has no attention."""
    from models.translator import by_words

    told: dict[str, Any] = {"source": line, "translation": translation.text}
    if not translation.hypotheses:
        return told
    best, pieces = translation.hypotheses[0], loaded.vocab
    told["score"] = best.score
    told["pieces"] = {"source": [pieces.tokens[n] for n in translation.source], "target": [pieces.tokens[n] for n in best.tokens]}
    if best.attention is not None:
        source, target, weights = by_words(pieces, translation.source, best.tokens, best.attention)
        told["words"] = {"source": source, "target": target, "weights": weights.round(6).tolist()}
        told["pieces"]["weights"] = best.attention.astype(float).round(6).tolist()
    return told


@app.command()
def compare(
    names: Annotated[list[str], typer.Argument(help="Networks of one direction; the others are held against the first.")],
    source: Annotated[Path | None, typer.Option("--data", help="The pairs they were trained on.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hold translation networks against the first of them, on dev, by a paired bootstrap; the first one's card keeps it."""
    import models
    from models import checkpoint, pairs, translation

    loaded = {name: open_network(name, "seq2seq") for name in names}
    read = pairs.read(source or data.find(loaded[names[0]].card["data"]["corpus"]))
    with bar("translating dev") as report:
        found = translation.compare(loaded, read, report)
    path = Path(names[0]) if names[0].endswith(".safetensors") else models.folder_of_checkpoints() / f"{names[0]}.safetensors"
    checkpoint.update_card(path, paired=found)
    tell(found, as_json)
