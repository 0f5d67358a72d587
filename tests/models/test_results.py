"""docs/results.md is what `python -m models results` prints for the networks that ship; foreign cards do not stop it."""

import re
from pathlib import Path

import pytest

import models
from models.results import Table, _checked, report
from tests.models.command_line import call
from tests.models.tiny import save_tiny

ROOT = Path(models.__file__).parent.parent
RESULTS = (ROOT / "docs/results.md").read_text(encoding="utf-8")


def test_the_file_is_what_the_command_prints(monkeypatch, capsys):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(models.FOLDER))
    code, out, err = call(capsys, "results")
    assert (code, err) == (0, "") and out == RESULTS, "run `python -m models results > docs/results.md`"


@pytest.mark.parametrize("name", [name for name, card in models.available(models.FOLDER).items() if "scores" in card])
def test_every_network_with_scores_has_a_row(name: str):
    assert f"\n| `{name}` | " in RESULTS


# Rows worked out from the cards by hand: what a table must not lose, whatever makes it.
ROWS = [
    "| `wiki-lstm` | 0.002 | 1 | 0.1 | 1.679 |",
    "| `shakespeare-lstm` | 841,792 | 2 x 256 | Tiny Shakespeare | 52,976 | 1.409 | 2.032 | 1.574 (5-gram) | 0.895 |",
    "| `wiki-lstm` | inside [[ ]] | 2, 328 | 0.65 | 0.94 | 0.87 | 0.12 | 0.24 | 0.31 | 0.69 | yes | 83,781 |",
    "| `wiki-lstm` | no clear meaning, closest: inside <ref> | 2, 131 | 0.04 | 0.53 | 0.53 | 0.24 | 0.17 | 0.43 | 0.75 | no | 83,781 |",
    "| `wiki-lstm` | inside <ref> | 1, 103 | 0.14 | 0.62 | 0.54 | 0.24 | 0.17 | 0.43 | 0.75 | no | 83,781 |",
    "| `shakespeare-lstm` | position in line | 2, 248 | 0.79 | – | – | 0.05 | 0.50 | 0.54 | – | yes | 26,520 |",
    "| `en-fr-additive` | 2,746,976 | 2,708 | 34.9 (33.6 to 36.0) | 31.1 | 31.8 | 31.6 | 53.8 | 0.146 | – |",
    "| `en-fr-fake` | 34.0 (31.6 to 36.3) | 32.8 (31.0 to 34.7) | 27.7 (25.2 to 30.0) | 19.9 (17.8 to 22.1) | 10.0 (8.4 to 11.7) |",
    "| `en-fr-bilinear` | points at the right word (IBM model 1) | yes | 0.41 (0.39 to 0.42) | alignment error rate | 400 |",
    "| `caption-soft` | 5,322,041 | 3 | 1,000 | 65.4 | 47.1 | 33.0 | 22.9 (21.5 to 24.2) | 0.556 | 65.6 / 47.3 / 33.1 / 22.9 | – |",
    "| `caption-none` | 3 | 59.4 | 40.1 | 26.5 | 17.3 |",
    "| `scenes-soft` | 275,042 | 1,000 | 0.904 | 0.999 | all | 1,796 | 0.86 | 0.07 | 0.12 | 0.17 | 0.06 |",
    "| `names-gru` | 225,813 | 3,000 | 0.790 | 0.760 | 0.749 | 0.688 | 0.294 | 0.029 |",
    "| `names-gru` | 5 | 1,058 | 0.907 | 1,942 | 0.726 |",
    "| `names18-gru` | 0.844 (0.839 to 0.848) | 0.549 (0.534 to 0.563) | 0.523 (0.516 to 0.530) |",
]


@pytest.mark.parametrize("row", ROWS)
def test_rows(row: str):
    assert f"\n{row}\n" in RESULTS


