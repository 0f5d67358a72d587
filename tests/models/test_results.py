"""docs/results.md is what `python -m models results` prints for the networks that ship; foreign cards do not stop it."""

from pathlib import Path

import pytest

import models
from models.results import Table, report
from tests.models.command_line import call
from tests.models.tiny import save_tiny

RESULTS = (Path(models.__file__).parent.parent / "docs/results.md").read_text(encoding="utf-8")


def test_the_file_is_what_the_command_prints(monkeypatch, capsys):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(models.FOLDER))
    code, out, err = call(capsys, "results")
    assert (code, err) == (0, "") and out == RESULTS, "run `python -m models results > docs/results.md`"


@pytest.mark.parametrize("name", [name for name, card in models.available(models.FOLDER).items() if "scores" in card])
def test_every_network_with_scores_has_a_row(name: str):
    assert f"\n| `{name}` | " in RESULTS


def test_a_card_without_its_scores_is_left_out_and_named(monkeypatch, tmp_path: Path, capsys):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    loaded = save_tiny(tmp_path / "own.safetensors")
    models.checkpoint.save(loaded.module, loaded.card | {"scores": {"nats_per_character": 1.0}}, tmp_path / "bare.safetensors")
    code, out, err = call(capsys, "results")
    assert code == 0 and "|" not in out and err == "bare: its card lacks scores that the table needs; it is left out.\n"


def test_scores_stand_beside_their_baselines():
    cards = {name: card for name, card in models.available(models.FOLDER).items() if name in ("names18-gru", "wiki-rnn")}
    text, left_out = report(cards)
    assert not left_out and "| 1.472 | 2.123 | 1.623 (6-gram) | 0.907 |" in text
    assert "| `names18-gru` | 225,042 | 2,552 | 0.822 |" in text and "| character n-grams, logistic regression (Surnames of 18" in text
    assert "BLEU" not in text


def test_a_cell_cannot_end_a_cell():
    table = Table("Title", "About.", ("a", "b"), [("x|y", "z")])
    assert table.markdown() == "## Title\n\nAbout.\n\n| a | b |\n| --- | --- |\n| x\\|y | z |\n"
