"""The figures of units: saturation of all, one over a window, and the ranking by a track."""

import json

import numpy as np
import pytest

from explorer.analysis.ledger import withheld
from explorer.analysis.saturation import gate_saturation
from explorer.errors import AnalysisError
from explorer.figures.saturation import saturation
from explorer.figures.unit import cell_and_hidden, gates_and_ledger, histogram, ranking
from tests.explorer.figures.facts import says
from tests.explorer.figures.figure_examples import EXAMPLES, WIDE, planted, rows, texts
from tests.explorer.traces import gru_trace, rnn_trace

# saturation


def test_saturation_has_a_dot_for_each_unit_and_one_selection():
    spec = EXAMPLES["saturation.saturation"](False).to_dict()
    assert [panel["title"]["text"] for panel in spec["concat"]] == ["input gate", "forget gate", "output gate"]
    dots = spec["datasets"][spec["concat"][1]["layer"][1]["data"]["name"]]
    expected = gate_saturation(WIDE, "forget")
    assert {(d["layer"], d["unit"]): (d["shut"], d["open"]) for d in dots} == {
        (layer, unit): (expected.shut[layer, unit], expected.open[layer, unit]) for layer in range(2) for unit in range(4)
    }
    assert [(d["layer"], d["unit"]) for d in dots if d["ringed"]] == [(1, 2)]
    limit = spec["datasets"][spec["concat"][0]["layer"][0]["data"]["name"]]
    assert [p["shut"] + p["open"] for p in limit] == [1, 1]
    (selection,) = spec["params"]
    assert selection["name"] == "unit" and selection["select"]["fields"] == ["layer", "unit"]
    assert selection["views"] == [panel["layer"][1]["name"] for panel in spec["concat"]]


def test_saturation_without_a_gate():
    with pytest.raises(AnalysisError, match="no gate to show"):
        saturation([])


# one unit


def test_histogram_counts_every_value():
    spec = EXAMPLES["unit.histogram"](False).to_dict()
    bins = rows(spec, "from", "characters")
    assert sum(b["characters"] for b in bins) == 50 and (bins[0]["from"], bins[-1]["to"]) == (-1, 1)
    assert rows(histogram(np.array([-5.0, 7.0]), "cell", 0.0).to_dict(), "to")[-1]["to"] == 7
    assert says(spec["description"], "unit", "1", "50", "-0.96", "0.96", "0.00")
    with pytest.raises(AnalysisError, match="text is empty"):
        histogram(np.zeros(0), "cell")


def test_gates_and_ledger_show_the_window():
    figure = gates_and_ledger(WIDE, 1, 2, (3, 13))
    spec = figure.to_dict()
    names = [spec["datasets"][panel["layer"][1]["data"]["name"]] for panel in spec["vconcat"]]
    assert {r["series"] for r in names[0]} == set(WIDE.gates) and {r["series"] for r in names[1]} == {"kept", "written", "shown"}
    value = {(r["series"], r["position"]): r["value"] for r in [*names[0], *names[1]]}
    assert {position for _, position in value} == set(range(3, 13))
    assert value["forget", 5] == pytest.approx(WIDE.gates["forget"][5, 1, 2])
    assert value["kept", 5] + value["written", 5] == pytest.approx(WIDE.cell[5, 1, 2], abs=1e-6)
    assert value["shown", 12] == pytest.approx(WIDE.hidden[12, 1, 2])
    assert spec["resolve"]["scale"] == {"color": "independent", "strokeDash": "independent"}
    for name in ("forget", "candidate", "kept", "shown"):
        assert f">{name}</text>" in texts(figure)  # labels at the line ends
    assert "legend" not in json.dumps(spec["vconcat"]).replace('"legend": null', "")


def test_gates_and_ledger_of_other_kinds_and_their_refusals():
    assert len(gates_and_ledger(gru_trace(), 0, 1).to_dict()["vconcat"]) == 2
    assert "a plain RNN keeps no part" in json.dumps(gates_and_ledger(rnn_trace(), 0, 1).to_dict())
    for call, sentence in (
        ((WIDE, 0, 4), "There is no unit 4; this layer has 4, 0 to 3"),
        ((WIDE, 0, 0, (5, 5)), "window 5..5"),
        ((WIDE, 2, 0), "no layer 2"),
    ):
        with pytest.raises(AnalysisError, match=sentence):
            gates_and_ledger(*call)


def test_cell_and_hidden_state_are_drawn_with_the_gate_between_them():
    figure = cell_and_hidden(WIDE, 1, 2, (3, 13))
    value = {(r["series"], r["position"]): r["value"] for r in rows(figure.to_dict(), "series", "position")}
    assert {position for _, position in value} == set(range(3, 13))
    for at in range(3, 13):
        assert value["tanh(c)", at] == pytest.approx(np.tanh(WIDE.cell[at, 1, 2]))
        assert value["h", at] == pytest.approx(value["output gate", at] * value["tanh(c)", at], abs=1e-6)
    for name in ("tanh(c)", "output gate", "h"):
        assert f">{name}</text>" in texts(figure)
    assert says(figure.to_dict()["description"], "unit 2", "layer 2", "4 to 13", f"{withheld(WIDE, 1)[3:13, 2].mean():.0%}")
    with pytest.raises(AnalysisError, match="Only an LSTM has a cell state"):
        cell_and_hidden(gru_trace(), 0, 1)
    with pytest.raises(AnalysisError, match="There is no unit 4"):
        cell_and_hidden(WIDE, 0, 4)


# ranking


def test_ranking_bars_carry_held_out_scores_and_baselines():
    ranked = planted()
    spec = ranking(ranked, names=[f"L0 {u}" for u in range(12)], top=4).to_dict()
    bars = rows(spec, "name", "clears")
    assert [b["unit"] for b in bars] == ranked.order[:4].tolist() and bars[0] == {
        "unit": 3, "name": "L0 3", "r": pytest.approx(ranked.r[3]), "clears": True,
    }  # fmt: skip
    assert not bars[-1]["clears"]
    rules = rows(spec, "baseline")
    best = max((ranked.baselines[name].r, name) for name in ranked.baselines if name.startswith("last"))[1]
    assert {r["baseline"]: r["r"] for r in rules} == {
        name: pytest.approx(ranked.baselines[name].r) for name in ("chance", "untrained", best)
    }
    assert ranked.verdict() in spec["description"]
    (selection,) = spec["params"]
    assert selection["name"] == "unit" and selection["select"]["fields"] == ["unit"]
