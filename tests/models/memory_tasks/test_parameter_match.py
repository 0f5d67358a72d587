"""Equal parameters: they are counted as torch counts them, the wider RNN comes nearest, and the best learning rate counts."""

import json
import math
from dataclasses import replace

import pytest

from models.memory_tasks import parameter_match
from models.memory_tasks.network import Setup, learner, matched, parameters
from models.memory_tasks.parameter_match import Options, accuracy, answer, best_rate, reached
from models.memory_tasks.tasks import TASKS
from tests.models.command_line import call


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("task", TASKS)
def test_parameters_are_those_of_the_network(task: str, kind: str):
    setup = Setup(task, kind, 20, 7)
    assert parameters(setup) == sum(math.prod(weights.shape) for weights in learner(setup).parameters())


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("units", [8, 32, 64])
def test_the_wider_rnn_has_as_many_parameters_as_whole_units_allow(task: str, units: int):
    lstm = Setup(task, "lstm", 20, units)
    rnn = matched(lstm)
    wider, narrower = (replace(rnn, units=rnn.units + more) for more in (1, -1))
    assert rnn == replace(lstm, kind="rnn", units=rnn.units) and parameters(narrower) < parameters(lstm) < parameters(wider)
    assert all(abs(parameters(rnn) - parameters(lstm)) <= abs(parameters(other) - parameters(lstm)) for other in (wider, narrower))


def test_the_rate_with_the_highest_mean_counts_for_all_seeds(monkeypatch):
    by_seed = {(1e-3, 1): 1.0, (1e-3, 2): 0.2, (3e-3, 1): 0.7, (3e-3, 2): 0.7}
    monkeypatch.setattr(parameter_match, "accuracy", lambda setup, rate: by_seed[rate, setup.seed])
    best = best_rate(Setup(), Options(seeds=[1, 2], rates=[1e-3, 3e-3]))
    assert best == {"rate": 3e-3, "accuracy": [0.7, 0.7], "mean_by_rate": {"0.001": 0.6, "0.003": 0.7}}


def test_the_answer_compares_means_at_the_longest_length():
    def row(kind: str, units: int, length: int, *accuracy: float) -> dict:
        return {"kind": kind, "units": units, "parameters": 9, "length": length, "rate": 0.1, "accuracy": list(accuracy)}

    for wide, is_ahead in ((0.5, True), (0.65, False), (0.9, False)):
        measured = {"rows": [row("lstm", 8, 10, 0.1), row("rnn", 16, 20, wide), row("rnn", 8, 20, 0.2, 0.4), row("lstm", 8, 20, 0.5, 0.9)]}
        one = answer(reached(measured))
        assert (one.lstm.mean, one.wide.mean, one.small.mean) == pytest.approx((0.7, wide, 0.3)) and one.is_ahead is is_ahead


def test_it_measures_all_three_networks_and_writes_what_it_prints(tmp_path, capsys):
    file = tmp_path / "parameters.json"
    options = "--lengths 10 --lengths 12 --seeds 2 --seeds 3 --rates 0.003 --units 4 --updates 6"
    code, out, _ = call(capsys, "measure", "memory_tasks", "parameters", *options.split(), "--file", file)
    measured, lstm = json.loads(file.read_text()), Setup("temporal order", "lstm", 10, 4, 6)
    assert code == 0 and [json.loads(line) for line in out.splitlines() if line.startswith("{")][:6] == measured["rows"]
    assert [(row["kind"], row["units"], row["length"]) for row in measured["rows"]] == [
        *(("rnn", 4, length) for length in (10, 12)),
        *(("rnn", matched(lstm).units, length) for length in (10, 12)),
        *(("lstm", 4, length) for length in (10, 12)),
    ]
    wanted = [accuracy(replace(lstm, length=12, seed=seed), 3e-3) for seed in (2, 3)]
    assert measured["rows"][-1]["accuracy"] == wanted and (measured["chance"], measured["updates"]) == (0.25, 6)
