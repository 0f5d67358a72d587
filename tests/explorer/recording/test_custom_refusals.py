"""What cells of unknown classes cannot give is a sentence, and what stands beside a state stays apart from it."""

import torch
from torch import Tensor, nn

import explorer
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
