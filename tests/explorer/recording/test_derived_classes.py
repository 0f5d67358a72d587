"""Classes derived from torch's, and cells, where something beside their equation is unusual: a GPU, a sparse tensor."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.errors import RecordingError
from explorer.recording.calls import Call
from explorer.recording.circumstances import undisturbed
from tests.explorer.recording.test_custom_refusals import Leaking, by_step


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Calls that say they ran on a GPU, with the arithmetic that torch has there unless it is told otherwise."""
    monkeypatch.setattr(Call, "is_cuda", True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)


def test_a_derived_class_that_computes_something_else_is_traced_on_a_gpu_as_elsewhere(as_on_a_gpu):
    recording, out = by_step(Leaking(3, 4), gradients=True)
    trace = recording.trace("abcd")
    assert trace.hidden.shape == (4, 1, 4) and not trace.gates
    np.testing.assert_array_equal(trace.parts["output"][-1, 0], out[0, 0].detach())
    assert explorer.gradient_flow(recording, out.sum(), "abcd").cell_log10 is None


def test_what_has_no_states_of_its_own_is_told_of_the_arithmetic_of_a_gpu(as_on_a_gpu):
    # It read everything in one call: no state came back to it that would be its own.
    with explorer.record(Leaking(3, 4)) as recording:
        recording.root(torch.randn(4, 2, 3))
    with pytest.raises(RecordingError, match=r"It ran on a GPU: set torch\.backends\.cudnn\.allow_tf32 = False, which rounds to 10 bits"):
        recording.trace("abcd")


class Neighbours(nn.Module):
    """A cell on a graph: each row of the batch also gets the states of its neighbours, by a sparse matrix that the cell keeps."""

    adjacency: Tensor

    def __init__(self):
        super().__init__()
        self.own = nn.Linear(3, 3)
        self.register_buffer("adjacency", torch.eye(2).flip(0).to_sparse())
        self.again = torch.eye(2).to_sparse()

    def forward(self, x: Tensor, m: Tensor) -> Tensor:
        return torch.tanh(self.own(x) + self.adjacency @ m + self.again @ m)


def test_a_cell_that_keeps_a_sparse_tensor_is_recorded_with_gradients():
    cell, state = Neighbours(), torch.zeros(2, 3)
    with explorer.record(cell, gradients=True) as recording:
        for x in torch.randn(3, 2, 3):
            state = cell(x, state)
    trace = recording.trace("abc")
    assert trace.hidden.shape == (3, 1, 3)
    np.testing.assert_array_equal(trace.hidden[-1, 0], state[0].detach())
    assert np.isfinite(explorer.gradient_flow(recording, state.sum(), "abc").state_log10).all()


def test_a_sparse_buffer_is_put_back_only_where_it_was_changed():
    cell = Neighbours()
    before, writes = cell.adjacency.to_dense(), cell.adjacency._version
    with undisturbed(cell):
        cell(torch.ones(2, 3), torch.ones(2, 3))
    assert cell.adjacency._version == writes
    with undisturbed(cell):
        cell.adjacency.mul_(2)
    assert torch.equal(cell.adjacency.to_dense(), before)
