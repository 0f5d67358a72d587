"""What assumes a carried state stops where it was reset or changed, or says so: ledger, memory time, Jacobians, figures."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import explorer
from explorer.analysis.ledger import ledger
from explorer.analysis.quantities import memory_time_meaning
from explorer.errors import AnalysisError
from explorer.figures.unit import cell_and_hidden, gates_and_ledger
from explorer.gradients.contributions import direct_path
from explorer.gradients.jacobians import Jacobians
from explorer.recording.preactivations import cell_step
from explorer.textbook.bptt import lstm_nodes
from tests.explorer.errors import refused
from tests.explorer.traces import gru_trace, lstm_trace


def changing(family, layers: int = 1):
    """A stacked network called in two pieces, its state halved in between; the state before and after the change."""
    torch.manual_seed(0)
    module, x = family(3, 4, layers).double(), torch.randn(6, 3).double()
    with explorer.record(module, gradients=True) as recording:
        _, state = module(x[:3])
        given = tuple(part * 0.5 for part in state) if isinstance(state, tuple) else state * 0.5
        out, _ = module(x[3:], given)
    return module, recording, out, given


@pytest.mark.parametrize("family", [nn.LSTM, nn.GRU])
def test_a_ledger_counts_what_was_left_of_the_state_that_a_step_got(family):
    _, recording, _, given = changing(family)
    trace = recording.trace("abcdef", calls=slice(None))
    assert list(trace.breaks) == [3]
    book, keeps = ledger(trace, 0), trace.gates["forget" if family is nn.LSTM else "update"][3, 0]
    got = (given[1] if family is nn.LSTM else given)[0].detach().numpy()
    np.testing.assert_allclose(book.kept[3], keeps * got, atol=1e-6)
    np.testing.assert_allclose(book.kept + book.written, book.state, atol=1e-6)


def test_memory_time_says_where_it_does_not_hold():
    for trace in (lstm_trace(), gru_trace()):
        cut = replace(trace, carried=np.array([True, True, False, True, False, True]))
        more = " It counts the gates alone: the model reset or changed the state before 2 of 6 steps."
        assert memory_time_meaning(cut) == memory_time_meaning(trace) + more


def test_jacobians_and_the_direct_path_end_where_the_state_was_changed():
    _, recording, out, _ = changing(nn.LSTM)
    jacobians = Jacobians(recording, "abcdef", calls=slice(None))
    assert len(jacobians.norms(5, [1, 2]).log10) == 2
    past = "Distances up to 3 from step 5 pass step 3, before which the state was reset or changed: expected at most 2."
    with refused(past):
        jacobians.norms(5, [1, 3])
    path = direct_path(recording, out[-1].sum(), "abcdef", calls=slice(None))
    assert np.isfinite(path.direct_log10[3:]).all() and (path.direct_log10[:3] == -np.inf).all()
    assert np.isfinite(path.total_log10).all(), "the whole gradient passes the change, as autograd says"


@pytest.mark.parametrize("family", [nn.LSTM, nn.GRU])
def test_one_step_is_taken_apart_with_the_state_that_it_got(family):
    _, recording, _, _ = changing(family, layers=2)
    trace = recording.trace("abcdef", calls=slice(None))
    for at in (2, 3, 4):
        step = cell_step(recording, trace, at, 1, 2, calls=slice(None))
        for name, values in trace.gates.items():
            assert step.value(name) == pytest.approx(values[at, 1, 2], abs=1e-6)


def test_backpropagation_by_hand_asks_for_a_carried_state():
    trace = replace(lstm_trace(), carried=np.arange(6) != 2)
    with pytest.raises(AnalysisError, match=r"^The state was reset or changed before step 2: expected a trace whose state was carried\.$"):
        lstm_nodes(trace, 0, np.zeros((12, 3)), np.zeros((6, 3)))


def test_figures_of_one_unit_mark_where_the_state_was_not_carried():
    trace = replace(lstm_trace(), carried=np.arange(6) != 2)
    for draw in (gates_and_ledger, cell_and_hidden):
        whole, cut = (draw(one, 0, 1).to_dict() for one in (lstm_trace(), trace))
        assert "The state was reset or changed before number 3." in str(cut)
        rule = r"\{'position': 2\.0\}"  # a step's values are drawn from its position on
        assert len(re.findall(rule, str(cut["datasets"]))) == 1 and not re.findall(rule, str(whole["datasets"]))
    series = explorer.show(replace(trace, tokens=("0.5", "1.5", "3", "0", "1", "2")))
    assert "The state was reset or changed before number 3." in str(series)
    assert "'step': 1.5" in str(series.drawn.to_dict()["datasets"])
