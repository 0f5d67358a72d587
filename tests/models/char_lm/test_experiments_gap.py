"""Gap and gradients: bands by hand, probabilities as the plain module gives them, from a text to the file that the page reads."""

import json

import numpy as np
import pytest
import torch

from models import ngram
from models.char_lm.experiments import gap
from models.checkpoint import fingerprint
from tests.models.command_line import call
from tests.models.tiny import LETTERS, save_tiny, tiny

TEXT = "a [[bad]] cab [[face ab]] " * 12


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    save_tiny(tmp_path / "wiki-gru.safetensors", cell="gru")
    vocab = tiny().vocab
    ngram.save(ngram.fit(TEXT, vocab, 3), {"data": {}}, tmp_path / "wiki-ngram.safetensors")
    (tmp_path / "dev.txt").write_text(TEXT)
    return tmp_path


def test_bands_by_hand():
    distances, p = np.array([2, 5, 6, 7, 300]), np.array([0.1, 0.3, 0.5, 0.5, 0.9])
    first, second = gap.means(distances, p)
    assert (first["from"], first["to"], first["n"], first["p"]) == (2, 5, 2, 0.2)
    assert (second["n"], second["p"], second["low"], second["high"]) == (2, 0.5, 0.5, 0.5)
    assert 0.1 <= first["low"] <= 0.2 <= first["high"] <= 0.3


def test_probabilities_are_those_of_the_module_and_of_the_counts(folder, capsys):
    code, out, err = call(capsys, "measure", "wiki", "gap", "--data", folder / "dev.txt")
    measured = json.loads((folder / "wiki-gap.json").read_text())
    assert code == 0 and "wiki-gru 2-5: " in out and "wiki-gap.json" in err
    assert measured["marks"] == 24 and set(TEXT) <= set(LETTERS)
    loaded, positions = tiny(cell="gru"), [at for at in range(1, len(TEXT)) if TEXT[at : at + 2] == "]]"]
    ids = torch.tensor([loaded.vocab.encode(TEXT)])
    p = loaded.module(ids)[0][0].softmax(-1)
    one = [float(p[at - 1, ids[0, at]]) for at in positions]
    assert [band["p"] for band in measured["bands"]["wiki-gru"]] == pytest.approx([np.mean(one[::2]), np.mean(one[1::2])], abs=6e-5)
    assert list(measured["bands"]) == ["wiki-gru", "3-gram"], "the best order"
    counts = ngram.load("wiki")
    assert counts is not None
    one = [counts.shares(TEXT[:at])[loaded.vocab.encode("]")[0]] for at in positions]
    assert [band["p"] for band in measured["bands"]["3-gram"]] == pytest.approx([np.mean(one[::2]), np.mean(one[1::2])], abs=6e-5)


@pytest.mark.parametrize("rows", [1, 3, 7])
def test_stretches_side_by_side_cost_what_the_whole_text_costs(monkeypatch, rows: int):
    monkeypatch.setattr(gap, "BEFORE", 120)
    monkeypatch.setattr(gap, "CALL", 50)
    loaded, text = tiny(cell="gru"), TEXT[:301]
    ids = torch.tensor(loaded.vocab.encode(text))
    whole = torch.nn.functional.cross_entropy(loaded.module(ids[None, :-1])[0][0], ids[1:], reduction="none")
    np.testing.assert_allclose(gap.costs_of(loaded, text, rows)[1:], whole.numpy(), atol=1e-3)


def test_how_far_gradients_reach_is_measured_and_written(folder, capsys):
    (folder / "dev.txt").write_text(TEXT * 6)
    command = ["measure", "wiki-gru", "gradients", "--data", folder / "dev.txt", "--windows", 2, "--losses", 2]
    code, dry, _ = call(capsys, *command, "--dry", "--json")
    assert code == 0 and not (folder / "wiki-gradients.json").exists()
    call(capsys, *command)
    measured = json.loads((folder / "wiki-gradients.json").read_text())
    assert measured == json.loads(dry)
    measured = measured["wiki-gru"]
    assert set(measured["runs"]) == {"trained", "untrained"} and measured["losses"] == 4
    layer = measured["runs"]["trained"][1]
    assert layer["median"][0] == 0 and len(layer["median"]) == 201
    lag = layer["lags"]["1/100"][1]
    assert lag is None or layer["low"][lag] <= -1.9
    assert measured["weights"] == fingerprint(tiny(cell="gru")) != fingerprint(tiny(cell="gru", seed=1))
