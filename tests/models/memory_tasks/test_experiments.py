"""Live training: each look agrees with autograd, a training is followed to its end, and `measure memory_tasks` keeps its results."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from explorer.analysis.training_curve import Course
from models.memory_tasks import experiments, length_generalisation, truncated_bptt
from models.memory_tasks.network import Setup, job, learner, recipe, scores
from models.training import Trainer
from tests.models.command_line import call


def test_a_look_agrees_with_autograd_on_the_plain_module():
    setup = Setup("temporal order", "gru", 10, 8)
    module, probes = learner(setup), experiments.PROBES
    (x, wanted), (many, answers) = (setup.what.draw(count, 10, torch.Generator().manual_seed(2**31)) for count in (probes, 500))
    seen = experiments.look(module, setup, 0)
    curves = []
    for row in range(probes):
        state, states = None, []
        for step in range(10):
            _, state = module.rnn(x[row : row + 1, step : step + 1], state)
            state.retain_grad()
            states.append(state)
        torch.nn.functional.cross_entropy(module.readout(state[0]), wanted[row]).backward()
        norms = np.array([float(state.grad.norm()) for state in states[::-1]])
        curves.append(np.log10(norms / norms[0]))
    np.testing.assert_allclose(seen.gradient_log10, np.median(curves, axis=0), atol=1e-4)
    out = module(many)[0][:, -1]
    assert seen.loss == pytest.approx(torch.nn.functional.cross_entropy(out, answers[:, 0]).item(), rel=1e-5)
    assert seen.accuracy == pytest.approx((out.argmax(1) == answers[:, 0]).double().mean().item())


def test_a_training_is_measured_from_before_its_first_update_to_its_last():
    courses: list[Course] = []
    reports: list[tuple[int, int]] = []
    setups = [Setup(kind=kind, length=10, units=4, updates=20, looks=4) for kind in ("rnn", "lstm")]
    experiments.in_turn([(setup, setup.kind, courses.append) for setup in setups])(lambda *report: reports.append(report))
    assert [look.update for look in courses[4].looks] == [0, 5, 10, 15, 20] and courses[4].name == "rnn"
    assert [len(course.looks) for course in courses] == [1, 2, 3, 4, 5] * 2 and courses[-1].seconds > 0
    assert reports == [(done, 40) for done in range(1, 41)]


def test_a_pause_does_not_count_as_training_time(monkeypatch):
    """On a clock of its own: a look takes 10 seconds, an update 2, and after each update there is a pause of 1,000."""
    now = [0.0]

    def passing(seconds: float, act):
        def timed(*args):
            now[0] += seconds
            return act(*args)

        return timed

    monkeypatch.setattr(experiments, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(experiments, "look", passing(10, experiments.look))
    monkeypatch.setattr(Trainer, "_step", passing(2, Trainer._step))
    courses: list[Course] = []
    setup = Setup(length=10, units=4, updates=4, looks=2)
    experiments.train(setup, "LSTM", courses.append, passing(1_000, lambda done, total: None))
    assert [course.seconds for course in courses] == [10, 10 + 2 * 2 + 10, 10 + 4 * 2 + 20] and now[0] == 4038


def test_it_measures_what_the_page_trains(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(length_generalisation, "UPDATES", 2)
    monkeypatch.setattr(truncated_bptt, "UPDATES", 2)
    file = tmp_path / "measured.json"
    options = "--lengths 10 --kinds rnn --seeds 2 --units 4 --updates 8 --studies"
    code, out, _ = call(capsys, "measure", "memory_tasks", "learning", *options.split(), "--file", file)
    measured = json.loads(file.read_text())
    (row,) = measured["trainings"]
    setup = Setup(kind="rnn", length=10, units=4, updates=8, seed=2)
    begun = job(setup, lambda module: 0.0)
    Trainer(begun, recipe(setup), None).run()
    loss, accuracy = scores(begun.module.eval(), setup)
    assert (row["accuracy"], row["loss"], row["chance"]) == (round(accuracy, 4), round(loss, 5), 0.25)
    assert row["reached"][0] < 0 and code == 0 and json.loads(out.splitlines()[0]) == row
    study = measured["studies"]["2"]
    assert set(study["lengths"]) == {*length_generalisation.NETWORKS, "seconds"}
    assert len(study["windows"]["state carried over"]) == truncated_bptt.FAR


def test_an_unknown_kind_is_refused(capsys):
    code, out, err = call(capsys, "measure", "memory_tasks", "--kinds", "cnn")
    assert code == 1 and not out and "no network of kind 'cnn'. Known: rnn, lstm, gru" in err
