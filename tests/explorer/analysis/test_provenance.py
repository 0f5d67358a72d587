"""Provenance: the parts add up to the state, and each is what autograd finds with the gates held."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from LRU_pytorch import LRU
from mambapy.mamba import MambaBlock, MambaConfig
from minGRU_pytorch.minGRU import minGRU
from minGRU_pytorch.minLSTM import minLSTM
from torch import nn
from torchrecurrent import PeepholeLSTMCell
from xlstm.blocks.slstm.cell import sLSTMCell, sLSTMCellConfig

import explorer
from explorer.analysis.provenance import Provenance, provenance, write_matrix
from explorer.errors import AnalysisError
from explorer.records import Trace
from tests.explorer.traces import gru_trace, lstm_trace, rnn_trace


def exact(kind: str, time: int, units: int, sharp: float, seed: int) -> Trace:
    """A record in double precision; `sharp` drives the gates to 0 and 1."""
    rng = np.random.default_rng(seed)
    gate = lambda: 1 / (1 + np.exp(-np.clip(rng.normal(size=(time, 1, units)) * sharp, -700, 700)))  # noqa: E731
    gates = {"candidate": np.tanh(rng.normal(size=(time, 1, units)))}
    names = ("input", "forget", "output") if kind == "lstm" else ("reset", "update")
    gates |= {name: gate() for name in names}
    keep, write = (gates["forget"], gates["input"]) if kind == "lstm" else (gates["update"], 1 - gates["update"])
    first, states = rng.normal(size=(1, units)), np.zeros((time, 1, units))
    before = first
    for t in range(time):
        states[t] = before = keep[t] * before + write[t] * gates["candidate"][t]
    tokens = tuple("x" * time)
    if kind == "gru":
        return Trace(tokens, states, None, gates, first)
    return Trace(tokens, gates["output"] * np.tanh(states), states, gates, np.zeros((1, units)), first)


@given(
    st.sampled_from(["lstm", "gru"]),
    st.integers(1, 400),
    st.integers(1, 5),
    st.sampled_from([0.5, 3, 30, 1000]),
    st.integers(0, 99),
    st.data(),
)
def test_the_parts_add_up_to_the_state(kind: str, time: int, units: int, sharp: float, seed: int, data: st.DataObject):
    trace = exact(kind, time, units, sharp, seed)
    step = data.draw(st.integers(0, time - 1))
    one = provenance(trace, step)
    assert one.error < 1e-9 and not one.writers[step + 1 :].any()
    weights = np.random.default_rng(seed).normal(size=units)
    written, left = one.through(weights)
    np.testing.assert_allclose(written.sum() + left, weights @ trace.hidden[step, 0], rtol=1e-9, atol=1e-9)


def test_ten_thousand_steps_add_up():
    for kind in ("lstm", "gru"):
        assert provenance(exact(kind, 10_000, 4, 6, 0), -1).error < 1e-9


def held(trace: Trace, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Writers and initial by autograd: gradient of the state with respect to each write, gates held, times the write."""
    keep = torch.tensor(trace.gates["forget" if trace.cell is not None else "update"][:, 0], dtype=torch.float64)
    opening = trace.gates["input"] if trace.cell is not None else 1 - trace.gates["update"]
    writes = torch.tensor((opening * trace.gates["candidate"])[:, 0], dtype=torch.float64, requires_grad=True)
    initial = trace.initial_hidden if trace.initial_cell is None else trace.initial_cell
    first = torch.tensor(initial[0], dtype=torch.float64, requires_grad=True)
    state = first
    for t in range(step + 1):
        state = keep[t] * state + writes[t]
    by_write, by_first = torch.autograd.grad(state.sum(), [writes, first])
    return (by_write * writes).detach().numpy(), (by_first * first).detach().numpy()


@pytest.mark.parametrize(
    "trace", [lstm_trace(time=12, layers=1), gru_trace(time=12), exact("lstm", 40, 3, 4, 1)], ids=["lstm", "gru", "sharp"]
)
@pytest.mark.parametrize("step", [0, 5, -1])
def test_each_part_is_the_gradient_times_the_write_with_the_gates_held(trace: Trace, step: int):
    one = provenance(trace, step)
    writers, initial = held(trace, step % len(trace.tokens))
    np.testing.assert_allclose(one.writers, writers, atol=1e-6)
    np.testing.assert_allclose(one.initial, initial, atol=1e-6)


def test_a_case_worked_by_hand():
    """c_0 = 8 is kept by 1/2 twice; the write of step 0 (1 x 1) is kept by 1/2 once; the write of step 1 is 1/2 x -1."""
    gates = {
        name: np.array(rows, float).reshape(2, 1, 1)
        for name, rows in {"forget": [0.5, 0.5], "input": [1, 0.5], "candidate": [1, -1], "output": [1, 0.5]}.items()
    }
    cell = np.array([5.0, 2.0]).reshape(2, 1, 1)
    trace = Trace(("a", "b"), gates["output"] * np.tanh(cell), cell, gates, np.zeros((1, 1)), np.full((1, 1), 8.0))
    one = provenance(trace, 1)
    assert one.writers[:, 0].tolist() == [0.5, -0.5] and one.initial.tolist() == [2.0] and one.state.tolist() == [2.0]
    assert one.gain[0] == pytest.approx(0.5 * np.tanh(2) / 2) and one.shares[:, 0].tolist() == [0.25, -0.25]
    assert write_matrix(trace, 0).tolist() == [[[1.0, 0.0], [0.5, -0.5]]][0]


