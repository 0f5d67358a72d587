"""The command `translate` for translation networks."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.cli.console import Name, bar, given, open_network

if TYPE_CHECKING:
    from models.checkpoint import Loaded
    from models.translation.translate import Translation

app = typer.Typer()


@app.command()
def translate(
    name: Name,
    width: Annotated[int, typer.Option("--beam", min=1, max=100, help="Beam width; 1 is greedy decoding.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, with the alignment.")] = False,
) -> None:
    """Translate lines of stdin to lines of stdout; an empty line gives an empty line."""
    loaded = open_network(name, "seq2seq")
    from models.decoding import Search
    from models.translation.translate import translate_all

    lines = given().split("\n")
    if not lines[-1]:
        lines.pop()
    with bar("translating") as report:
        module: Any = loaded.module
        translations = translate_all(module, loaded.vocab, lines, Search(width), report)
    for line, translation in zip(lines, translations, strict=True):
        typer.echo(json.dumps(_answer(loaded, line, translation), ensure_ascii=False) if as_json else translation.text)


def _answer(loaded: "Loaded", line: str, translation: "Translation") -> dict[str, Any]:
    """A translation and its alignment by words and by subwords; no weights if the network has no attention."""
    from models.translation.translate import by_words

    answer: dict[str, Any] = {"source": line, "translation": translation.text}
    if not translation.hypotheses:
        return answer
    best, pieces = translation.hypotheses[0], loaded.vocab
    answer["score"] = best.score
    answer["pieces"] = {"source": [pieces.tokens[n] for n in translation.source], "target": [pieces.tokens[n] for n in best.tokens]}
    if best.attention is not None:
        source, target, weights = by_words(pieces, translation.source, best.tokens, best.attention)
        answer["words"] = {"source": source, "target": target, "weights": weights.round(6).tolist()}
        answer["pieces"]["weights"] = best.attention.astype(float).round(6).tolist()
    return answer
