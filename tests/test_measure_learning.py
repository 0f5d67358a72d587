"""The command that measures live training: it trains what the page trains and writes what it found."""

import json
import sys

from models.memory_tasks import length_generalisation, truncated_bptt
from models.memory_tasks.network import Setup, job, recipe, scores
from models.training import Trainer
from tests import measure_learning


def test_it_measures_what_the_page_trains(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(length_generalisation, "UPDATES", 2)
    monkeypatch.setattr(truncated_bptt, "UPDATES", 2)
    file = tmp_path / "found.json"
    given = "--lengths 10 --kinds rnn --seeds 2 --units 4 --updates 8 --studies"
    monkeypatch.setattr(sys, "argv", ["measure_learning", *given.split(), "--file", str(file)])
    measure_learning.main()
    found = json.loads(file.read_text())
    (row,) = found["trainings"]
    setup = Setup(kind="rnn", length=10, units=4, updates=8, seed=2)
    begun = job(setup, lambda module: 0.0)
    Trainer(begun, recipe(setup), None).run()
    loss, accuracy = scores(begun.module.eval(), setup)
    assert (row["accuracy"], row["loss"], row["chance"]) == (round(accuracy, 4), round(loss, 5), 0.25)
    assert row["reached"][0] < 0 and json.loads(capsys.readouterr().out.splitlines()[0]) == row
    study = found["studies"]["2"]
    assert (
        set(study["lengths"]) == {*length_generalisation.NETWORKS, "seconds"}
        and len(study["windows"]["state carried over borders"]) == truncated_bptt.FAR
    )
