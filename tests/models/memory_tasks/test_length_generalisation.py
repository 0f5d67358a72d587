"""Why recurrence: other weights at every step. Its networks are those of torch, its bound that of a simulated reader."""

import pytest
import torch
from torch import Generator, nn

from models.memory_tasks import length_generalisation
from models.memory_tasks.tasks import TaskError


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def test_weights_per_step_that_are_all_alike_are_an_rnn():
    module, rnn = (
        length_generalisation.PerStep(seeded()),
        nn.RNN(length_generalisation.FEATURES, length_generalisation.UNITS, batch_first=True),
    )
    with torch.no_grad():
        for step in range(length_generalisation.LONG):
            module.W[step], module.U[step] = rnn.weight_ih_l0.T, rnn.weight_hh_l0.T
            module.b[step] = rnn.bias_ih_l0 + rnn.bias_hh_l0
    x, _ = length_generalisation.sequences(5, 17, seeded())
    torch.testing.assert_close(module(x), module.readout(rnn(x)[0][:, -1]))


def test_there_is_one_digit_and_it_may_be_at_any_step():
    x, digit = length_generalisation.sequences(400, 7, seeded())
    steps = set()
    for row, one in zip(x.argmax(2).tolist(), digit.tolist(), strict=True):
        assert [sign for sign in row if sign < length_generalisation.DIGITS] == [one]
        steps.add(row.index(one))
    assert steps == set(range(7))


def test_weights_of_padded_steps_get_no_gradient():
    """Beyond the tenth step the MLP keeps its initial weights: the loss has no gradient there."""
    module, (x, digit) = length_generalisation.Padded(seeded()), length_generalisation.sequences(8, length_generalisation.SHORT, seeded())
    nn.functional.cross_entropy(module(x), digit).backward()
    grad = module.hidden.weight.grad.view(-1, length_generalisation.LONG, length_generalisation.FEATURES)
    assert grad[:, : length_generalisation.SHORT].any() and not grad[:, length_generalisation.SHORT :].any()


def test_a_reader_of_ten_steps_reaches_the_ceiling():
    class Reader(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, : length_generalisation.SHORT, : length_generalisation.DIGITS].sum(1) + 1e-3 * torch.rand(
                len(x), length_generalisation.DIGITS, generator=luck
            )

    luck = seeded(5)
    assert length_generalisation.accuracy(Reader()) == pytest.approx(length_generalisation.ceiling(), abs=0.08)
    assert length_generalisation.ceiling()[: length_generalisation.SHORT] == [
        1.0
    ] * length_generalisation.SHORT and length_generalisation.ceiling()[-1] == pytest.approx(0.325)


def test_an_unknown_network_is_refused():
    with pytest.raises(TaskError, match=r"no network called 'CNN'. Known: RNN, weights per step, padded MLP"):
        length_generalisation.job("CNN")