@pytest.mark.parametrize("name", ["en-fr-none", "en-fr-uniform"])
def test_without_attention_more_is_lost_the_longer_the_sentence(name: str):
    (row,) = [row for row in RESULTS.split("## Gain from attention")[1].splitlines() if row.startswith(f"| `{name}` | `en-fr-additive`")]
    shares = [float(cell.split()[0]) for cell in row.strip("|").split("|")[2:]]
    assert len(shares) == 5 and shares == sorted(shares, reverse=True) and row.count("(0.001)") == 5


def test_data_is_listed_once_with_its_licence_and_its_networks():
    cards = models.available(models.FOLDER)
    (table,) = [part for part in RESULTS.split("\n## ") if part.startswith("Training data and licences")]
    assert all(table.count(f"`{name}`") == 1 for name in cards) and table.count("CC BY-SA 3.0 and GFDL") == 1


def test_a_card_without_its_scores_is_left_out_and_named(monkeypatch, tmp_path: Path, capsys):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    loaded = save_tiny(tmp_path / "own.safetensors")
    models.checkpoint.save(loaded.module, loaded.card | {"scores": {"nats_per_character": 1.0}}, tmp_path / "bare.safetensors")
    code, out, err = call(capsys, "results")
    assert code == 0 and "|" not in out and err == "bare: its card lacks scores that the table needs; it is skipped.\n"


def test_scores_stand_beside_their_baselines():
    cards = {name: card for name, card in models.available(models.FOLDER).items() if name in ("names18-gru", "wiki-rnn")}
    text, left_out = report(cards)
    assert not left_out and "| 1.440 | 2.078 | 1.623 (6-gram) | 0.888 |" in text
    assert "| `names18-gru` | 225,042 | 2,552 | 0.844 |" in text and "| character n-grams, logistic regression (Surnames of 18" in text
    assert "BLEU" not in text


def test_seeds_give_a_mean_with_its_interval_beside_both_ngrams():
    cards = {name: dict(card) for name, card in models.available(models.FOLDER).items() if name == "names-lstm"}
    values = [0.80, 0.81, 0.82, 0.83, 0.84]  # mean 0.82, deviation 0.0158, so 2.776 * 0.0158 / sqrt(5) = 0.0196
    cards["names-lstm"]["seeds"] = [{"seed": seed, "accuracy": v, "macro_f1": v, "nats_per_name": v} for seed, v in enumerate(values)]
    grams = {"accuracy": 0.5, "macro_f1": 0.25, "nats_per_name": 1.0}
    scores = cards["names-lstm"]["scores"]
    scores["ngram_logistic"] |= grams | {"with_prior": {"power": 0.2} | {key: value / 2 for key, value in grams.items()}}
    text, left_out = report(cards)
    mean = "0.820 (0.800 to 0.840)"
    assert not left_out and f"| `names-lstm` | {mean} | {mean} | {mean} |\n| n-grams for `names-lstm` | 0.500 | 0.250 | 1.000 |" in text
    assert "| n-grams for `names-lstm`, prior to the power 0.2 | 0.250 | 0.125 | 0.500 |" in text
    del cards["names-lstm"]["seeds"][0]
    assert "by seed" not in report(cards)[0]


def test_a_cell_cannot_end_a_cell():
    table = Table("Title", "About.", ("a", "b"), [("x|y", "z")])
    assert table.markdown() == "## Title\n\nAbout.\n\n| a | b |\n| --- | --- |\n| x\\|y | z |\n"


def test_files_that_are_named_are_there():
    """A card is never rewritten, so it may name a file that has moved: what is shown names the file of today."""
    shown = [RESULTS, *(str(_checked(card)["data"]) for card in models.available(models.FOLDER).values())]
    named = {path for text in shown for path in re.findall(r"\b(?:models|explorer|pages|tests|docs)/[\w/]+\.\w+", text)}
    assert "models/scenes/data.py" in named and [path for path in named if not (ROOT / path).exists()] == []
