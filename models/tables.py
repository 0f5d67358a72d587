"""Tables as people have them: the encoding, the separator, the heading and the rows of a CSV, of a TSV or of pasted text."""

import csv
import io
import logging
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from models.corpora import DataError

# Encodings of spreadsheets on Windows, the most frequent first; those of the Mac and of DOS last.
ENCODINGS = {
    "cp1252": "Windows-1252, Western Europe",
    "cp1250": "Windows-1250, Central Europe",
    "cp1251": "Windows-1251, Cyrillic",
    "cp1253": "Windows-1253, Greek",
    "cp1254": "Windows-1254, Turkish",
    "cp1257": "Windows-1257, Baltic",
    "gb18030": "GB 18030, Chinese",
    "big5": "Big5, Chinese",
    "shift_jis": "Shift JIS, Japanese",
    "euc_kr": "EUC-KR, Korean",
    "mac_roman": "Mac OS Roman",
    "cp850": "DOS 850, Western Europe",
}
_CHOSEN: ContextVar[str | None] = ContextVar("encoding", default=None)
SAMPLE = 100_000  # bytes from which the encoding is guessed
CLOSE = 0.1  # difference of two guesses of charset-normalizer that says too little
UNLIKELY = re.compile(r"[^\x00-\x7f\w’‘“”–—«»…·]|[\xc0-\u024f]{3}")  # no letter, or three accents in a row: another script, misread
SEPARATORS = "\t;|,"
SPREAD = 20  # maximum lines of one row, whose cells may hold line ends between quotation marks
SHOWN = 5  # problems that are written out


class Row(NamedTuple):
    """One row: its first line, counted from 1, its cells, and what keeps it from being read, if anything does."""

    line: int
    cells: list[str]
    problem: str = ""


@contextmanager
def in_encoding(encoding: str | None) -> Iterator[None]:
    """Within this block every table is of an encoding, one of ENCODINGS, unless the call that reads it names another; None: a guess."""
    token = _CHOSEN.set(encoding)
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def decoded(content: bytes, name: str, encoding: str | None = None) -> tuple[str, str]:
    """The text of a file, and a note that names its encoding if that had to be guessed.

    Args:
        content: The file.
        name: Its name, for sentences.
        encoding: One of ENCODINGS, if it is known; None for UTF-8, UTF-16 with a mark, or a guess.

    Raises:
        DataError: it is no text, or not of that encoding.
    """
    encoding = encoding or _CHOSEN.get()
    is_marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in content and not is_marked:
        raise DataError(f"{name} is not text; expected a table as CSV or TSV. Save the spreadsheet as CSV.")
    try:
        return content.decode(encoding or ("utf-16" if is_marked else "utf-8-sig")), ""
    except UnicodeDecodeError as error:
        guess = None if encoding or is_marked else _guess(content)
        if guess is None:
            expected = ENCODINGS.get(encoding or "", "a text in UTF-8")
            raise DataError(f"{name} cannot be read at byte {error.start:,}; expected {expected}. Save it as CSV in UTF-8.") from None
    note = f"The file is not UTF-8 and was read as {ENCODINGS[guess]}. If letters look wrong, choose another encoding, or save it as UTF-8."
    return content.decode(guess, errors="replace"), note


def _guess(content: bytes) -> str | None:
    """The likeliest encoding of a text that is not UTF-8: charset-normalizer's, the most frequent where it cannot tell."""
    from charset_normalizer import from_bytes

    sample = content[:SAMPLE]
    chaos: dict[str, float] = {}
    for match in from_bytes(sample, cp_isolation=list(ENCODINGS)):
        chaos |= {name: round(match.chaos, 2) for name in match.could_be_from_charset if name in ENCODINGS}
    close = [name for name in ENCODINGS if name in chaos and chaos[name] <= min(chaos.values()) + CLOSE]
    return min(close, key=lambda name: (len(UNLIKELY.findall(sample.decode(name, errors="replace"))), chaos[name]), default=None)


