"""Reading of labelled texts from a table or a folder of lists: usable rows, and the reasons why others are unusable."""

import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from models import corpora, tables
from models.corpora import DataError
from models.names.romanise import spelling
from models.tables import Row

LONGEST = 100  # maximum letters of a name
LONGEST_TEXT = 20_000  # maximum characters of any other text
LINES = 10  # lines for each row, blank ones included, where the number of rows is limited

# Titles of the columns, the best first: what is read, and the class it belongs to; in languages with such lists.
TEXTS = (
    "text", "surname", "last name", "lastname", "family name", "nachname", "familienname", "nom de famille", "nom", "apellido", "apellidos",
    "cognome", "sobrenome", "apelido", "achternaam", "efternamn", "efternavn", "etternavn", "sukunimi", "perekonnanimi", "nazwisko",
    "příjmení", "priezvisko", "prezime", "vezetéknév", "nume de familie", "фамилия", "прізвище", "презиме", "επώνυμο", "soyad", "soyadı",
    "sloinne", "ազգանուն", "გვარი", "شهرت", "اللقب", "שם משפחה", "नाम", "姓", "姓氏", "苗字", "名字", "성", "성씨", "họ",
    "name", "names", "full name", "nombre", "nome", "naam", "namn", "navn", "nimi", "imię", "jméno", "meno", "ime", "név", "nume", "имя",
    "ім'я", "име", "όνομα", "isim", "ad", "ainm", "անուն", "სახელი", "اسم", "الاسم", "שם", "名前", "姓名", "氏名", "이름", "성명", "tên",
    "word", "given name", "first name",
)  # fmt: skip
LABELS = (
    "label", "language", "languages", "sprache", "langue", "idioma", "lengua", "lingua", "língua", "taal", "språk", "sprog", "kieli",
    "keel", "język", "jazyk", "jezik", "nyelv", "limbă", "язык", "мова", "език", "γλώσσα", "dil", "teanga", "լեզու", "ენა", "زبان", "اللغة",
    "لغة", "שפה", "भाषा", "语言", "語言", "言語", "언어", "ngôn ngữ", "lang",
    "class", "category", "target", "nationality", "nationalität", "staatsangehörigkeit", "nationalité", "nacionalidad", "nacionalidade",
    "nazionalità", "nationaliteit", "nationalitet", "kansalaisuus", "narodowość", "národnost", "národnosť", "национальность",
    "національність", "εθνικότητα", "uyruk", "الجنسية", "国籍", "國籍", "국적", "ethnicity", "origin", "herkunft", "origine", "origen",
    "country", "land", "pays", "país", "paese", "kraj", "země", "krajina", "страна", "країна", "χώρα", "ülke", "国家", "國家", "国", "나라",
)  # fmt: skip


