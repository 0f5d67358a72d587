"""Alignments that others saved: matrices, JSON, the soft alignments of Marian and Nematus, and word alignments "0-0 1-2"."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import CheckpointError, ExplorerError
from explorer.records import Alignment
from models import tables
from models.foreign.experiments.arrays.contents import Contents

MOST = 2_000  # alignments of a file
WIDEST = 150  # tokens of a sentence
LARGEST = 50_000_000  # bytes
LOOSE = 0.02  # by which printed weights of a row may miss 1
NULL, END = "(none)", "</s>"  # a column for words without a link; the end mark, which many leave out of the sentence
OBJECT = '{"source": [...], "target": [...], "weights": [[...]]}'
LINK = re.compile(r"(\d{1,4})[-:](\d{1,4})([-:][\d.]+)?")
BAR = re.compile(r"\s*\|\|\|\s*")
WEIGHTS = ("weights", "alignment", "attention", "matrix", "alignments", "att")
SOURCE = ("source", "src", "input", "sourcetokens", "source_tokens", "source_sent")
TARGET = ("target", "tgt", "trg", "output", "targettokens", "target_tokens", "target_sent")


def of_text(content: bytes, file: str) -> list[Alignment]:
    """The alignments of a text file: JSON, Nematus, Marian, or sentences with word alignments, whichever it is.

    Args:
        content: The bytes of the file.
        file: Its name.

    Raises:
        CheckpointError: it is none of them, or one of its alignments does not fit its sentences.
    """
    name = repr(Path(file).name[:100])
    if len(content) > LARGEST:
        raise CheckpointError(f"{name} has more than {LARGEST // 1_000_000} MB. Keep the sentences that you want to see.")
    try:
        text, _ = tables.decoded(content, name)
    except ExplorerError as error:
        raise CheckpointError(str(error)) from None
    if text.lstrip()[:1] in ("{", "["):
        return _listed(_of_json(text, name), name)
    lines = text.splitlines()
    if any(_is_nematus(line) for line in lines[:3]):
        return _listed(_of_nematus(lines, name), name)
    return _listed(_of_lines(lines, name), name)


def of_matrix(contents: Contents) -> Alignment:
    """The alignment in a table or in the arrays of an .npz: a matrix [target, source] whose rows sum to 1.

    Raises:
        CheckpointError: there is no such matrix.
    """
    name = contents.file
    if contents.rows:
        return _of_cells(contents.rows, name)
    named = next((key for key in contents.arrays if key.casefold() in WEIGHTS), None)
    if named is None:
        named = next((key for key, values in contents.arrays.items() if values.ndim == 2 and _sums_to_one(values)), None)
    if named is None or contents.arrays[named].ndim != 2:
        raise CheckpointError(f"{name} holds no alignment. Expected an array 'weights' [target, source] whose rows sum to 1.")
    weights = contents.arrays[named]
    source = next((texts for key, texts in contents.texts.items() if key.casefold() in SOURCE), None)
    target = next((texts for key, texts in contents.texts.items() if key.casefold() in TARGET), None)
    return _alignment(source, target, weights, name)


def is_matrix(contents: Contents) -> bool:
    """Whether a file looks like one alignment."""
    try:
        of_matrix(contents)
    except CheckpointError:
        return False
    return True


def _of_cells(rows: tuple[tuple[str, ...], ...], name: str) -> Alignment:
    """A table: source tokens as its heading, target tokens as its first column; or numbers alone."""
    head = rows[0]
    has_names = len(rows) > 1 and len(head) > 1 and not any(_value(cell) is not None for cell in head[1:])
    cells = [row[1:] for row in rows[1:]] if has_names else rows
    values = [[_value(cell) for cell in row] for row in cells]
    if any(value is None for row in values for value in row):
        expected = "source tokens in its first row, target tokens in its first column, and numbers"
        raise CheckpointError(f"{name} is no alignment. Expected {expected}.")
    weights = np.array(values, float)
    if not _sums_to_one(weights):
        raise CheckpointError(f"{name} is no alignment: its rows do not sum to 1.")
    target = tuple("".join(row[:1]) for row in rows[1:])
    return _alignment(head[1:] if has_names else None, target if has_names else None, weights, name)


def _value(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _sums_to_one(weights: np.ndarray) -> bool:
    """Whether each row [source] of a matrix [target, source] is a distribution, as far as it was printed."""
    return bool(weights.size and weights.shape[1] > 1 and (weights >= 0).all() and (np.abs(weights.sum(1) - 1) <= LOOSE).all())


def _of_json(text: str, name: str) -> Iterator[Alignment]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        try:  # one object per line
            value = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            raise CheckpointError(f"{name} is no JSON ({str(error)[:100]}). Save it again.") from None
    for index, one in enumerate(value if isinstance(value, list) else [value]):
        at = f"{name}, alignment {index + 1}," if isinstance(value, list) else name
        if not isinstance(one, dict):
            hint = "A list of tokens is uploaded below the weights that it belongs to."
            raise CheckpointError(f"{at} is no object; expected {OBJECT} or a list of them. {hint}")
        given = {key.casefold(): part for key, part in one.items()}
        source, target, weights = (next((given[key] for key in keys if key in given), None) for keys in (SOURCE, TARGET, WEIGHTS))
        yield _alignment(_tokens(source, at), _tokens(target, at), _matrix(weights, at), at)


def _tokens(value: Any, at: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return tuple(value.split())
    if isinstance(value, list) and all(isinstance(token, str) for token in value):
        return tuple(value)
    raise CheckpointError(f"{at} has tokens that are no texts; expected a list of texts or a sentence.")


def _matrix(value: Any, at: str) -> np.ndarray:
    """A list of lists of numbers as an array [target, source]."""
    rows = value if isinstance(value, list) and value and all(isinstance(row, list) for row in value) else None
    if rows is None or len({len(row) for row in rows}) > 1 or not rows[0]:
        raise CheckpointError(f'{at} has no "weights" as lists of one length, one for each target token.')
    if not all(isinstance(cell, int | float) and not isinstance(cell, bool) for row in rows for cell in row):
        raise CheckpointError(f"{at} has weights that are no numbers.")
    try:
        return np.array(rows, float)
    except OverflowError:
        raise CheckpointError(f"{at} has weights that are no numbers.") from None


def _is_nematus(line: str) -> bool:
    """Whether a line begins an alignment of Nematus: number ||| target ||| score ||| source ||| lengths."""
    parts = BAR.split(line.strip())
    return len(parts) >= 4 and parts[0].isdecimal() and _value(parts[2]) is not None


def _of_nematus(lines: list[str], name: str) -> Iterator[Alignment]:
    head, rows = None, []
    for index, line in enumerate([*lines, ""], 1):
        if _is_nematus(line):
            head, rows = BAR.split(line.strip()), []
        elif line.strip() and head:
            rows.append(_row(line.split(), f"{name}, line {index:,},"))
        elif head and rows:
            at = f"{name}, line {index - len(rows) - 1:,},"
            yield _alignment(tuple(head[3].split()), tuple(head[1].split()), _even(rows, at), at)
            head, rows = None, []


def _of_lines(lines: list[str], name: str) -> Iterator[Alignment]:
    """One alignment per line: of Marian (text ||| weights), or two sentences and links, with bars or tabs between."""
    for index, line in enumerate(lines, 1):
        if not line.strip():
            continue
        at = f"{name}, line {index:,},"
        parts = [part.strip() for part in (BAR.split(line) if "|||" in line else line.split("\t"))]
        links = next((part for part in reversed(parts) if part and all(map(LINK.fullmatch, part.split()))), None)
        soft = next((part for part in reversed(parts) if part and all(map(_is_soft, part.split()))), None)
        if links is not None and parts.index(links) >= 2:
            before = parts[: parts.index(links)]
            yield _linked(tuple(before[-2].split()), tuple(before[-1].split()), links, at)
        elif soft is not None and parts.index(soft) >= 1:
            rows = [_row(one.split(","), at) for one in soft.split()]
            yield _alignment(None, tuple(parts[parts.index(soft) - 1].split()), _even(rows, at), at)
        else:
            raise CheckpointError(
                f"{at} is no alignment. Expected “source ||| target ||| 0-0 1-2”, or of Marian “target ||| 0.9,0.1 0.2,0.8”, "
                "or the file that Nematus writes, or JSON."
            )


def _is_soft(part: str) -> bool:
    """Whether a part of a line is the weights of one target token, "0.9,0.1"."""
    return "," in part and _value(part.split(",")[0]) is not None


def _row(cells: list[str], at: str) -> list[float]:
    values = [_value(cell) for cell in cells]
    if any(value is None for value in values):
        raise CheckpointError(f"{at} has a weight that is no number.")
    return [value for value in values if value is not None]


def _even(rows: list[list[float]], at: str) -> np.ndarray:
    """Rows as a matrix [target, source]."""
    if len({len(row) for row in rows}) > 1:
        raise CheckpointError(f"{at} has rows of different lengths; expected one weight for each source token.")
    return np.array(rows, float)


def _linked(source: tuple[str, ...], target: tuple[str, ...], links: str, at: str) -> Alignment:
    """Word alignments: the links of a target word share its weight; a word without any looks at a column of its own."""
    if len(source) > WIDEST or len(target) > WIDEST:
        raise CheckpointError(f"{at} has a sentence of more than {WIDEST} tokens, the most that can be drawn.")
    weights = np.zeros((len(target), len(source) + 1))
    for link in links.split():
        one, other = (int(part) for part in re.split("[-:]", link)[:2])
        if one >= len(source) or other >= len(target):
            raise CheckpointError(f"{at} has a link {link}; expected source-target, counted from 0, below {len(source)} and {len(target)}.")
        weights[other, one] = 1
    weights[:, -1] = weights.sum(1) == 0
    columns = slice(None) if weights[:, -1].any() else slice(-1)
    weights = weights[:, columns]
    return _alignment((*source, NULL)[columns], target, weights / weights.sum(1, keepdims=True), at)


def _alignment(source: tuple[str, ...] | None, target: tuple[str, ...] | None, weights: np.ndarray, at: str) -> Alignment:
    """The record; tokens that are not given are counted, and an end mark that the sentence lacks is added."""
    rows, columns = weights.shape
    if rows > WIDEST or columns > WIDEST:
        raise CheckpointError(f"{at} has {rows:,} target and {columns:,} source tokens; at most {WIDEST} of each can be drawn.")
    source, target = _fitted(source, columns), _fitted(target, rows)
    if (weights >= 0).all() and (np.abs(weights.sum(1) - 1) <= LOOSE).all():
        weights = weights / weights.sum(1, keepdims=True)  # printed numbers are rounded
    try:
        return Alignment(source, target, weights)
    except ExplorerError as error:
        raise CheckpointError(f"{at} does not fit: {error}") from None


def _fitted(tokens: tuple[str, ...] | None, length: int) -> tuple[str, ...]:
    if tokens is None:
        return tuple(str(index + 1) for index in range(length))
    return (*tokens, END) if len(tokens) + 1 == length else tokens


def _listed(alignments: Iterator[Alignment], name: str) -> list[Alignment]:
    listed = []
    for one in alignments:
        if len(listed) == MOST:
            raise CheckpointError(f"{name} holds more than {MOST:,} alignments, the most that can be opened here.")
        listed.append(one)
    if not listed:
        raise CheckpointError(f"{name} holds no alignment.")
    return listed
