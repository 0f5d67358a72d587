"""Quantities, memory time, similarity, orders, saturation, ledger, contexts: worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import explorer
from explorer.analysis.contexts import LEVELS, highest, lowest, quantile_samples
from explorer.analysis.ledger import ledger, withheld
from explorer.analysis.ordering import clustered, order, orders, similarity, similarity_order
from explorer.analysis.quantities import memory_time, memory_time_meaning, quantities, quantity, variance
from explorer.analysis.saturation import gate_saturation, open_means, saturable
from explorer.errors import AnalysisError, RecordingError
from tests.benchmarks.measure import interleaved
from tests.explorer.traces import gru_trace, lstm_trace, rnn_trace

# quantities


def test_quantities_of_each_kind_lead_with_the_one_to_look_at():
    assert quantities(lstm_trace()) == ("tanh(cell)", "cell", "hidden", "input", "forget", "candidate", "output")
    assert quantities(gru_trace()) == ("hidden", "reset", "update", "candidate")
    assert quantities(rnn_trace()) == ("hidden", "candidate")


def test_each_quantity_is_the_one_named():
    trace = lstm_trace()
    assert np.array_equal(quantity(trace, "cell", 1), trace.cell[:, 1])
    assert np.array_equal(quantity(trace, "tanh(cell)", 1), np.tanh(trace.cell[:, 1]))
    assert np.array_equal(quantity(trace, "hidden", 0), trace.hidden[:, 0])
    assert np.array_equal(quantity(trace, "forget", 1), trace.gates["forget"][:, 1])
    assert quantity(replace(trace, hidden=trace.hidden.astype(np.float64)), "hidden", 0).dtype == np.float32


def test_missing_quantities_and_layers_are_told():
    with pytest.raises(AnalysisError, match=r"^This record has no 'cell'; it has hidden, reset, update, candidate\.$"):
        quantity(gru_trace(), "cell", 0)
    with pytest.raises(AnalysisError, match=r"^There is no layer 2; this record has 2 layers, 0 to 1\.$"):
        quantity(lstm_trace(), "hidden", 2)
    with pytest.raises(AnalysisError, match="1 layer, number 0"):
        quantity(gru_trace(), "hidden", -1)


# units


def test_variance():
    assert variance(np.array([[0.0, 1.0], [2.0, 1.0]])).tolist() == [1.0, 0.0]


def with_gate(trace, name: str, columns: list[list[float]]):
    """The record with one gate replaced in its first layer: one list of values over time for each unit."""
    gates = dict(trace.gates)
    gates[name] = gates[name].copy()
    gates[name][:, 0] = np.array(columns, np.float32).T
    return replace(trace, gates=gates)


def test_memory_time_by_hand():
    trace = with_gate(lstm_trace(time=2), "forget", [[0.9, 0.9], [0.5, 1.0], [1.0, 1.0]])
    tau = memory_time(trace, 0)
    assert tau[:2] == pytest.approx([-1 / np.log(0.9), -2 / np.log(0.5)], rel=1e-6)
    assert tau[2] == np.inf
    assert memory_time(with_gate(trace, "forget", [[0.9, 0.0], [1, 1], [1, 1]]), 0)[0] == 0


def test_a_gate_open_half_the_time_can_still_forget_fast():
    """The sentence that saturation must not be read as: 90 % of steps at 1, and a memory of ten steps."""
    trace = with_gate(lstm_trace(time=10), "forget", [[1.0] * 9 + [0.3679]] * 3)
    assert gate_saturation(trace, "forget").open[0, 0] == 0.9
    assert memory_time(trace, 0)[0] == pytest.approx(10, rel=1e-3)


def test_memory_time_of_a_gru_reads_the_update_gate_and_an_rnn_has_none():
    gru = with_gate(gru_trace(time=2), "update", [[0.5, 0.5], [0.9, 0.9], [0.1, 0.1]])
    assert memory_time(gru, 0) == pytest.approx([-1 / np.log(p) for p in (0.5, 0.9, 0.1)], rel=1e-6)
    assert "update gate" in memory_time_meaning(gru) and "forget gate" in memory_time_meaning(lstm_trace())
    assert memory_time(rnn_trace(), 0) is None
    assert "no memory time" in memory_time_meaning(rnn_trace())


def test_similarity_ignores_sign_and_still_units():
    up = np.array([0.0, 1, 2, 3])
    values = np.stack([up, -2 * up + 5, np.array([1.0, -1, -1, 1]), np.full(4, 7.0)], axis=1)
    distance = similarity(values)
    assert distance[0, 1] == pytest.approx(0, abs=1e-12)
    assert distance[0, 2] == pytest.approx(1)
    assert distance[3].tolist() == [1, 1, 1, 0]


def test_similarity_order_puts_alike_units_together():
    rng = np.random.default_rng(1)
    themes = rng.normal(size=(200, 3))
    of = np.array([0, 1, 2] * 5)
    values = themes[:, of] * rng.choice([-1, 1], 15) + 0.1 * rng.normal(size=(200, 15))
    arranged = similarity_order(values)
    assert sorted(arranged) == list(range(15))
    assert (np.diff(of[arranged]) != 0).sum() == 2  # three runs of five


def test_points_on_a_line_are_lined_up():
    points = np.array([7.0, 0, 4.4, 1, 10, 3, 4])
    arranged = points[clustered(np.abs(points[:, None] - points))]
    assert arranged.tolist() in (sorted(points), sorted(points, reverse=True))


def test_order_of_512_units_takes_no_more_than_some_sorts_of_their_correlations():
    values = np.random.default_rng(0).normal(size=(300, 512)).astype(np.float32)
    ratio = interleaved(lambda: similarity_order(values), lambda: np.sort(np.corrcoef(values.T), axis=0), 3)
    assert ratio < 11  # about 1.7


@pytest.mark.parametrize("units", [0, 1, 2])
def test_order_of_very_few_units(units: int):
    assert similarity_order(np.ones((3, units))).tolist() in ([], [0], [0, 1], [1, 0])


def test_orders():
    trace = with_gate(lstm_trace(time=2, units=4), "forget", [[0.5] * 2, [0.99] * 2, [0.9] * 2, [0.51] * 2])
    by_memory = order(trace, 0, "memory time").tolist()
    assert by_memory[:2] == [1, 2] and sorted(by_memory[2:]) == [0, 3]
    assert order(trace, 0, "index").tolist() == [0, 1, 2, 3]
    lively = variance(quantity(trace, "tanh(cell)", 0))
    assert order(trace, 0, "variance").tolist() == sorted(range(4), key=lambda u: -lively[u])
    assert order(trace, 0, "variance", of="hidden").tolist() == sorted(range(4), key=lambda u: -variance(quantity(trace, "hidden", 0))[u])
    assert sorted(order(trace, 1, "similarity").tolist()) == [0, 1, 2, 3]
    assert orders(rnn_trace()) == ("similarity", "variance", "index")
    with pytest.raises(AnalysisError, match=r"'memory time'; expected one of similarity, variance, index\. A plain RNN has no gate"):
        order(rnn_trace(), 0, "memory time")


def test_units_of_one_memory_band_stand_by_similarity():
    trace = with_gate(lstm_trace(time=50, units=6), "forget", [[0.9] * 50] * 6)
    assert order(trace, 0, "memory time").tolist() == order(trace, 0, "similarity").tolist()


# saturation


def test_saturation_counts_steps_strictly_beyond_the_limits():
    trace = with_gate(lstm_trace(time=4), "input", [[0.0, 0.05, 0.5, 0.95], [0.125, 0.875, 0.5, 0.5], [1, 1, 1, 0]])
    saturation = gate_saturation(trace, "input")
    assert saturation.shut[0].tolist() == [0.5, 0, 0.25]
    assert saturation.open[0].tolist() == [0.25, 0, 0.75]
    exactly = gate_saturation(trace, "input", 0.125, 0.875)
    assert exactly.shut[0, 1] == 0 and exactly.open[0, 1] == 0
    assert (saturation.shut + saturation.open <= 1).all()


def test_saturation_refuses_what_has_no_shut_end():
    assert saturable(lstm_trace()) == ("input", "forget", "output")
    with pytest.raises(AnalysisError, match=r"'candidate' lies in -1\.\.1 and is not a sigmoid gate"):
        gate_saturation(lstm_trace(), "candidate")
    with pytest.raises(RecordingError, match=r"no gate 'forget'; it has reset, update\.$"):
        gate_saturation(gru_trace(), "forget")
    with pytest.raises(RecordingError, match="a plain RNN has no gates"):
        gate_saturation(replace(rnn_trace(), gates={}), "forget")
    with pytest.raises(AnalysisError, match=r"The limits are 0\.9 and 0\.1; expected 0 <= low < high <= 1\."):
        gate_saturation(lstm_trace(), "forget", 0.9, 0.1)
    assert "keeps the old state" in open_means("update") and "keeps the cell" in open_means("forget")


# ledger


def test_an_lstm_ledger_adds_up_to_the_cell_and_shows_the_hidden_state():
    trace = lstm_trace()
    for layer in (0, 1):
        parts = ledger(trace, layer)
        assert np.array_equal(parts.kept + parts.written, trace.cell[:, layer])
        assert np.array_equal(parts.shown, trace.hidden[:, layer])
        assert np.array_equal(parts.kept[0], trace.gates["forget"][0, layer] * trace.initial_cell[layer])


def test_an_open_input_gate_with_a_zero_candidate_writes_nothing():
    trace = with_gate(with_gate(lstm_trace(time=2), "input", [[1, 1]] * 3), "candidate", [[0, 0.5]] * 3)
    assert ledger(trace, 0).written[:, 0].tolist() == [0, 0.5]


def test_a_unit_withholds_what_it_remembers_behind_a_shut_output_gate():
    trace = lstm_trace(time=4)
    cell = np.zeros_like(trace.cell)
    cell[:, 0, 0] = [1.0, 1.0, 0.2, -1.0]  # tanh(1) = 0.76, tanh(0.2) = 0.2
    hidden = np.zeros_like(trace.hidden)
    hidden[:, 0, 0] = [0.05, 0.5, 0.0, -0.09]
    assert withheld(replace(trace, cell=cell, hidden=hidden), 0)[:, 0].tolist() == [True, False, False, True]
    with pytest.raises(AnalysisError, match=r"^Only an LSTM has a cell state beside its hidden state; this record has none\.$"):
        withheld(gru_trace(), 0)


def test_a_gru_ledger_adds_up_to_the_hidden_state():
    trace = gru_trace()
    parts = ledger(trace, 0)
    assert np.array_equal(parts.kept + parts.written, trace.hidden[:, 0])
    assert np.array_equal(parts.kept[0], trace.gates["update"][0, 0] * trace.initial_hidden[0])


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_the_ledger_of_a_path_that_reads_from_the_end_adds_up(kind: type[nn.LSTM | nn.GRU]):
    torch.manual_seed(0)
    module = kind(3, 4, bidirectional=True, batch_first=True)
    with explorer.record(module) as recording:
        module(torch.randn(1, 6, 3))
    trace = recording.trace("abcdef", path=recording.paths[1])
    parts = ledger(trace, 0)
    assert trace.is_reverse
    np.testing.assert_allclose(parts.kept + parts.written, trace.hidden[:, 0] if trace.cell is None else trace.cell[:, 0], atol=1e-6)


def test_a_plain_rnn_keeps_nothing_and_incomplete_records_are_told():
    parts = ledger(rnn_trace(), 0)
    assert not parts.kept.any() and np.array_equal(parts.written, rnn_trace().hidden[:, 0])
    gates = {name: values for name, values in lstm_trace().gates.items() if name != "candidate"}
    with pytest.raises(AnalysisError, match=r"this record lacks candidate\.$"):
        ledger(replace(lstm_trace(), gates=gates), 0)


# contexts


def test_highest_and_lowest_keep_their_distance():
    values = np.array([0, 9, 10, 9, 0, 0, 5, 2, -7, -8.0])
    tokens = tuple("abcdefghij")
    assert [(c.position, c.value) for c in highest(values, tokens, count=2, apart=4)] == [(2, 10), (6, 5)]
    assert [c.position for c in highest(values, tokens, count=2, apart=5)] == [2, 7]
    assert [c.position for c in lowest(values, tokens, count=1)] == [9]
    assert [c.value for c in highest(np.array([0.9, 0.8, 0.1, -1.0]), "abcd", apart=1)] == [0.9, 0.8, 0.1]  # -1 is no high one
    assert [c.value for c in lowest(np.array([0.9, 0.8, 0.1, -1.0]), "abcd", apart=1)] == [-1.0]
    first = highest(values, tokens, count=1)[0]
    assert (first.before, first.token, first.after) == ("ab", "c", "defghij")


def test_every_pair_of_contexts_is_twenty_apart():
    values = np.sin(np.arange(500) / 3)
    places = [c.position for c in highest(values, "x" * 500)]
    assert len(places) == 10 and min(abs(a - b) for i, a in enumerate(places) for b in places[:i]) >= 20


def test_quantile_samples_come_from_their_quantile():
    values = np.random.default_rng(0).permutation(1000).astype(np.float32)
    samples = quantile_samples(values, "x" * 1000, per_level=3)
    assert tuple(samples) == LEVELS
    for level, places in samples.items():
        assert len(places) == 3
        assert all(abs(c.value - 1000 * level) <= 26 for c in places)
    assert quantile_samples(values, "x" * 1000, seed=1) != quantile_samples(values, "x" * 1000, seed=2)
    assert quantile_samples(values[:1], "x")[0.5][0].position == 0
    assert quantile_samples(values[:0], "")[0.5] == []


def test_values_and_tokens_must_fit():
    with pytest.raises(AnalysisError, match="There are 3 values and 2 tokens"):
        highest(np.zeros(3), "ab")
