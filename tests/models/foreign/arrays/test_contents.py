"""Columns and arrays of files: what is a number, a text, a date; what is refused, with which sentence."""

import io

import numpy as np
import pandas as pd
import pytest

from explorer.errors import CheckpointError
from models.foreign.experiments.arrays import parquet
from models.foreign.experiments.arrays.contents import contents

DAYS = pd.date_range("2001-03-05", periods=4)


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def packed(frame: pd.DataFrame, **options) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file, **options)
    return file.getvalue()


def test_a_table_has_numbers_texts_and_dates():
    text = "date;rain;word;odd\n2001-03-05;1,5;to;x\n".replace("1,5", "1.5") + "2001-03-06;NA;be;7\n"
    read = contents(text.encode("utf-16"), "mine.csv")
    assert (list(read.arrays), list(read.texts), list(read.times)) == (["rain"], ["word", "odd"], ["date"])
    assert read.arrays["rain"][0] == 1.5 and np.isnan(read.arrays["rain"][1]) and read.texts["word"] == ("to", "be")
    assert read.times["date"].tolist() == [DAYS[0].to_pydatetime(), DAYS[1].to_pydatetime()]


def test_a_table_without_a_heading_counts_its_columns_and_names_that_occur_twice_stay_apart():
    assert list(contents(b"1,2\n3,4\n", "a.csv").arrays) == ["column 1", "column 2"]
    assert list(contents(b"x,x\n3,4\n", "a.csv").arrays) == ["x", "x (2)"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "'a.csv' is empty. Expected a table with one row per step."),
        (b"\0\1", "is not text; expected a table as CSV or TSV"),
        (b"x,y\n1,2,3\n", "row 2 has 3 cells; expected 2, as in its first row. Put cells that hold a comma in quotation marks."),
        (b"PAR1 and nothing", "'a.csv' is a damaged Parquet file"),
        (b"PK\3\4", "damaged zip archive"),
        (b"a" * 300 + b"\n1\n", "a name of 300 characters; at most 200"),
        (("," * 6000 + "\n").encode() + b"1" + b"," * 6000, "5,000 columns"),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(content: bytes, sentence: str):
    with pytest.raises(CheckpointError) as error:
        contents(content, "a.csv")
    assert sentence in str(error.value)


def test_a_table_has_so_many_cells(monkeypatch):
    monkeypatch.setattr("models.foreign.experiments.arrays.contents.MOST_CELLS", 10)
    assert contents(b"1,2\n" * 5, "a.csv").arrays["column 1"].tolist() == [1] * 5
    with pytest.raises(CheckpointError, match="has more than 10 cells"):
        contents(b"1,2\n" * 6, "a.csv")


def test_only_a_small_table_keeps_its_cells():
    assert len(contents(b"1,2\n" * 200, "a.csv").rows) == 200 and contents(b"1,2\n" * 201, "a.csv").rows == ()


def test_npz_is_not_unpickled():
    read = contents(npz(good=np.arange(3), bad=np.array([object()]), text=np.array("abc"), day=DAYS.to_numpy()), "a.npz")
    assert list(read.arrays) == ["good"] and read.texts == {"text": ("a", "b", "c")} and len(read.times["day"]) == 4
    assert "'bad' holds Python objects, which are not unpickled" in read.notes[0]


def test_parquet_in_a_child_process_gives_columns_lists_dates_and_texts():
    lists = [[1.0, 2], [3, 4], [5, 6], [7, 8]]
    frame = pd.DataFrame({"day": DAYS, "word": list("abcd"), "rain": [1, 2, None, 4], "h": lists, "z": [{"a": 1}] * 4})
    read = contents(packed(frame), "a.parquet")
    assert read.arrays["h"].tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]] and np.isnan(read.arrays["rain"][2])
    assert read.texts == {"word": tuple("abcd")} and read.times["day"][1] == np.datetime64("2001-03-06")
    assert "Column 'z' of type struct" in read.notes[0]


def test_parquet_that_would_fill_the_memory_is_refused_before_it_is_read(monkeypatch, tmp_path):
    file = tmp_path / "a.parquet"
    file.write_bytes(packed(pd.DataFrame({"x": np.random.default_rng(0).normal(size=100_000)})))
    monkeypatch.setattr(parquet, "MOST_BYTES", 1000)
    with pytest.raises(CheckpointError, match="unpacks to more than 0 MB"):
        parquet.read(file, tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(parquet, "MOST_ROWS", 10)
    with pytest.raises(CheckpointError, match="has 100,000 rows and 1 columns; at most 10"):
        parquet.read(file, tmp_path)
    file.write_bytes(packed(pd.DataFrame({"h": [[1.0], [2.0, 3.0, 4.0]]})))
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="lists of different lengths in column 'h'"):
        parquet.read(file, tmp_path)
