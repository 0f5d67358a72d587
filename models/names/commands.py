"""The command `classify` for name classifiers."""

import io

import typer

from explorer.errors import ExplorerError
from models.cli.console import AsJson, Name, bar, given, open_network, write

app = typer.Typer()


@app.command()
def classify(name: Name, as_json: AsJson = False) -> None:
    """Read names on stdin, one per line, and write each with its most likely language and the probability (--json: of all languages)."""
    loaded = open_network(name)
    if loaded.card["kind"] != "classifier":
        raise ExplorerError(f"{loaded.name} is of kind {loaded.card['kind']!r}; expected a classifier, such as names-gru.")
    from models.names.network import probabilities
    from models.names.romanise import spelling

    lines = [line.strip() for line in io.StringIO(given().removeprefix("\ufeff"), newline=None)]
    texts = [line for line in lines if spelling(line)]
    for line_number, line in enumerate(lines, 1):
        if line and not spelling(line):
            typer.echo(f"Line {line_number}, {line!r}, has no letter that can be romanised; it is skipped.", err=True)
    with bar("reading names") as report:
        rows = probabilities(loaded, texts, report) if texts else []
    labels, answers = loaded.card["labels"], []
    for text, row in zip(texts, rows, strict=True):
        best = int(row.argmax())
        if as_json:
            every = {label: float(p) for label, p in zip(labels, row, strict=True)}
            read, answer = spelling(text), {"language": labels[best], "probability": float(row[best])}
            answers.append({"name": text, "read": read} | answer | {"probabilities": every})
        else:
            typer.echo(f"{text}\t{labels[best]}\t{row[best]:.4f}")
    if as_json:
        write({"names": answers}, True)
