"""Names: how they are spelled, which languages, the split by spelling, and the download."""

import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from models import corpora
from models.corpora import DataError
from models.names import data as names_data
from models.names.data import LANGUAGES, Names
from models.names.romanise import left_out, spelling


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Романов", "romanov"),
        ("Παπαδόπουλος", "papadopoulos"),
        ("O'Brien", "obrien"),
        ("Núñez-Müller", "nunez-muller"),
        ("  VAN  der\tBerg ", "van der berg"),
        ("Ադուլյան", "adulyan"),
        ("აბაშიძე", "abashidze"),
        ("司馬", "sima"),
        ("Smith3.", "smith"),
        ("- 17 -", ""),
        ("", ""),
    ],
)
def test_a_name_is_spelled_in_latin_small_letters(text: str, read: str):
    assert spelling(text) == read == spelling(read)
    assert 0 not in names_data.VOCABULARY.encode(read)


@pytest.fixture(scope="module")
def surnames() -> Names:
    return names_data.surnames()


def test_twenty_one_languages_with_enough_names_each(surnames: Names):
    assert surnames.labels == tuple(sorted(LANGUAGES)) and len(surnames.labels) == 21
    assert np.bincount(surnames.targets).min() >= 220 and (surnames.times == 1).all()
    pairs = set(zip(surnames.texts, surnames.targets.tolist(), strict=True))
    assert len(pairs) == len(surnames) > 20_000
    for text, label in (
        ("romanov", "Russian"),
        ("papadopoulos", "Greek"),
        ("wang", "Chinese"),
        ("van dijk", "Dutch"),
        ("baranowski", "Polish"),
    ):
        assert (text, surnames.labels.index(label)) in pairs, text
    assert "doe" not in surnames.texts and all(spelling(text) == text for text in surnames.texts)


def test_the_split_depends_on_the_spelling_alone(surnames: Names):
    train, dev = surnames.split()
    assert not set(train.texts) & set(dev.texts) and len(train) + len(dev) == len(surnames)
    assert 0.13 < len(dev) / len(surnames) < 0.17
    assert np.bincount(dev.targets).min() >= 30
    few = Names(surnames.labels, surnames.texts[:100], surnames.targets[:100], surnames.times[:100])
    assert set(few.split()[1].texts) <= set(dev.texts)  # the rest of the collection changes nothing
    assert [names_data.is_held_out(text) for text in dev.texts[:5]] == [True] * 5


def test_shared_spellings_are_kept_and_marked(tmp_path: Path):
    (tmp_path / "Scottish.txt").write_text("Adam\nReid\nReid\n")
    (tmp_path / "English.txt").write_text("Adam\nÀdam\nSmith\n", encoding="utf-8")
    names = names_data.read(tmp_path)
    assert names.labels == ("English", "Scottish") and names.texts == ("adam", "smith", "adam", "reid")
    assert names.targets.tolist() == [0, 0, 1, 1] and names.times.tolist() == [2, 1, 1, 2]
    assert names.shared == {"adam": ("English", "Scottish")}
    assert len(names.sha256()) == 64 and names.sha256() != Names(names.labels, names.texts, names.targets, names.times + 1).sha256()


def test_only_letters_are_romanised_and_what_is_left_out_is_reported():
    for text in ("😀", "🗼17", "™ ①", "❤️", "1️⃣", "👩‍👩‍👧", "€ $", "½"):
        assert spelling(text) == ""
    assert spelling("Müller 😀🇩🇪") == "muller" and spelling("Ιωάννου–Παππάς") == "ioannou-pappas" and spelling("李😀") == "li"
    assert spelling("e\u0301\u00a0ʾal") == "e al" and left_out("Müller 😀 –O’Brien2😀") == "😀’2" and left_out("Ιωάννου-李 e\u0301") == ""


def test_collections_are_found_or_a_sentence_says_how_to_get_them(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(corpora, "ROOT", tmp_path / "project")
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "mine"))
    assert names_data.find("names") is None
    with pytest.raises(DataError, match=r"'names18' are missing .* Download them: python -m models fetch names18"):
        names_data.find("names18")
    with pytest.raises(DataError, match=r"No collection of names is called 'x'. Known: names, names18"):
        names_data.find("x")
    folder = tmp_path / "mine/names_by_language/names"
    folder.mkdir(parents=True)
    (folder / "Greek.txt").touch()
    assert names_data.find("names18") == folder


def archive(labels: int = 18, rows: int = 1_100, letter: str = "a", folder: str = "data/names/") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for index in range(labels):
            lines = "".join(f"{letter}{chr(97 + row // 26 % 26)}{chr(97 + row % 26)}\n" for row in range(rows))
            file.writestr(f"{folder}Label{chr(65 + index)}.txt", lines)
        file.writestr("data/eng-fra.txt", "Go.\tVa !\n")
        file.writestr("__MACOSX/data/names/LabelA.txt", "x")
    return out.getvalue()


def bomb() -> bytes:
    """An archive of 40 kB that unfolds to 36 MB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for letter in "ABCDEFGHIJKLMNOPQR":
            file.writestr(f"data/names/{letter}.txt", "a" * 2_000_000)
    return out.getvalue()


def test_names18_are_fetched_checked_and_found(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(corpora, "download", lambda address, sha256, progress: archive())
    folder = names_data.fetch("names18", tmp_path)
    assert folder == tmp_path / "names_by_language/names" and len(list(folder.iterdir())) == 18
    summary = names_data.summary("names18", folder)
    assert (summary["names"], summary["languages"]) == (18 * 1_100, 18) and "MIT" in summary["licence"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"<html>moved</html>", "is not the expected archive"),
        (archive()[:-30], "is not the expected archive"),
        (archive(labels=17), r"holds 17 lists with 18,700 rows; expected 18 with 18,000 to 22,000\."),
        (archive(rows=100), r"holds 18 lists with 1,800 rows"),
        (archive(folder="data/../names/x/"), "holds 0 lists"),
        (bomb(), r"holds 18 lists with \d+ rows"),
        (archive(labels=26), "holds 19 lists"),
    ],
)
def test_an_archive_with_other_content_leaves_nothing(tmp_path: Path, monkeypatch, content: bytes, sentence: str):
    monkeypatch.setattr(corpora, "download", lambda address, sha256, progress: content)
    tracemalloc.start()
    with pytest.raises(DataError, match=sentence):
        names_data.fetch("names18", tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 15_000_000
    tracemalloc.stop()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()] and not (tmp_path / "names_by_language/names").exists()


def test_names_need_no_download():
    with pytest.raises(DataError, match="'names' needs no download"):
        names_data.fetch("names")
