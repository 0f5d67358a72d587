"""What cells of unknown classes cannot give is a sentence, and what stands beside a state stays apart from it."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer import steps
from tests.explorer.errors import refused


class Mixed(nn.Module):
    """A cell without weights, whose state has a name that says nothing; it passes the state on where it reads only zeros."""

    def forward(self, x: Tensor, m: Tensor) -> Tensor:
        return 0.5 * m + x if x.any() else m


class MixedState(Mixed):
    """The same, its state called by the usual name."""

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        return super().forward(x, state)


def test_a_state_that_autograd_does_not_see_is_a_sentence():
    for model, first, reason in (
        (
            Mixed(),
            1,
            "it had no graph, and nothing showed yet that the module is a cell. Name its second argument state, or register its step",
        ),
        (MixedState(), 0, "it is the very tensor that the module was given, which has no graph. Return a new one"),
    ):
        with explorer.record(model, gradients=True) as recording:
            state = torch.zeros(2, 3)
            for scale in (first, 1, 1):
                state = model(scale * torch.ones(2, 3), state)
        path = type(model).__name__.lower()
        with refused(f"Autograd does not see the state that '{path}' returned in call 0: {reason}."):
            explorer.gradient_flow(recording, state.sum(), "abc")


class Rotating(nn.Module):
    """forward(x, h) -> (output, h): everything is complex, and its step shows something else than the state."""

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = 0.9j * h + x
        return 2j * h, h


class Choosing(nn.Module):
    """forward(x, h) -> (number of the largest unit, h)."""

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = 0.5 * h + x
        return h.argmax(-1), h


class Scaled(nn.Module):
    """forward(x, h) -> (output, h), an output far outside the range of a gate."""

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = 0.5 * h + x
        return 100 * h, h


class Gated(Scaled):
    """The same, its step naming an output gate."""


def run(cell: nn.Module, dtype: torch.dtype = torch.float32) -> tuple[explorer.Recording, list[tuple[Tensor, Tensor]]]:
    """Four steps of a cell that returns an output and its state."""
    torch.manual_seed(0)
    state, results = torch.zeros(2, 3, dtype=dtype), []
    with explorer.record(cell) as recording:
        for x in torch.randn(4, 2, 3, dtype=dtype):
            results.append(cell(x, state))
            state = results[-1][1]
    return recording, results


@pytest.fixture
def registered():
    """Steps of the cells above, for one test."""
    kept = dict(steps._STEPS)
    explorer.step(Rotating)(lambda module, x, h: (0.9j * h + x, {}, 2j * (0.9j * h + x)))
    explorer.step(Scaled)(lambda module, x, h: (0.5 * h + x, {"sums": h + x}, 100 * (0.5 * h + x)))
    explorer.step(Gated)(lambda module, x, h: (0.5 * h + x, {"output": torch.full_like(h, 0.5)}, 100 * (0.5 * h + x)))
    yield
    steps._STEPS.clear()
    steps._STEPS.update(kept)


def test_the_output_of_a_cell_is_no_gate(registered):
    recording, results = run(Scaled())
    trace = recording.trace("abcd", index=1)
    assert not trace.gates and set(trace.parts) == {"output", "sums"}
    np.testing.assert_array_equal(trace.parts["output"][:, 0], torch.stack([out for out, _ in results])[:, 1])
    trace = run(Gated())[0].trace("abcd")
    assert set(trace.gates) == {"output"} and (trace.gates["output"] == 0.5).all() and not trace.parts


@pytest.mark.parametrize("has_step", [False, True])
def test_a_cell_may_read_and_return_complex_numbers(request, has_step: bool):
    if has_step:
        request.getfixturevalue("registered")
    recording, results = run(Rotating(), torch.complex64)
    trace = recording.trace("abcd", index=1)
    np.testing.assert_array_equal(trace.hidden[:, 0], torch.stack([state for _, state in results])[:, 1])
    np.testing.assert_array_equal(trace.parts["output"][:, 0], torch.stack([out for out, _ in results])[:, 1])
    assert trace.carried.all()


def test_the_state_beside_an_output_of_whole_numbers_keeps_its_fractions():
    recording, results = run(Choosing())
    trace = recording.trace("abcd", index=1)
    np.testing.assert_array_equal(trace.hidden[:, 0], torch.stack([state for _, state in results])[:, 1])
    np.testing.assert_array_equal(trace.parts["output"][:, 0, 0], torch.stack([out for out, _ in results])[:, 1])
