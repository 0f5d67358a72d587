"""Where networks are looked for and written to: an installed package is read and never changed, its user has a folder of their own."""

from pathlib import Path

import pytest

import models
from models import ngram
from models.char_lm import training
from models.measurement import Measured, subject
from tests.models.command_line import call
from tests.models.tiny import save_tiny
from tests.pages.app import ROOT

TEXT = "'''Lamp''' is a [[light]].\n\n" * 400


@pytest.fixture
def own(monkeypatch, tmp_path: Path) -> Path:
    """The user's folder, which does not exist yet; the installed package has one network, wiki-gru."""
    monkeypatch.delenv("EXPLORER_CHECKPOINTS", raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setattr(models, "IS_PROJECT", False)
    monkeypatch.setattr(models, "FOLDER", tmp_path / "package")
    save_tiny(tmp_path / "package/wiki-gru.safetensors", cell="gru")
    folder = models.folder_of_checkpoints()
    assert tmp_path / "home" in folder.parents and not folder.exists()
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_networks_of_the_package_and_of_the_user_are_both_found(own: Path):
    assert list(models.available()) == ["wiki-gru"]
    save_tiny(own / "mine.safetensors")
    save_tiny(own / "wiki-gru.safetensors", cell="gru", units=7)
    assert list(models.available()) == ["wiki-gru", "mine"]
    assert models.load("wiki-gru").module.rnn.hidden_size == 7  # the user's own comes first
    assert subject("wiki-gru").file == own / "wiki-gru.safetensors"


def test_the_folder_that_is_set_is_the_only_one(own: Path, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "set"))
    save_tiny(tmp_path / "set/mine.safetensors")
    assert list(models.available()) == ["mine"] and models.folder_of_checkpoints() == tmp_path / "set"


def test_in_the_project_there_is_one_folder(monkeypatch):
    monkeypatch.delenv("EXPLORER_CHECKPOINTS", raising=False)
    assert models.folder_of_checkpoints() == ROOT / "checkpoints" == models.file_of("gone").parent


def test_commands_write_into_the_folder_of_the_user(own: Path, capsys, tmp_path: Path):
    before = content(tmp_path / "package")
    (tmp_path / "text").write_text(TEXT, encoding="utf-8")
    code, out, err = call(capsys, "count", "wiki", "--data", tmp_path / "text", "--order", 2)
    assert code == 0 and str(own / "wiki-ngram.safetensors") in out, err
    assert ngram.load("wiki") is not None and content(tmp_path / "package") == before


def test_training_says_where_the_checkpoint_will_be(own: Path, capsys, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(training, "trainers", lambda *_: ())
    monkeypatch.setattr(training, "finish", lambda name, state, data, target, report: {"parameters": 1, "scores": {"at": str(target)}})
    (tmp_path / "text").write_text(TEXT, encoding="utf-8")
    code, out, err = call(capsys, "train", "wiki-lstm", "--data", tmp_path / "text", "--folder", tmp_path / "runs")
    assert code == 0 and err.startswith(f"The checkpoint will be written to {own / 'wiki-lstm.safetensors'}.\n"), err
    assert f"at: {own / 'wiki-lstm.safetensors'}" in out


def test_what_is_measured_of_a_network_of_the_package_goes_into_a_copy(own: Path, tmp_path: Path):
    before = content(tmp_path / "package")
    file = subject("wiki-gru").file
    assert file == tmp_path / "package/wiki-gru.safetensors"
    assert Measured(1, (), {file: {"measured": 1}}).save() == [own / "wiki-gru.safetensors"]
    assert Measured(2, (), {file: {"again": 2}}).save() == [own / "wiki-gru.safetensors"]
    card = models.available()["wiki-gru"]
    assert (card["measured"], card["again"]) == (1, 2) and content(tmp_path / "package") == before
