"""What went into a gate: by hand, against the gates of the record, and what a held gate makes of a step."""

import math
import warnings

import pytest
import torch
from torch import nn

import explorer
from explorer.analysis.cell_step import CellStep, Gate
from explorer.analysis.ledger import ledger
from explorer.errors import AnalysisError, RecordingError
from explorer.recording.preactivations import cell_step

KINDS = {"lstm": nn.LSTM, "gru": nn.GRU, "tanh": nn.RNN}
TOKENS = "abcde"


def recorded(module: nn.Module, x: torch.Tensor, state=None):
    with explorer.record(module) as recording:
        module(x, state)
    return recording, recording.trace(TOKENS[: len(x)])


@pytest.mark.parametrize("kind", KINDS)
def test_the_sums_make_the_gates_and_the_state_of_the_record(kind: str):
    torch.manual_seed(0)
    module = KINDS[kind](3, 4, 2).eval()
    first = torch.randn(2, 1, 4)
    recording, trace = recorded(module, torch.randn(5, 1, 3), (first, first * 2) if kind == "lstm" else first)
    body = trace.hidden if trace.cell is None else trace.cell
    for at in range(5):
        for layer, unit in ((0, 0), (1, 3)):
            step, book = cell_step(recording, trace, at, layer, unit), ledger(trace, layer)
            assert step.kind == kind and step.state == pytest.approx(body[at, layer, unit], abs=1e-6)
            assert step.shown == pytest.approx(trace.hidden[at, layer, unit], abs=1e-6)
            assert (step.kept, step.written) == pytest.approx((book.kept[at, unit], book.written[at, unit]), abs=1e-6)
            for name, values in trace.gates.items():
                assert step.value(name) == pytest.approx(values[at, layer, unit], abs=1e-6)
    if kind != "tanh":
        assert step.before == pytest.approx(body[3, 1, 3]) and cell_step(recording, trace, 0, 1, 2).before == pytest.approx(
            float(first[1, 0, 2]) * (2 if kind == "lstm" else 1)
        )


def test_one_gru_step_worked_out_by_hand():
    module = nn.GRU(1, 1)
    with torch.no_grad():
        for name, rows in (
            ("weight_ih_l0", [1, 2, 3]),
            ("weight_hh_l0", [0.5, -1, 2]),
            ("bias_ih_l0", [0.1, 0.2, 0.3]),
            ("bias_hh_l0", [0, 0, 4]),
        ):
            getattr(module, name).copy_(torch.tensor(rows, dtype=torch.float32).reshape(getattr(module, name).shape))
    recording, trace = recorded(module, torch.tensor([[[0.5]]]), torch.tensor([[[0.2]]]))
    step = cell_step(recording, trace, 0, 0, 0)
    r, z = 1 / (1 + math.exp(-(0.5 + 0.1 + 0.1))), 1 / (1 + math.exp(-(1.0 - 0.2 + 0.2)))
    assert step.fed_back == pytest.approx(0.4 + 4) and step.gate("candidate").from_state == pytest.approx(r * 4.4)
    n = math.tanh(1.5 + r * 4.4 + 0.3)
    assert step.state == pytest.approx(z * 0.2 + (1 - z) * n) and step.gate("candidate").bias == pytest.approx(0.3)


STEP = CellStep(
    "lstm",
    (
        Gate("input", 0.0, 0.0, 0.0, 0.5),
        Gate("forget", 1.0, 1.0, 0.2, 0.9),
        Gate("candidate", 0.0, 0.0, 0.0, -0.4),
        Gate("output", 0.0, 0.0, 0.0, 0.5),
    ),
    2.0,
)


def test_a_held_gate_worked_out_by_hand():
    assert (STEP.kept, STEP.written, STEP.state) == pytest.approx((1.8, -0.2, 1.6)) and STEP.gate("forget").inside == pytest.approx(2.2)
    assert STEP.shown == pytest.approx(0.5 * math.tanh(1.6))
    assert STEP.held("forget", 0.0).state == pytest.approx(-0.2) and STEP.held("forget", 1.0).state == pytest.approx(1.8)
    assert STEP.state == pytest.approx(1.6)  # the step itself is as it was


def test_who_made_the_change():
    assert STEP.held("forget", 0.5).mover == "forget" and STEP.held("forget", 1.0).mover == "candidate"
    assert CellStep("tanh", (Gate("candidate", 1.0, 1.0, 0.0, 0.9),), 0.5).mover == "candidate"


def test_a_gru_keeps_with_its_update_gate():
    step = CellStep(
        "gru", (Gate("reset", 0.0, 0.0, 0.0, 1.0), Gate("update", 0.0, 0.0, 0.0, 0.75), Gate("candidate", 0.0, 0.0, 0.0, 1.0)), -1.0
    )
    assert (step.kept, step.written, step.state) == pytest.approx((-0.75, 0.25, -0.5))
    assert step.held("update", 1.0).state == -1.0 and step.held("update", 0.0).state == 1.0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: STEP.gate("update"), "There is no update gate; this cell has input, forget, candidate, output."),
        (lambda: STEP.held("forget", 1.5), "The forget gate cannot be 1.5; expected 0 to 1."),
    ],
)
def test_what_a_step_refuses(call, sentence: str):
    with pytest.raises(AnalysisError) as caught:
        call()
    assert str(caught.value) == sentence


def test_what_cannot_be_taken_apart():
    recording, trace = recorded(nn.RNN(2, 3), torch.zeros(2, 1, 2))
    with pytest.raises(RecordingError, match=r"There is no step 2, layer 0, unit 3; this trace has 2 steps, 1 layers and 3 units"):
        cell_step(recording, trace, 2, 0, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that oneDNN knows no projections
        others = nn.RNN(2, 3, nonlinearity="relu"), nn.LSTM(2, 3, proj_size=2)
        heard = [recorded(module, torch.zeros(2, 1, 2)) for module in others]
    for recording, trace in heard:
        with pytest.raises(RecordingError, match=r"cannot be taken apart here; expected an nn\.RNN"):
            cell_step(recording, trace, 0, 0, 0)