def recorded(module: nn.Module, width: int, time: int = 9, **named: object) -> list[Trace]:
    torch.manual_seed(1)
    with torch.no_grad(), explorer.record(module) as recording:
        module(torch.randn(1, time, width))
    return [recording.trace("x" * time, path=path, **named) for path in recording.paths]


@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_every_layer_and_direction_of_real_modules():
    torch.manual_seed(0)
    common = {"num_layers": 2, "batch_first": True, "bidirectional": True}
    for module in (nn.LSTM(3, 5, **common), nn.LSTM(3, 5, proj_size=2, **common), nn.GRU(3, 5, **common)):
        traces = recorded(module, 3)
        assert [trace.is_reverse for trace in traces] == [False, True]
        for trace in traces:
            for layer in (0, 1):
                for step in (0, 4, 8):
                    one = provenance(trace, step, layer)
                    assert one.error < 1e-4 and one.start == (8 if trace.is_reverse else 0)
                    outside = one.writers[:step] if trace.is_reverse else one.writers[step + 1 :]
                    assert not outside.any()
                matrix = write_matrix(trace, 3, layer)
                np.testing.assert_allclose(matrix[4], provenance(trace, 4, layer).writers[:, 3], atol=1e-7)


def test_registered_cells_have_it_too():
    torch.manual_seed(0)
    slstm_cell = sLSTMCell(sLSTMCellConfig(hidden_size=4, num_heads=2, backend="vanilla", recurrent_weight_init="standard"))
    modules = {minGRU(4): 4, minLSTM(4): 4, LRU(4, 4, 3): 4, MambaBlock(MambaConfig(d_model=4, n_layers=1, d_state=2)): 4, slstm_cell: 16}
    for module, width in modules.items():
        (trace,) = recorded(module, width)
        one = provenance(trace, -1)
        assert one.error < 1e-4, module
        assert np.abs(one.writers[0]).max() > 0, "the first step is still there"
        matrix = write_matrix(trace, 1)
        np.testing.assert_allclose(matrix[-1], one.writers[:, 1], atol=1e-6)


def test_the_gates_of_one_layer_of_min_gru_do_not_depend_on_what_is_taken_away():
    """So its shares are exact effects: without a write, the state is less by what that write still was."""
    torch.manual_seed(0)
    module = minGRU(4)
    (trace,) = recorded(module, 4)
    one = provenance(trace, -1)
    keep, new = trace.gates["update"][:, 0].astype(float), trace.parts["candidate state"][:, 0].astype(float)
    for gone in range(9):
        state = np.zeros(new.shape[1])
        for t in range(9):
            state = keep[t] * state + (0 if t == gone else 1) * (1 - keep[t]) * new[t]
        np.testing.assert_allclose(one.state - state, one.writers[gone], atol=1e-6)


def test_the_account_begins_where_the_state_was_last_reset():
    cell = PeepholeLSTMCell(3, 4)
    torch.manual_seed(0)
    with torch.no_grad(), explorer.record(cell) as recording:
        state = None
        for t in range(8):
            state = cell(torch.randn(1, 3), None if t == 5 else state)
    trace = recording.trace("x" * 8, calls=slice(None))
    assert trace.breaks.tolist() == [5]
    one = provenance(trace, 7)
    assert one.start == 5 and not one.writers[:5].any() and one.error < 1e-4
    np.testing.assert_allclose(one.initial, 0, atol=1e-6)
    assert provenance(trace, 4).start == 0
    assert not write_matrix(trace, 0)[5:, :5].any()


def test_shares_are_left_out_where_the_state_is_near_zero():
    trace = lstm_trace(time=3, units=2, layers=1)
    one = replace(provenance(trace, 2), state=np.array([0.01, 1.0]))
    assert np.isnan(one.shares[:, 0]).all() and not np.isnan(one.shares[:, 1]).any()


@pytest.mark.parametrize(
    ("trace", "step", "layer", "sentence"),
    [
        (rnn_trace(), 0, 0, r"^No step of this cell keeps a part of its state as it was.*explorer\.attribution measures"),
        (lstm_trace(), 6, 0, r"^There is no step 6; this record has 6, 0 to 5\.$"),
        (lstm_trace(), 0, 2, r"^There is no layer 2; this record has 2 layers"),
        (lstm_trace(), 0, -3, r"^There is no layer -3"),
        (lstm_trace(time=0), 0, 0, r"^This record has no steps\.$"),
        (replace(lstm_trace(), cell=lstm_trace().cell + 1), 3, 0, r"^The writes of this record add up to another state"),
    ],
)
def test_what_has_no_provenance_says_why(trace: Trace, step: int, layer: int, sentence: str):
    with pytest.raises(AnalysisError, match=sentence):
        provenance(trace, step, layer)


def test_the_matrix_of_no_unit_says_so():
    with pytest.raises(AnalysisError, match=r"^There is no unit 3; this layer has 3 units, 0 to 2\.$"):
        write_matrix(lstm_trace(), 3)
    assert isinstance(provenance(lstm_trace(), 2), Provenance)
