"""Inputs replaced while a module runs: how it is called stays as it was, and a run that differs from the first one is refused."""

import re

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.errors import RecordingError

X = torch.arange(24.0).view(3, 4, 2).sin()


class Amplified(nn.GRU):
    """Derived from torch's, with one more argument."""

    def forward(self, input: Tensor, hx: Tensor | None = None, scale: float = 1.0) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        out, state = super().forward(input, hx)
        return scale * out, state


START = torch.full((1, 3, 3), 0.5)
CALLS = [
    lambda module, x, start: module(x, start, 2.0),
    lambda module, x, start: module(x, start, scale=2.0),
    lambda module, x, start: module(x, scale=2.0, hx=start),
    lambda module, x, start: module(scale=2.0, hx=start, input=x),
]


@pytest.mark.parametrize("is_wide", [True, False])
@pytest.mark.parametrize("start", [START, None])
@pytest.mark.parametrize("call", CALLS)
def test_further_arguments_of_a_derived_class_reach_it(call, start: Tensor | None, is_wide: bool):
    torch.manual_seed(0)
    module = Amplified(2, 3, batch_first=True).requires_grad_(False)
    value = lambda x: call(module, x, start)[0][:, -1].sum(1)  # noqa: E731
    with explorer.record(module) as recording:
        value(X)
    got = explorer.attribution(recording, lambda: value(X) if is_wide else value(X)[1], "occlusion", "abcd", index=1)
    lost = []
    for step in range(4):
        without = X.clone()
        without[1, step] = 0
        lost.append(float(value(X)[1] - value(without)[1]))
    np.testing.assert_allclose(got.scores, lost, atol=1e-6)
    assert np.abs(got.scores).max() > 0.1


@pytest.mark.parametrize(
    ("later", "read"),
    [
        (lambda module: (module(X), module(X)), "4 steps in 2 calls"),  # the call that is explained comes first and is the same
        (lambda module: (module(X[:, :2]),), "2 steps in 1 call"),
        (lambda module: (module(torch.cat([X, X], 1)),), "8 steps in 1 call"),
    ],
)
@pytest.mark.parametrize("is_wide", [True, False])
def test_a_later_run_that_reads_something_else_is_refused(later, read: str, is_wide: bool):
    torch.manual_seed(0)
    module = nn.GRU(2, 3, batch_first=True).requires_grad_(False)
    with explorer.record(module) as recording:
        module(X)
    runs = iter([lambda module: (module(X),)])

    def output() -> Tensor:
        value = next(runs, later)(module)[0][0][:, -1].sum(1)
        return value if is_wide else value[0]

    sentence = f"output() made 'gru' read {read}; the recording heard 4 steps in 1. Run the recorded module on the same text, once, "
    with pytest.raises(RecordingError, match="^" + re.escape(sentence)):
        explorer.attribution(recording, output, "occlusion", "abcd")


def test_rows_that_move_run_one_input_at_a_time():
    """As in beam search: what was read sat in another row of the batch at each step, and so does what takes its place."""
    torch.manual_seed(0)
    cell, order = nn.GRUCell(2, 3).requires_grad_(False), ([0, 1, 2], [1, 0, 2], [0, 2, 1], [2, 1, 0])
    rows = [0, 1, 2, 0]  # where the sequence that began in row 0 sat

    def run() -> Tensor:
        state = torch.zeros(3, 3)
        for step, moved in enumerate(order):
            state = cell(X[:, step], state[moved])
        return state.sum(1)

    def alone(x: Tensor) -> float:
        state = torch.zeros(1, 3)
        for step in x:
            state = cell(step[None], state)
        return float(state.sum())

    with explorer.record(cell) as recording:
        run()
    x = X[rows, range(4)]
    lost = [alone(x) - alone(x * (torch.arange(4) != step)[:, None]) for step in range(4)]
    scored = explorer.attribution(recording, run, "occlusion", "abcd", index=rows)
    np.testing.assert_allclose(scored.scores, lost, atol=1e-6)
    assert scored.output == pytest.approx(alone(x), abs=1e-6) and np.abs(lost).max() > 0.1