def rows(text: str, is_prose: bool = False) -> Iterator[Row]:
    """The rows of a table that are not blank, read one after the other; one that is broken does not stop the rest.

    Args:
        text: A table whose cells are separated by tabs, semicolons, bars or commas; a first line `sep=;` names the separator.
        is_prose: Whether cells are sentences: with tabs between them, a quotation mark is then part of the sentence.
    """
    lines = list(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    at = next((at for at, line in enumerate(lines) if line.strip()), None)
    if at is None:
        return
    named = re.fullmatch(r'"?sep=(.)"?', lines[at].strip("\r\n"))
    separator = named[1] if named else _separator(lines[at : at + SPREAD])
    at += bool(named)
    while at < len(lines):
        span, row = _row(lines, at, separator, is_prose and separator == "\t")
        at += span
        if "".join(row.cells).strip():
            yield row


def _separator(lines: Sequence[str]) -> str:
    """What separates the cells: the only candidate of the first line, or csv.Sniffer's choice among several."""
    first = lines[0]
    there = [mark for mark in SEPARATORS if mark in first]
    if len(there) > 1 and "," in there and not re.search(r",(?! )", first.strip()):
        there.remove(",")  # as in "Smith, John;English"
    if len(there) < 2 or "\t" in there:
        return (there or [","])[0]
    try:
        return csv.Sniffer().sniff("".join(lines), "".join(there)).delimiter
    except csv.Error:
        return there[0]


def _row(lines: Sequence[str], at: int, separator: str, is_plain: bool) -> tuple[int, Row]:
    """The row that begins in a line, and its number of lines."""
    line = lines[at].rstrip("\r\n")
    if is_plain or '"' not in line:
        return 1, Row(at + 1, [_unquoted(cell) for cell in line.split(separator)] if is_plain else line.split(separator))
    for span in range(1, SPREAD + 1):
        try:
            (cells,) = csv.reader(lines[at : at + span], delimiter=separator, strict=True)
            return span, Row(at + 1, cells)
        except csv.Error as error:
            if "unexpected end" not in str(error):
                break
        except ValueError:  # no row, or several
            break
    cells = line.split(separator)
    is_open = any(cell.lstrip().startswith('"') for cell in cells)
    return 1, Row(at + 1, cells, "a quotation mark at the start of a cell is not closed at its end." if is_open else "")


def _unquoted(cell: str) -> str:
    """A sentence without the quotation marks that a spreadsheet puts around it if some are inside, which it doubles."""
    inside = cell[1:-1]
    is_quoted = cell.startswith('"') and cell.endswith('"') and inside.count('""') > 1 and '"' not in inside.replace('""', "")
    return inside.replace('""', '"') if is_quoted else cell


def heading(cells: Sequence[str], words: Sequence[Sequence[str]]) -> list[int | None]:
    """The columns that a heading names, one for each list of `words`; None for those that it does not name.

    Args:
        cells: The cells of a row.
        words: Names of each wanted column, the best first; case, accents and underscores do not count.
    """
    plain = [_plain(cell) for cell in cells]
    return [next((plain.index(word) for word in map(_plain, names) if word in plain), None) for names in words]


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.replace("_", " ").replace("-", " ").strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def warn(source: object, problems: Sequence[tuple[int, str]], notes: Sequence[str] = ()) -> None:
    """Writes to the log, which a command shows, what was assumed of a table and which of its rows are left out."""
    log = logging.getLogger(__name__)
    for note in notes:
        log.warning("%s: %s", source, note)
    for line, reason in problems[:SHOWN]:
        log.warning("%s: line %s is left out: %s", source, f"{line:,}", reason)
    if len(problems) > SHOWN:
        log.warning("%s: %s more rows are left out.", source, f"{len(problems) - SHOWN:,}")
