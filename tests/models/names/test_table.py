"""Tables and lists of names of one's own, as spreadsheets write them: read rightly, or asked about."""

from pathlib import Path

import pytest

from models.corpora import DataError
from models.names import data as names_data
from models.names import table as names_table
from models.names.table import labelled, table


def test_a_table_with_and_without_header():
    rows = (("Reid", "Müller"), ("Scottish", "German"))
    for text in (
        "Reid,Scottish\nMüller,German\n",
        "\ufefftext,label\r\nReid,Scottish\r\n\r\nMüller,German",
        "Label\tText\nScottish\tReid\nGerman\tMüller",
        "id;label;text\n1;Scottish;Reid\n2;German;Müller",
        "Name,Language\nReid,Scottish\nMüller,German",
        "Reid,Scottish,\nMüller,German, ",
        '"Reid","Scottish"\n"Müller", German',
    ):
        parsed = table(text)
        assert (parsed.texts, tuple(label.strip() for label in parsed.labels), parsed.problems) == (*rows, ())
        assert parsed.unread == (("id",) if text.startswith("id") else ())


def test_a_third_column_is_never_lost_silently():
    parsed = table("Reid,Scottish\nMüller,Hans,German\n")
    assert parsed.texts == ("Reid",) and [line for line, _ in parsed.problems] == [2] and "3 columns; expected 2" in parsed.problems[0][1]


@pytest.mark.parametrize("rows", [["Reid,Scottish"] * 12, ["Reid,Scottish", "only one"] * 6])
def test_a_table_is_read_no_further_than_its_first_row_too_many(rows: list[str], monkeypatch):
    seen, problem = [], names_table._problem
    monkeypatch.setattr(names_table, "_problem", lambda *row: seen.append(row) or problem(*row))
    assert len(table("\n".join(rows[:10]), most=10).texts) in (10, 5)
    seen.clear()
    with pytest.raises(DataError, match="more than 10 rows; expected at most 10"):
        table("\n".join(rows), most=10)
    assert len(seen) <= 10


@pytest.mark.parametrize("text", ["Reid,Scottish\n" + "\n" * 101, '"' + "\n" * 200])
def test_a_table_of_few_rows_and_no_end_is_refused_at_once(text: str):
    with pytest.raises(DataError, match="more than 100 lines"):
        table(text, most=10)


def test_bad_rows_are_listed_with_their_lines():
    parsed = table(f'text,label\nReid,Scottish\nonly one\n123,German\nMüller,\n\n{"a" * 101},German\n"two\nlines",Greek\n,\nx,y\n')
    assert parsed.texts == ("Reid", "two\nlines", "x")
    assert parsed.problems == (
        (3, "1 column; expected 2, with text and label."),
        (4, "no letter that can be romanised."),
        (5, "no label."),
        (7, "101 letters; expected at most 100."),
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("text,label\n", "No row can be used; expected two columns, text and label.$"),
        ("1,2\n", "The first problem, in line 1: no letter that can be romanised."),
        (f"{'a' * 140_000},b", "The first problem, in line 1: 140000 letters; expected at most 100."),
        (f'"{"a" * 140_000}",b', "The first problem, in line 1: a quotation mark at the start of a cell is not closed"),
    ],
)
def test_a_table_that_holds_nothing_is_refused(content: str, sentence: str):
    with pytest.raises(DataError, match=sentence):
        table(content)


ROWS = (("Nowak", "Papadakis"), ("Polish", "Greek"))


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("sep=;\nname;language\nNowak;Polish\nPapadakis;Greek\n", ()),
        ('"sep=,"\r\nNowak,Polish\r\nPapadakis,Greek\r\n', ()),
        ("nationality,surname\nPolish,Nowak\nGreek,Papadakis\n", ()),
        ("nationality,nationality_index,split,surname\nPolish,1,test,Nowak\nGreek,2,test,Papadakis\n", ("nationality_index", "split")),
        ("First Name;Last_Name;Country;Language\nAnna;Nowak;PL;Polish\nEleni;Papadakis;GR;Greek\n", ("First Name", "Country")),
        ("Nachname|Sprache\nNowak|Polish\nPapadakis|Greek\n", ()),
        ("NACIONALIDAD\tAPELLIDO\nPolish\tNowak\nGreek\tPapadakis\n", ()),
        ("Фамилия;Язык\nNowak;Polish\nPapadakis;Greek\n", ()),
        ("Επωνυμο,Γλωσσα\nNowak,Polish\nPapadakis,Greek\n", ()),
        ("姓氏,国籍\nNowak,Polish\nPapadakis,Greek\n", ()),
        ("whose,language\nNowak,Polish\nPapadakis,Greek\n", ()),
    ],
)
def test_a_table_of_a_spreadsheet_is_read_rightly(text: str, unread: tuple[str, ...]):
    parsed = table(text)
    assert (parsed.texts, parsed.labels, parsed.unread, parsed.problems) == (*ROWS, unread, ())


