"""Reading of labelled texts from a table or a folder of lists: usable rows, and the reasons why others are unusable."""

import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path

from models import corpora
from models.corpora import DataError
from models.names.romanise import spelling

HEADERS = (("text", "name", "surname"), ("label", "language", "class"))  # accepted column titles for text and label
LONGEST = 100  # maximum letters of a name


@dataclass(frozen=True)
class Labelled:
    """Labelled rows: `texts` and `labels` as given, (line, reason) of every skipped row, and the titles of unused columns."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    problems: tuple[tuple[int, str], ...] = ()
    unread: tuple[str, ...] = ()


def labelled(path: str | os.PathLike) -> Labelled:
    """The rows of a folder of `<Label>.txt` files, one name per line, or of a CSV of text and label.

    Raises:
        DataError: the path is missing, not UTF-8, or has no rows.
    """
    path = Path(path)
    if not path.is_dir():
        return table(corpora.read_text(path))
    files = sorted(path.glob("*.txt"))
    rows = [(line, file.stem) for file in files for line in corpora.read_text(file).splitlines() if spelling(line)]
    if not rows:
        raise DataError(f"{path} holds no names; expected files called <Label>.txt, one name per line.")
    return Labelled(*map(tuple, zip(*rows, strict=True)))


def table(text: str) -> Labelled:
    """The rows of a CSV, or of two columns pasted from a spreadsheet: text and label, with or without a header.

    Without a header there must be exactly two columns; with a header, further columns are ignored. Blank lines are skipped;
    unusable rows are listed with their line and a reason.

    Raises:
        DataError: no row can be used.
    """
    text = text.removeprefix("\ufeff")
    start = text.lstrip("\r\n").split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=next((mark for mark in "\t;" if mark in start), ","))
    texts, labels, problems, columns, unread = [], [], [], None, None
    try:
        for row in reader:
            if columns is None and row:
                columns, unread = _columns(row)
                if unread is not None:
                    continue
            if not any(cell.strip() for cell in row):
                continue
            if problem := _problem(row, columns or (0, 1), unread is not None):
                problems.append((reader.line_num, problem))
                continue
            texts.append(row[columns[0]].strip() if columns else "")
            labels.append(row[columns[1]].strip() if columns else "")
    except csv.Error as error:
        raise DataError(f"Line {reader.line_num} cannot be read as CSV ({error}). Expected two columns, text and label.") from None
    if not texts:
        why = f" The first problem, in line {problems[0][0]}: {problems[0][1]}" if problems else ""
        raise DataError(f"No row can be used; expected two columns, text and label.{why}")
    return Labelled(tuple(texts), tuple(labels), tuple(problems), unread or ())


def _columns(row: list[str]) -> tuple[tuple[int, int], tuple[str, ...] | None]:
    """Indices of the columns text and label, and the titles of all others; None for the titles if the row is not a header."""
    words = [cell.strip().lower() for cell in row]
    text, label = (next((words.index(title) for title in titles if title in words), None) for titles in HEADERS)
    if text is None or label is None:
        return (0, 1), None
    return (text, label), tuple(cell.strip() for at, cell in enumerate(row) if at not in (text, label))


def _problem(row: list[str], columns: tuple[int, int], has_header: bool) -> str | None:
    if len(row) <= max(columns):
        return f"{len(row)} column{'s' * (len(row) != 1)}; expected {max(columns) + 1}, with text and label."
    if not has_header and any(cell.strip() for cell in row[2:]):
        return f"{len(row)} columns; expected 2. For more columns, add a header line that names the columns text and label."
    text, label = (row[column].strip() for column in columns)
    if not label:
        return "no label."
    if len(text) > LONGEST:
        return f"{len(text)} letters; expected at most {LONGEST}."
    return None if spelling(text) else "no letter that can be romanised."
