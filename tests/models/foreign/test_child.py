"""The child process that reads one file: what it is given, and what is said when it fails."""

import sys
from pathlib import Path

import pytest

from explorer.errors import CheckpointError
from models.family import HOME
from models.foreign import child

READERS = "tests.models.foreign.readers"
NEEDED = {"PATH", "LANG", "LANGUAGE", "TMPDIR", "HOME", "LD_LIBRARY_PATH", "SYSTEMROOT", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
pytestmark = pytest.mark.child


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(b"x")
    return tmp_path / "file"


def test_a_reader_that_fails_says_why_and_does_not_accuse_the_file(file: Path):
    with pytest.raises(CheckpointError) as refused:
        child.run(f"{READERS}:fail", file, "'mine.pt'")
    assert str(refused.value) == "'mine.pt' could not be read here: ModuleNotFoundError: No module named 'torch' [2J."


@pytest.mark.skipif("sys.platform == 'win32'", reason="Windows has no signals")
@pytest.mark.parametrize(("reader", "how"), [("crash", "signal 11"), ("leave", "exit code 0")])
def test_a_reader_that_a_file_stopped_is_suspicious(reader: str, how: str, file: Path):
    with pytest.raises(CheckpointError, match=rf"made its reader stop \({how}\).*made to do harm; nothing else was affected"):
        child.run(f"{READERS}:{reader}", file, "'mine.pt'")


@pytest.mark.skipif("sys.platform != 'linux'", reason="other systems have other limits")
def test_memory_is_what_is_filled_and_not_what_is_mapped(file: Path):
    assert child.run(f"{READERS}:reserve", file, "'mine.pt'")[0] == {"size": 5_000_000_000}
    with pytest.raises(CheckpointError, match="needs more memory"):
        child.run(f"{READERS}:swell", file, "'mine.pt'", memory=2_000_000_000)


def test_the_child_has_what_it_needs_and_no_secret(file: Path, tmp_path: Path, monkeypatch):
    packages, here = tmp_path / "packages", tmp_path / "here"
    for folder in (packages, here):
        folder.mkdir()
    monkeypatch.setenv("EXPLORER_LIVE", '{"key": "secret"}')
    monkeypatch.setenv("ANY_TOKEN", "secret")
    monkeypatch.setenv("LC_NUMERIC", "C")
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", ["", "relative", str(here), str(packages), *sys.path])
    said, _ = child.run(f"{READERS}:surroundings", file, "'mine.pt'")
    names = set(said["environment"])
    assert "LC_NUMERIC" in names and not {name for name in names if not name.startswith("LC_")} - NEEDED
    assert said["environment"]["PATH"] and Path(said["environment"]["HOME"]) != Path.home()
    assert said["path"][0] == str(HOME) and str(packages) in said["path"], "what is installed here is installed there"
    assert not {"", "relative", str(here)} & set(said["path"]), "the folder of the start gives no code"