def test_a_comma_inside_a_cell_is_no_separator():
    assert table("Smith, John;English\nReid, Ann;Scottish\n").texts == ("Smith, John", "Reid, Ann")
    assert table('"Müller, Hans",German\nNowak,Polish\n').texts == ("Müller, Hans", "Nowak")
    assert table("Land,German\nLang,German\n").texts == ("Land", "Lang")  # names, not titles


def test_a_quotation_mark_that_is_not_closed_spoils_its_row_alone():
    parsed = table('text,label\nReid,Scottish\n"Müller,German\nO"Brien,Irish\n"Papa"dakis,Greek\nNowak,Polish\n')
    assert parsed.texts == ("Reid", 'O"Brien', "Nowak")
    assert [line for line, _ in parsed.problems] == [3, 5] and "quotation mark" in parsed.problems[0][1]


def test_a_first_line_that_may_be_a_header_is_asked_about():
    doubtful = table("foo,bar\nNowak,Polish\nMalik,Polish\nPapadakis,Greek\nPappas,Greek\n")
    assert doubtful.notes == ("Line 1, foo and bar, was taken as data. If it is a header, call its columns text and label.",)
    assert table("Reid,Scottish\nNowak,Polish\nPappas,Greek\n").notes == ()


def test_reading_stops_at_the_first_row_too_many():
    with pytest.raises(DataError, match=r"There are more than 2 rows; expected at most 2\. Use a part of them"):
        table("text,label\na,b\n\nc,d\ne,f\n", most=2)
    assert table("text,label\na,b\n\nc,d\n", most=2).texts == table("a,b\nc,d\n", most=2).texts == ("a", "c")


def test_a_file_of_a_spreadsheet_opens_in_its_encoding(tmp_path: Path):
    path = tmp_path / "names.csv"
    path.write_bytes("name;language\r\nMüller;German\r\nNúñez;Spanish\r\nO'Brien;Irish\r\nGrønbæk;Danish\r\n".encode("cp1252"))
    parsed = labelled(path)
    assert parsed.texts == ("Müller", "Núñez", "O'Brien", "Grønbæk") and parsed.labels == ("German", "Spanish", "Irish", "Danish")
    assert parsed.notes == (
        "The file is not UTF-8 and was read as Windows-1252, Western Europe. If letters look wrong, choose another encoding, "
        "or save it as UTF-8.",
    )
    assert names_data.read(path).labels == ("Danish", "German", "Irish", "Spanish")


def test_swapped_columns_are_noticed_before_training(tmp_path: Path):
    (tmp_path / "names.csv").write_text("Greek,Pappas\nGreek,Papadakis\nPolish,Nowak\n")
    with pytest.raises(DataError, match=r"names\.csv has more labels than texts: are the columns swapped\?"):
        names_data.read(tmp_path / "names.csv")


def test_what_is_left_out_of_training_is_said(tmp_path: Path, caplog):
    (tmp_path / "names.csv").write_text("Pappas,Greek\n17,Greek\nNowak,Polish\n")
    assert names_data.read(tmp_path / "names.csv").texts == ("pappas", "nowak")
    assert "names.csv: line 2 is left out: no letter that can be romanised." in caplog.text


def test_folders_that_hold_no_names_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"holds no names; expected files called <Label>\.txt"):
        labelled(tmp_path)
    (tmp_path / "Greek.txt").write_text("Pappas\n")
    assert labelled(tmp_path).texts == ("Pappas",)
    (tmp_path / "German.txt").write_bytes("Müller\r\nGroßmann\r\n".encode("cp1252"))
    german = labelled(tmp_path)
    assert german.texts == ("Müller", "Großmann", "Pappas") and german.notes[0].startswith("German.txt: The file is not UTF-8 and was read")
    (tmp_path / "German.txt").unlink()
    with pytest.raises(DataError, match="holds 1 labels; expected at least two"):
        names_data.read(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        labelled(tmp_path / "nothing")
