"""Tables of text: their encodings, separators and broken rows, whatever they are about."""

import pytest

from models.corpora import DataError
from models.tables import SHOWN, decoded, heading, in_encoding, rows, warn

IN = {
    "cp1252": "name;language\r\nMüller;German\r\nNúñez;Spanish\r\nGroßmann;German\r\nGrønbæk;Danish\r\nLefèvre;French\r\n",
    "cp1250": "nazwisko;język\r\nWiśniewski;Polish\r\nWójcik;Polish\r\nDąbrowski;Polish\r\nŁukaszewicz;Polish\r\n",
    "cp1251": "фамилия;язык\r\nИванов;Russian\r\nСмирнов;Russian\r\nКузнецов;Russian\r\n",
    "cp1253": "Παπαδάκης;Greek\r\nΓεωργίου;Greek\r\nΟικονόμου;Greek\r\n",
    "shift_jis": "佐藤;Japanese\r\n鈴木;Japanese\r\n高橋;Japanese\r\n",
}


@pytest.mark.parametrize("encoding", IN)
def test_the_encoding_of_a_table_is_guessed_and_said(encoding: str):
    text, note = decoded(IN[encoding].encode(encoding), "x.csv")
    assert text == IN[encoding] and "The file is not UTF-8 and was read as " in note


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_names_its_encoding_needs_no_guess(encoding: str):
    assert decoded(IN["cp1252"].encode(encoding), "x.csv") == (IN["cp1252"], "")


def test_an_encoding_may_be_named():
    turkish = "Yılmaz;Turkish\nŞahin;Turkish\n"
    assert decoded(turkish.encode("cp1254"), "x.csv", "cp1254") == (turkish, "")
    with in_encoding("cp1254"):
        assert decoded(turkish.encode("cp1254"), "x.csv") == (turkish, "")
        assert decoded(turkish.encode("cp1252", "replace"), "x.csv", "cp1252")[0].startswith("Y?lmaz")
    with pytest.raises(DataError, match=r"x\.csv cannot be read at byte 0; expected Shift JIS, Japanese\. Save it as CSV in UTF-8"):
        decoded(b"\xff\xff", "x.csv", "shift_jis")


@pytest.mark.parametrize("content", [b"PK\x03\x04\0\0", b"\xff\xfe\0", b"a\0b\0"])
def test_what_is_no_text_gets_a_sentence(content: bytes):
    with pytest.raises(DataError, match=r"^x\.xlsx (is not text; expected a table|cannot be read at byte 2; expected a text in UTF-8)"):
        decoded(content, "x.xlsx")


def test_rows_know_their_lines_and_cells_may_hold_line_ends():
    table = list(rows('\ufeff\n"a\nb",c\n\n"d ""e""",f\r\ng,h'))
    assert [(row.line, row.cells) for row in table] == [(2, ["a\nb", "c"]), (5, ['d "e"', "f"]), (6, ["g", "h"])]
    assert list(rows("")) == list(rows(" \n\n")) == []


def test_marks_of_sentences_between_tabs_stay():
    given = [['"Go!" he said.', '"Va !"'], ['"Why?" "To see."', '"Pourquoi ?""Pour voir."'], ["a, b; c", "“d”"]]
    assert [row.cells for row in rows("\n".join("\t".join(cells) for cells in given), is_prose=True)] == given
    spreadsheet = '"He said ""go"" twice."\tVa !\n'
    assert [row.cells for row in rows(spreadsheet, is_prose=True)] == [['He said "go" twice.', "Va !"]]


def test_a_heading_names_columns_whatever_its_case_accents_and_lines():
    words = (["surname", "name"], ["nationalité"])
    assert heading(["NATIONALITE", "Name", "sur-name"], words) == [1, 0]
    assert heading(["x", "Surname", "name"], words) == [1, None]


def test_only_the_first_problems_are_written_out(caplog):
    warn("x.csv", [(line, "no label.") for line in range(1_000, 1_010)], ["A note."])
    lines = [record.getMessage() for record in caplog.records]
    assert lines[:2] == ["x.csv: A note.", "x.csv: line 1,000 is left out: no label."]
    assert len(lines) == SHOWN + 2 and lines[-1] == "x.csv: 5 more rows are left out."


def test_two_separators_without_a_comma_are_told_apart():
    assert [row.cells for row in rows("a;b|c;d\n1;2|3;4\n")] == [["a", "b|c", "d"], ["1", "2|3", "4"]]
