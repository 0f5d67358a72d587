"""Training texts: where they are looked for, how they are cut, and downloads from a server that misbehaves."""

import bz2
import hashlib
import io
import threading
import time
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from models import corpora, family
from models.char_lm import FAMILY
from models.corpora import DataError

TEXT = "To be, or not to be,\nthat is the question.\n\nSECOND SPEAKER:\nIndeed: é.\n" * 20
CONTENT = TEXT.encode()


def zipped() -> bytes:
    """The text in an archive, beside a file about it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in (("about.txt", b"Whose it is."), ("input.txt", CONTENT)):
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


HEAD = b"HTTP/1.0 200 OK\r\n"
DRIPS = {
    "/slow.txt": (HEAD + b"Content-Length: 1000\r\n\r\n", b"x", 0.05),
    "/slow-head.txt": (HEAD + b"X-Long: ", b"x", 0.05),
    "/endless.txt": (HEAD + b"\r\n", bytes(100_000), 0.001),
}


class Handler(BaseHTTPRequestHandler):
    def drip(self, head: bytes, part: bytes, pause: float) -> None:
        """Answer without end, for two seconds, or until nobody listens."""
        try:
            self.wfile.write(head)
            for _ in range(int(2 / pause)):
                self.wfile.write(part)
                time.sleep(pause)
        except OSError:
            self.close_connection = True

    def do_GET(self):
        if self.path in DRIPS:
            self.drip(*DRIPS[self.path])
            return
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        body = bz2.compress(CONTENT) if self.path.endswith(".bz2") else CONTENT
        body = zipped() if self.path.endswith(".zip") else body
        if self.path.startswith("/other"):
            body = b"<html>This page has moved.</html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path.startswith("/cut") else body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


@pytest.fixture
def at(monkeypatch, server):
    """Lets the Shakespeare text come from a path of the local server."""

    def set_address(path: str, content: bytes | None = CONTENT, size: tuple[int, int] = (len(CONTENT), len(CONTENT))):
        checksum = hashlib.sha256(content).hexdigest() if content else None
        changed = replace(FAMILY.corpora["shakespeare"], address=server + path, sha256=checksum, size=size)
        monkeypatch.setitem(FAMILY.corpora, "shakespeare", changed)

    return set_address


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_text_is_fetched_with_progress_and_found(tmp_path, monkeypatch, at):
    monkeypatch.setattr(corpora, "ROOT", tmp_path)
    monkeypatch.delenv("EXPLORER_DATA", raising=False)
    at("/input.txt")
    seen = []
    path = corpora.fetch("shakespeare", progress=lambda done, total: seen.append((done, total)))
    assert path == corpora.find("shakespeare") == tmp_path / "data/tinyshakespeare/input.txt"
    assert corpora.read_text(path) == TEXT and files(tmp_path) == ["data/tinyshakespeare/input.txt"]
    assert seen == [(len(CONTENT), len(CONTENT))]


@pytest.mark.parametrize(("path", "packed"), [("/input.txt.bz2", bz2.compress(CONTENT)), ("/input.zip", zipped())])
def test_a_packed_text_is_unpacked(tmp_path, at, path: str, packed: bytes):
    at(path, packed)
    assert corpora.read_text(corpora.fetch("shakespeare", tmp_path)) == TEXT
    assert files(tmp_path) == ["tinyshakespeare/input.txt"]


@pytest.mark.parametrize(("path", "packed"), [("/input.txt.bz2", bz2.compress(CONTENT)), ("/input.zip", zipped())])
def test_unpacking_stops_at_the_expected_size(tmp_path, at, path: str, packed: bytes):
    at(path, packed, (100, 100))
    with pytest.raises(DataError, match=r"has 101 bytes; expected 100\."):
        corpora.fetch("shakespeare", tmp_path)
    assert files(tmp_path) == []


def test_without_a_known_checksum_size_and_structure_are_checked(tmp_path, at):
    at("/input.txt", None, (1, 10_000))
    assert corpora.read_text(corpora.fetch("shakespeare", tmp_path)) == TEXT


REFUSED = {
    "404": ("/missing.txt", CONTENT, "cannot be downloaded: 404 Client Error"),
    "interrupted": ("/cut.txt", CONTENT, "cannot be downloaded: .*broken"),
    "interrupted and packed": ("/cut.bz2", None, "cannot be downloaded: .*broken"),
    "wrong checksum": ("/input.txt", b"what was expected", "is not the expected file: SHA256 hash of downloaded file"),
    "wrong size": ("/other.txt", None, r"has 33 bytes; expected 1,500\. The content of the address may have changed"),
    "not packed": ("/other.bz2", None, "is not the expected file: Invalid data stream"),
    "no archive": ("/other.zip", None, "is not the expected file: File is not a zip file"),
}


@pytest.mark.parametrize("old", [None, "an earlier download"])
@pytest.mark.parametrize("what", REFUSED)
def test_a_failed_download_gets_a_sentence_and_leaves_nothing(tmp_path, at, what: str, old: str | None):
    path, content, sentence = REFUSED[what]
    at(path, content, (1_500, 1_500))
    target = tmp_path / "tinyshakespeare/input.txt"
    if old:
        target.parent.mkdir()
        target.write_text(old)
    with pytest.raises(DataError, match=sentence):
        corpora.fetch("shakespeare", tmp_path)
    assert files(tmp_path) == (["tinyshakespeare/input.txt"] if old else [])
    assert not old or target.read_text() == old


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/slow.txt", r"cannot be downloaded: it took more than 0\.3 seconds\. Check the network"),
        ("/slow-head.txt", r"cannot be downloaded: it took more than 0\.3 seconds\."),
        ("/endless.txt", r"is not the expected file: it has more than 1,000,000 bytes\."),
    ],
)
def test_a_server_that_never_ends_is_given_up(tmp_path, monkeypatch, at, path: str, sentence: str):
    monkeypatch.setattr(corpora, "SECONDS", 0.3 if "slow" in path else 10)
    monkeypatch.setattr(corpora, "MOST", 1_000_000)
    at(path, None)
    start = time.monotonic()
    with pytest.raises(DataError, match=sentence):
        corpora.fetch("shakespeare", tmp_path)
    assert time.monotonic() - start < 1.5 and files(tmp_path) == []


def test_a_text_of_another_number_of_characters_is_refused(tmp_path, monkeypatch, at):
    at("/input.txt", None)
    known = len(TEXT)
    for characters in (known - 1, known):
        monkeypatch.setitem(FAMILY.corpora, "shakespeare", replace(FAMILY.corpora["shakespeare"], characters=characters))
        if characters != known:
            with pytest.raises(DataError, match=rf"has {known:,} characters; expected {characters:,}\. The content of the address"):
                corpora.fetch("shakespeare", tmp_path)
            assert files(tmp_path) == []
    assert corpora.read_text(corpora.fetch("shakespeare", tmp_path)) == TEXT


def test_every_download_is_pinned_by_a_checksum_or_by_its_number_of_characters():
    downloads = {name: corpus for name, corpus in family.corpora().items() if corpus.address and not corpus.not_fetched}
    assert {"wiki", "linux", "shakespeare", "tatoeba", "names18"} <= set(downloads)
    for name, corpus in downloads.items():
        assert corpus.sha256 or corpus.text_sha256 or corpus.characters, name


def test_a_text_of_another_checksum_than_the_one_in_its_archive_is_refused(tmp_path, monkeypatch, at):
    at("/input.zip", zipped())
    changed = replace(FAMILY.corpora["shakespeare"], text_sha256=hashlib.sha256(b"another").hexdigest())
    monkeypatch.setitem(FAMILY.corpora, "shakespeare", changed)
    with pytest.raises(DataError, match="has the wrong checksum; expected "):
        corpora.fetch("shakespeare", tmp_path)
    assert files(tmp_path) == []


def test_what_a_killed_download_left_goes_at_the_next(tmp_path, at):
    at("/input.txt")
    folder = tmp_path / "tinyshakespeare"
    folder.mkdir()
    (folder / ".input.txt.0123.partial").write_text("left by a process that was killed")
    (folder / ".input.txt.lock").touch()
    corpora.fetch("shakespeare", tmp_path)
    assert files(tmp_path) == ["tinyshakespeare/input.txt"]


@pytest.mark.parametrize("below", ["", "tinyshakespeare"])
def test_a_file_where_a_folder_should_be_gets_a_sentence_and_stays(tmp_path, at, below: str):
    at("/input.txt")
    file = tmp_path / "data" / below if below else tmp_path / "data"
    file.parent.mkdir(exist_ok=True)
    file.write_text("a letter")
    with pytest.raises(DataError, match=r"input\.txt cannot be written \((Not a directory|File exists)\)\. Name another folder"):
        corpora.fetch("shakespeare", tmp_path / "data")
    assert file.read_text() == "a letter"


def test_a_folder_where_the_file_should_be_gets_a_sentence(tmp_path, at):
    at("/input.txt")
    (tmp_path / "tinyshakespeare/input.txt").mkdir(parents=True)
    with pytest.raises(DataError, match=r"input\.txt cannot be written \(Is a directory\)\."):
        corpora.fetch("shakespeare", tmp_path)
    assert files(tmp_path) == []


def test_a_full_disk_leaves_the_old_text(tmp_path, monkeypatch, at):
    at("/input.txt")
    target = tmp_path / "tinyshakespeare/input.txt"
    target.parent.mkdir()
    target.write_text("an earlier download")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match=r"input\.txt cannot be written \(No space left on device\)\. Name another folder"):
        corpora.fetch("shakespeare", tmp_path)
    assert target.read_text() == "an earlier download" and files(tmp_path) == ["tinyshakespeare/input.txt"]


def test_a_server_that_does_not_answer_gets_a_sentence(tmp_path, monkeypatch):
    changed = replace(FAMILY.corpora["shakespeare"], address="http://127.0.0.1:9/input.txt")
    monkeypatch.setitem(FAMILY.corpora, "shakespeare", changed)
    with pytest.raises(DataError, match=r"127\.0\.0\.1:9/input\.txt cannot be downloaded: the connection failed\. Check the network"):
        corpora.fetch("shakespeare", tmp_path)


def test_folders_are_searched_in_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(corpora, "ROOT", tmp_path / "project")
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "mine"))
    with pytest.raises(DataError, match=r"text 'wiki' is missing .* Download it: python -m models fetch wiki"):
        corpora.find("wiki")
    for folder in ("shared/data", "mine", "project/data"):
        file = tmp_path / folder / "wiki_markup/enwiki_shortened.xml"
        file.parent.mkdir(parents=True)
        file.touch()
        assert corpora.find("wiki") == file
    with pytest.raises(DataError, match=r"No training text is called 'x'\. Known: wiki, linux, shakespeare"):
        corpora.find("x")


def test_the_cut_lies_at_the_boundary_nearest_to_95_percent():
    pages = "".join(f"\n  <page>\n{'x' * 80}" for _ in range(100))
    train, dev = corpora.split("wiki", pages)
    assert train + dev == pages and dev.startswith("\n  <page>\n") and dev.count("<page>") == 5
    train, dev = corpora.split("linux", "int a;\n" * 100)  # no boundary: at a line end
    assert dev == "\nint a;" * 5 + "\n" or dev == "\nint a;" * 4 + "\n"
    assert corpora.split("shakespeare", "abcdefghij") == ("abcdefghi", "j")
    with pytest.raises(DataError, match="has 1 characters; expected at least 2"):
        corpora.split("wiki", "a")


def test_line_ends_are_left_as_they_are(tmp_path):
    (tmp_path / "a").write_bytes(b"a\r\nb\rc\n")
    assert corpora.read_text(tmp_path / "a") == "a\r\nb\rc\n"


def test_every_text_names_its_source_and_licence():
    assert list(corpora.texts()) == ["wiki", "linux", "shakespeare", "tatoeba"]
    for corpus in corpora.texts().values():
        assert all((corpus.title, corpus.source, corpus.licence, corpus.path, corpus.boundary, corpus.size[0]))
        assert corpus.address.startswith("https://") and (corpus.sha256 is None or len(corpus.sha256) == 64)
