"""Truncated backpropagation: the stream by hand, bounds of a simulated reader, and what crosses the border of a window."""

import pytest
import torch
from torch import Generator, nn

from explorer.analysis.gradients import heard
from models.memory_tasks import truncated_bptt
from models.training import Trainer


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def test_the_stream_by_hand():
    signs, wanted, ago = truncated_bptt.stream(4, 300, seeded())
    for row in range(4):
        last = at = -1
        for step, sign in enumerate(signs[row].tolist()):
            if sign < truncated_bptt.SYMBOLS:
                last, at = sign, step
            assert wanted[row, step] == last and ago[row, step] == step - at
    share = (signs == truncated_bptt.ASK).double().mean().item()
    assert share == pytest.approx(truncated_bptt.QUESTION, abs=0.05)


class Remembers(nn.Module):
    """Answers with the last symbol while its state holds one, and guesses otherwise. The state is that symbol, or nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.luck = seeded(3)

    def forward(self, x: torch.Tensor, state: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        kept, out = x.new_zeros(len(x), truncated_bptt.SYMBOLS) if state is None else state, []
        for step in range(x.shape[1]):
            shown = x[:, step, : truncated_bptt.SYMBOLS]
            kept = torch.where(shown.any(1, keepdim=True), shown, kept)
            out.append(kept + 1e-3 * torch.rand(kept.shape, generator=self.luck))
        return torch.stack(out, 1), kept


@pytest.mark.parametrize("window", [5, 10])
def test_a_memory_of_one_window_reaches_the_ceiling(window: int):
    lags = torch.arange(1, truncated_bptt.FAR + 1).numpy()
    share = heard(window, lags)
    assert truncated_bptt.accuracy(Remembers(), window, False) == pytest.approx(share + (1 - share) / truncated_bptt.SYMBOLS, abs=0.06)
    assert truncated_bptt.accuracy(Remembers(), window, True) == [1.0] * truncated_bptt.FAR
    assert min(truncated_bptt.questions()) > 200, "enough for this"


def test_the_gradient_ends_at_the_border_and_the_state_does_not():
    """What is trained, step by step: the loss of the second window depends on the first one's signs, but has no gradient there."""
    begun, recipe = truncated_bptt.job("lstm", 10, True, updates=2)
    first, second = begun.batches(0)
    module, losses = begun.module, []
    embedded = []
    module.rnn.register_forward_pre_hook(lambda _, given: embedded.append(given[0].requires_grad_()))
    _, carry = begun.loss(module, first, None)
    loss, _ = begun.loss(module, second, carry)
    into_first, into_second = torch.autograd.grad(loss, embedded, allow_unused=True)
    assert into_first is None and into_second.any()
    for signs in (first[0], first[0].roll(1, 0)):
        _, carry = begun.loss(module, (signs, first[1]), None)
        losses.append(begun.loss(module, second, carry)[0].item())
    assert losses[0] != losses[1], "the state crosses"
    assert truncated_bptt.job("lstm", 10, False, updates=2)[0].loss(module, first, None)[1] is None
    Trainer(begun, recipe, None).run()


def test_a_network_trained_in_windows_remembers_beyond_them():
    accuracies = {}
    for is_carried in (True, False):
        begun, recipe = truncated_bptt.job("gru", 5, is_carried, updates=250)
        Trainer(begun, recipe, None).run()
        accuracies[is_carried] = truncated_bptt.accuracy(begun.module.eval(), 5, is_carried)
    assert accuracies[True][19] > 0.35, "20 steps: four windows"
    assert accuracies[False][19] < 0.25, "chance is 1/8"