@dataclass(frozen=True)
class Labelled:
    """Labelled rows: `texts` and `labels` as given, (line, reason) of every skipped row, and the titles of unused columns.

    `notes` are sentences on what was assumed: an encoding, or that a first line is data.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    problems: tuple[tuple[int, str], ...] = ()
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def is_swapped(self, known: Collection[str]) -> bool:
        """Whether the labels stand where the texts should: more texts than labels are known classes."""
        classes = {label.casefold() for label in known}
        in_texts, in_labels = (sum(cell.casefold() in classes for cell in cells) for cells in (self.texts, self.labels))
        return in_texts > in_labels


def labelled(path: str | os.PathLike) -> Labelled:
    """The rows of a folder of `<Label>.txt` files, one name per line, or of a CSV of text and label.

    Raises:
        DataError: the path is missing, not text, or has no rows.
    """
    path = Path(path)
    if not path.is_dir():
        return table_of(corpora.read_bytes(path), str(path))
    files = sorted(path.glob("*.txt"))
    lists = {file: tables.decoded(corpora.read_bytes(file), str(file)) for file in files}
    rows = [(line, file.stem) for file, (text, _) in lists.items() for line in text.splitlines() if spelling(line)]
    if not rows:
        raise DataError(f"{path} holds no names; expected files called <Label>.txt, one name per line.")
    texts, labels = map(tuple, zip(*rows, strict=True))
    return Labelled(texts, labels, notes=tuple(f"{file.name}: {note}" for file, (_, note) in lists.items() if note))


def table_of(content: bytes, name: str, encoding: str | None = None, most: int | None = None, of_names: bool = True) -> Labelled:
    """The rows of the file of a table: see `table`, and `models.tables.decoded` for its encoding.

    Raises:
        DataError: it is not text, has no usable row, or more than `most` rows.
    """
    text, note = tables.decoded(content, name, encoding)
    return table(text, (note,) if note else (), most, of_names)


def table(text: str, notes: tuple[str, ...] = (), most: int | None = None, of_names: bool = True) -> Labelled:
    """The rows of a CSV, or of two columns pasted from a spreadsheet: text and label, with or without a header.

    Without a header there must be exactly two columns; with a header, further columns are ignored. Blank lines are skipped;
    unusable rows are listed with their line and a reason.

    Args:
        text: The table.
        notes: What was assumed already.
        most: Maximum number of rows; reading stops at the first one too many.
        of_names: Whether the texts are names, which are romanised; else any texts, read as they are.

    Raises:
        DataError: no row can be used, or there are more than `most` rows.
    """
    if most is not None and text.count("\n") > LINES * most:
        raise DataError(f"There are more than {LINES * most:,} lines; expected at most {most:,} rows. Use a part of them.")
    rows = list(tables.rows(text)) if most is None else list(islice(tables.rows(text), most + 2))  # one may be the header
    titles = rows[0].cells if rows else []
    columns, has_header = _columns(titles)
    data = rows[has_header:]
    if most is not None and len(data) > most:
        raise DataError(f"There are more than {most:,} rows; expected at most {most:,}. Use a part of them.")
    kept, problems = [], []
    for row in data:
        if reason := _problem(row, columns, has_header, of_names):
            problems.append((row.line, reason))
        else:
            kept.append((row.cells[columns[0]].strip(), row.cells[columns[1]].strip()))
    if not kept:
        why = f" The first problem, in line {problems[0][0]}: {problems[0][1]}" if problems else ""
        raise DataError(f"No row can be used; expected two columns, text and label.{why}")
    texts, labels = map(tuple, zip(*kept, strict=True))
    unread = tuple(title.strip() for at, title in enumerate(titles) if at not in columns) if has_header else ()
    return Labelled(texts, labels, tuple(problems), unread, notes if has_header else (*notes, *_doubt(data[0], texts, labels)))


def _columns(cells: Sequence[str]) -> tuple[tuple[int, int], bool]:
    """Indices of the columns text and label, and whether the row is the header that says so."""
    text, label = tables.heading(cells, (TEXTS, LABELS))
    if label == 1 and len(cells) == 2:  # "person,language": nothing is of the class "language"
        text = 0
    return ((0, 1), False) if text is None or label is None else ((text, label), True)


def _doubt(first: Row, texts: Sequence[str], labels: Sequence[str]) -> list[str]:
    """A sentence if the first line, taken as data, could be a header in words that are not known here."""
    cells = [cell.strip() for cell in first.cells]
    counts = Counter(labels)
    if len(counts) < 2 or [texts[0], labels[0]] != cells or [label for label, count in counts.items() if count == 1] != cells[1:]:
        return []
    return [f"Line {first.line}, {cells[0]} and {cells[1]}, was taken as data. If it is a header, call its columns text and label."]


def _problem(row: Row, columns: tuple[int, int], has_header: bool, of_names: bool) -> str | None:
    if row.problem:
        return row.problem
    cells = row.cells
    if len(cells) <= max(columns):
        return f"{len(cells)} column{'s' * (len(cells) != 1)}; expected {max(columns) + 1}, with text and label."
    if not has_header and any(cell.strip() for cell in cells[2:]):
        return f"{len(cells)} columns; expected 2. For more columns, add a header line that names the columns text and label."
    text, label = cells[columns[0]].strip(), cells[columns[1]].strip()
    if not label:
        return "no label."
    if len(text) > (LONGEST if of_names else LONGEST_TEXT):
        return f"{len(text)} letters; expected at most {LONGEST if of_names else LONGEST_TEXT}."
    if not of_names:
        return None if text else "no text."
    return None if spelling(text) else "no letter that can be romanised."
