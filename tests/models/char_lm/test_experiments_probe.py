"""The probe of the past: a planted memory is found exactly as far back as it reaches, and the answers are those of least squares."""

import json

import numpy as np
import pytest
import torch

import models
from models.char_lm.experiments import probe
from models.char_lm.experiments.gradients import networks_of
from models.checkpoint import fingerprint
from tests.models.command_line import call
from tests.models.tiny import save_tiny, tiny

TEXT = "a [[bad]] cab [[face ab]] " * 12


def test_a_delay_line_is_found_as_far_back_as_it_holds():
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 5, 4_000)
    states = np.hstack([np.eye(5)[np.roll(ids, lag)] for lag in (0, 1, 2, 3)]) @ rng.normal(size=(20, 20))
    fit = np.arange(len(ids)) < 2_000
    shares = probe.probe(states, torch.from_numpy(ids), fit, range(1, 7))
    assert shares[:3] == [1, 1, 1], "held in the states, mixed by a matrix"
    assert max(shares[3:]) < 0.3, "random characters beyond the delay line are guessed"
    assert probe.most_frequent(torch.tensor([0, 1, 1, 2, 1, 1, 0, 0]), np.arange(8) < 4) == 0.5


def test_the_answers_are_those_of_least_squares():
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 4, 900)
    states = np.eye(4)[np.roll(ids, 2)] + 0.8 * rng.normal(size=(900, 4))
    fit, longest = np.arange(900) < 500, 3
    padded = np.hstack([(states - states[:500].mean(0)) / states[:500].std(0, ddof=1), np.ones((900, 1))])
    for lag, share in zip((1, 2, 3), probe.probe(states, torch.from_numpy(ids), fit, range(1, 4)), strict=True):
        targets = np.eye(4)[ids[longest - lag : 500 - lag]]
        gram = padded[longest:500].T @ padded[longest:500]
        weights = np.linalg.solve(gram + probe.RIDGE * np.diag(gram).mean() * np.eye(5), padded[longest:500].T @ targets)
        answers = (padded[500 + longest :] @ weights).argmax(1)
        assert share == pytest.approx((answers == ids[500 + longest - lag : 900 - lag]).mean(), abs=0.006)


def test_from_a_text_to_the_file_that_the_page_reads(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    for kind in ("gru", "lstm"):
        save_tiny(tmp_path / f"wiki-{kind}.safetensors", cell=kind)
    (tmp_path / "dev.txt").write_text(TEXT)
    code, out, err = call(capsys, "measure", "wiki", "probe", "--data", tmp_path / "dev.txt")
    assert code == 0 and "wiki-gru, trained: 1 back " in out and "wiki-probe.json" in err
    measured = json.loads((tmp_path / "wiki-probe.json").read_text())
    assert set(measured["networks"]["wiki-gru"]) == {"weights", "trained", "untrained"}
    assert set(measured["networks"]["wiki-lstm"]) == {"weights", "trained", "untrained", "cell state"}
    assert measured["networks"]["wiki-gru"]["weights"] == fingerprint(tiny("gru"))
    assert measured["lags"] == list(range(1, 51)) and measured["fitted"] + measured["scored"] == len(TEXT)
    assert len(measured["networks"]["wiki-lstm"]["cell state"]) == 50


def test_the_shipped_file_is_of_the_networks_that_ship():
    measured = json.loads((models.FOLDER / "wiki-probe.json").read_text())
    assert set(measured["networks"]) == set(networks_of("wiki"))
    for name, about in measured["networks"].items():
        assert about["weights"] == fingerprint(models.load(name, models.FOLDER)), f"{name}: run `python -m models measure wiki probe`"
